"""Names on AWS carry backend and stage, fit their limits, and follow a function from stack to stack."""

from dataclasses import replace

import pytest
from tests.aws.backends import answer, of_size, stage

from taxiway import Backend, DeclarationError, Function, HttpApi, Secret, StreamConsumer, Table
from taxiway.declare import names, placement

DEV, PROD = stage("dev"), stage("prod")


def backend(*functions: str, name: str = "shop", consumer: bool = False) -> Backend:
    api = HttpApi()
    for number, function in enumerate(functions):
        api.get(f"/{number}", answer, function=Function(name=function))
    table = Table(consumers=[StreamConsumer(answer, Function(name="changes"))]) if consumer else None
    return Backend(name, api=api, table=table)


def test_a_function_is_called_by_backend_stage_and_its_own_name():
    shop = backend("create-order")

    assert names.function(shop, PROD, shop.functions[0]) == "shop-prod_create-order"
    assert names.log_group(shop, DEV, shop.functions[0]) == "/aws/lambda/shop-dev_create-order"


def test_a_name_that_is_too_long_for_lambda_is_cut_and_stays_its_own():
    shop = backend("f" * 64, "f" * 63 + "g", name="b" * 32)
    found = [names.function(shop, PROD, function) for function in shop.functions]

    assert [len(name) for name in found] == [64, 64]
    assert len(set(found)) == 2


def test_a_scaling_policy_of_an_index_is_called_by_it_as_far_as_aws_takes_its_name():
    """256 characters: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html"""
    shop = backend("create-order", name="b" * 32)
    found = [
        names.scaling(shop, PROD, index, way)
        for index in ("i" * 254 + "1", "i" * 254 + "2")
        for way in ("read", "write")
    ]

    assert names.scaling(shop, PROD, "gsi1", "read") == f"{'b' * 32}-prod-gsi1-read"
    assert [len(name) for name in found] == [256] * 4
    assert len(set(found)) == 4


def test_a_backend_that_fits_is_one_stack():
    shop = of_size(20, PROD)

    assert {placement.group(shop, function) for function in shop.functions} == {None}


def test_routes_that_share_a_function_fit_into_one_stack():
    large = of_size(300, PROD, shared=True)

    assert placement.group(large, large.functions[0]) is None


@pytest.mark.parametrize("routes", [30, 100, 200, 300])
def test_a_large_backend_is_spread_so_that_no_stack_is_too_full(routes: int):
    large = of_size(routes, PROD)
    groups = [placement.group(large, function) for function in large.functions]

    assert groups.count(None) * 16 + routes + 76 < placement.STACK_LIMIT
    assert max(groups.count(group) for group in groups if group) * 16 < placement.STACK_LIMIT


def test_the_nested_stack_of_a_function_does_not_follow_from_the_order_of_declaration():
    functions = [f"function-{number}" for number in range(60)]
    one, other = backend(*functions), backend(*reversed(functions))

    assert {f.name: placement.group(one, f) for f in one.functions} == {
        f.name: placement.group(other, f) for f in other.functions
    }


@pytest.mark.parametrize("called", ["f{}", "create-thing-{}", "get_{}_by_id"])
def test_one_function_more_moves_two_at_most_and_no_consumer(called: str):
    before: dict[str, str] = {}
    moved: list[int] = []
    for size in range(1, 101):
        grown = backend(*(called.format(number) for number in range(size)), consumer=True)
        now = {function.name: names.function(grown, PROD, function) for function in grown.functions}
        moved.append(sum(now[name] != called_before for name, called_before in before.items()))
        assert now["changes"] == "shop-prod_changes"
        before = now

    assert any("-prod_1_" in name for name in before.values())  # it has long outgrown its stack
    assert max(moved) <= 2
    assert sum(moved) < 45


def test_a_function_that_moves_to_another_stack_gets_another_name():
    """A function in its nested stack can't be called like one of the stage's own: no name begins with a digit."""
    large = backend(*(f"f{number}" for number in range(40)))

    nested = {f.name: placement.group(large, f) for f in large.functions if placement.group(large, f)}
    assert nested
    for function in large.functions:
        number = nested.get(function.name)
        expected = f"shop-prod_{number}_{function.name}" if number else f"shop-prod_{function.name}"
        assert names.function(large, PROD, function) == expected


def test_more_routes_than_a_stack_holds_are_refused():
    with pytest.raises(DeclarationError, match=r"500 of routes.* a CloudFormation stack can hold 500"):
        placement.group(large := of_size(500, PROD, shared=True), large.functions[0])


def test_what_else_a_stack_can_not_hold_is_refused_with_all_that_it_holds() -> None:
    secrets = [Secret(f"shop/{number}", generate="key") for number in range(450)]
    shop = Backend(
        "shop", api=HttpApi(), secrets=secrets, table=Table(consumers=[StreamConsumer(answer, Function(name="c"))])
    )

    with pytest.raises(DeclarationError, match=r"545 resources in one stack \(450 of secrets, 1 of the table, 18 of"):
        placement.group(shop, shop.functions[-1])


def test_secrets_that_are_made_elsewhere_take_no_room() -> None:
    def at_home(generate: str | None, count: int) -> int:
        """How many of 30 functions are in the stage's own stack, beside so many secrets."""
        secrets = [Secret(f"shop/{number}", generate=generate) for number in range(count)]
        shop = replace(backend(*(f"f{number}" for number in range(30))), secrets=secrets)
        return [placement.group(shop, function) for function in shop.functions].count(None)

    assert at_home("key", 200) < at_home(None, 200) == at_home(None, 0)


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_a_region_is_in_its_partition(region: str, partition: str):
    assert names.partition(region) == partition
