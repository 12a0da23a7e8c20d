"""A stage's own network: in the zones that are named, with addresses that no change of them needs twice at once."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from tests.aws.backends import Order, answer, packages, stage
from tests.aws.reading import Template

from taxiway import Backend, HttpApi, Network, Operations, Secret, Table, allow
from taxiway.aws.template.synthesis import synthesize
from taxiway.permissions.function_policy import function_policy


def shop(network: Network | None, *, watched: bool = False) -> Backend:
    api, secret = HttpApi(), Secret("shop/dev")
    api.get("/orders", answer, uses=[allow.get(Order), secret])
    operations = Operations(alarms=True, release="canary-5m") if watched else Operations()
    return Backend("shop", api=api, table=Table(), secrets=[secret], network=network, operations=operations)


def synthesized(backend: Backend, directory: Path) -> Template:
    own = directory / str(len(list(directory.iterdir())))
    made = synthesize(backend, stage("dev"), packages=packages(backend, directory), directory=own)
    return Template.read(made.template.path)


def subnets(template: Template) -> dict[str, tuple[Any, IPv4Network]]:
    """The zone and the addresses of each subnet, by its logical id."""

    def addresses(value: Any) -> IPv4Network:
        index, blocks = value["Fn::Select"]
        whole, count, bits = blocks["Fn::Cidr"]
        assert index < count
        return [*IPv4Network(whole).subnets(new_prefix=32 - int(bits))][index]

    return {
        name: (made["Properties"]["AvailabilityZone"], addresses(made["Properties"]["CidrBlock"]))
        for name, made in template.resources.items()
        if made["Type"] == "AWS::EC2::Subnet"
    }


def test_functions_and_endpoints_are_in_the_zones_that_are_named(tmp_path: Path) -> None:
    template = synthesized(shop(Network(zones=("eu-west-1b", "eu-west-1c"))), tmp_path)
    made = subnets(template)

    assert {zone for zone, _ in made.values()} == {"eu-west-1b", "eu-west-1c"}
    (function,) = template.of_type("Lambda::Function")
    (endpoint,) = [e for e in template.of_type("EC2::VPCEndpoint") if e["VpcEndpointType"] == "Interface"]
    every = [{"Ref": name} for name in made]
    assert function["VpcConfig"]["SubnetIds"] == endpoint["SubnetIds"] == every
    assert [each["SubnetId"] for each in template.of_type("EC2::SubnetRouteTableAssociation")] == every


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.0.0.0/20"])
def test_a_change_of_zones_never_needs_addresses_that_are_still_taken(cidr: str, tmp_path: Path) -> None:
    """EC2 has no two subnets with the same addresses, and a new one is made before an old one is deleted."""
    before_and_after = [
        Network(cidr=cidr),
        Network(cidr=cidr, zones=3),
        Network(cidr=cidr, zones=("eu-west-1a", "eu-west-1b")),
        Network(cidr=cidr, zones=("eu-west-1c", "eu-west-1b", "eu-west-1a")),
        Network(cidr=cidr, zones=("eu-west-1m", "eu-west-1b")),
    ]
    found = [subnets(synthesized(shop(network), tmp_path)) for network in before_and_after]

    for before in found:
        for after in found:
            for name, (zone, block) in after.items():
                if name in before:
                    assert before[name] == (zone, block)  # the same subnet, unchanged
                else:
                    assert not any(block.overlaps(taken) for _, taken in before.values())


@pytest.mark.parametrize(("cidr", "zones"), [("10.0.0.0/24", 2), ("10.0.0.0/22", 3), ("10.1.0.0/16", 3)])
def test_zones_that_are_not_named_are_the_first_of_the_account(cidr: str, zones: int, tmp_path: Path) -> None:
    made = subnets(synthesized(shop(Network(cidr=cidr, zones=zones)), tmp_path))

    assert [zone for zone, _ in made.values()] == [
        {"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in range(zones)
    ]
    blocks = [block for _, block in made.values()]
    assert all(block.subnet_of(IPv4Network(cidr)) for block in blocks)


def test_a_network_that_is_not_in_use_stays_and_lambda_may_still_give_its_interfaces_back(tmp_path: Path) -> None:
    used, left = (shop(Network(in_use=in_use), watched=True) for in_use in (True, False))
    before, after = synthesized(used, tmp_path), synthesized(left, tmp_path)
    (function,) = after.of_type("Lambda::Function")

    assert "VpcConfig" not in function
    assert function_policy(left, left.functions[0], stage("dev")) == function_policy(
        used, used.functions[0], stage("dev")
    )
    of_network = {name for name, made in before.resources.items() if made["Type"].startswith("AWS::EC2::")}
    assert of_network
    assert of_network <= after.resources.keys()
    without = synthesized(shop(None, watched=True), tmp_path)
    inside, outside, gone = (
        {name for name, made in template.resources.items() if made["Type"] == "AWS::Lambda::Version"}
        for template in (before, after, without)
    )
    assert not inside & outside  # the alias moves to a version that is in no network
    assert outside == gone  # which is the same as with none: Lambda publishes no second one of the same
