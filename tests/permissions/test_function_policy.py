"""A function's policy allows exactly what the declaration grants, on exactly the keys that its entities have."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.item import Item
from models.user import User
from tests.aws.backends import ACCOUNT, Customer, Order, answer, of_the_template, stage, with_everything
from tests.permissions.iam import holds, like

from taxiway import Backend, DeclarationError, Function, HttpApi, Index, Network, Secret, StreamConsumer, Table, allow
from taxiway.data import Entity, key, pattern, unique
from taxiway.declare import Route
from taxiway.permissions.endpoint_policy import endpoint_policy
from taxiway.permissions.function_policy import WILDCARDS, function_policy, leading_key
from taxiway.permissions.invocation import invoked_by

AT = stage("prod")
TABLE = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/shop-prod"


def statements(*uses: Any, network: Network | None = None, **options: Any) -> dict[str, dict[str, Any]]:
    """The statements, by their Sid, of a function that uses these."""
    function = Function(name="orders", uses=uses)
    api = HttpApi()
    api.get("/orders", answer, function=function)
    table = Table(indexes=[Index("gsi1"), Index("gsi2")], **options)
    secrets = [use for use in uses if isinstance(use, Secret)]
    backend = Backend("shop", api=api, table=table, secrets=secrets, network=network)
    return {statement["Sid"]: statement for statement in function_policy(backend, function, AT)["Statement"]}


def allowed_keys(statement: dict[str, Any], operator: str) -> list[str]:
    return statement["Condition"][f"ForAllValues:{operator}"]["dynamodb:LeadingKeys"]


def all_policies() -> list[tuple[Function, dict[str, Any]]]:
    return [
        (function, function_policy(backend, function, at))
        for backend, at in (of_the_template("dev"), with_everything(), with_everything("eu-west-1"))
        for function in backend.functions
    ]


def test_a_grant_is_its_calls_on_the_table_and_on_the_keys_of_its_entity():
    assert statements(allow.put(Order))["PutItem"] == {
        "Sid": "PutItem",
        "Effect": "Allow",
        "Action": ["dynamodb:PutItem"],
        "Resource": [TABLE],
        "Condition": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["ORDER#*"]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    }


def test_a_query_is_allowed_on_its_index_alone_and_a_key_without_fields_is_exact():
    found = statements(allow.query(Order.by_customer), allow.query(Order.every))

    assert found["QueryGsi1"]["Resource"] == [f"{TABLE}/index/gsi1"]
    assert allowed_keys(found["QueryGsi1"], "StringLike") == ["ORDER#CUSTOMER#*"]
    assert allowed_keys(found["QueryGsi2"], "StringEquals") == ["ORDERS"]
    assert found.keys() == {"QueryGsi1", "QueryGsi2", "Logs"}


def test_what_is_granted_of_one_entity_is_not_granted_of_another():
    found = statements(allow.put(Order), allow.update(Order), allow.put(Customer))

    assert allowed_keys(found["PutItem"], "StringLike") == ["CUSTOMER#*", "ORDER#*"]
    assert allowed_keys(found["GetItemUpdateItem"], "StringLike") == ["ORDER#*"]


def test_a_unique_value_is_kept_under_a_key_of_its_own():
    class Person(Entity):
        id: str
        email: str = unique()

        @key(pk="PERSON#{id}", sk="PERSON")
        def by_id(self, id: str) -> None: ...

    found = statements(allow.put(Person))
    assert allowed_keys(found["GetItem"], "StringLike") == ["PERSON#*"]
    assert allowed_keys(found["PutItem"], "StringLike") == ["PERSON#*", "UNIQUE#Person#email#*"]
    assert allowed_keys(found["DeleteItem"], "StringLike") == ["UNIQUE#Person#email#*"]


def test_each_call_on_the_table_or_an_index_is_in_one_statement_with_all_of_its_keys():
    for _, policy in all_policies():
        calls = [
            (resource, action)
            for statement in policy["Statement"]
            for action in statement["Action"]
            for resource in map(str, statement["Resource"])
            if action.startswith("dynamodb:") and "stream" not in resource and resource != "*"
        ]
        assert len(calls) == len(set(calls))


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [
        (["ORDER#1"], True),
        (["ORDER#1", "ORDER#2"], True),
        (["ORDER#1", "CUSTOMER#1"], False),
        (["CUSTOMER#1"], False),
        ([], False),
    ],
    ids=["its own", "a batch of its own", "a batch of others too", "another's", "a request without a key"],
)
def test_a_request_is_allowed_where_every_key_that_it_reaches_is_the_entitys(keys: list[str], allowed: bool):
    condition = statements(allow.get(Order))["BatchGetItemGetItem"]["Condition"]

    assert holds(condition, {"dynamodb:LeadingKeys": keys} if keys else {}) is allowed


def test_the_order_in_which_grants_are_named_changes_nothing():
    assert statements(allow.get(Order), allow.put(Customer)) == statements(allow.put(Customer), allow.get(Order))


def test_a_key_that_is_all_field_can_be_anything_and_is_not_limited():
    class Anything(Entity):
        id: str

        @key(pk="{id}", sk="ANY")
        def by_id(self, id: str) -> None: ...

    assert "Condition" not in statements(allow.put(Anything), allow.put(Order))["PutItem"]


@given(st.text(min_size=1, max_size=100).filter(lambda text: not re.search("[\ud800-\udfff]", text)))
def test_every_key_of_an_entity_fits_its_own_policy_and_no_other_entitys(text: str):
    item, user = (leading_key(entity.__primary__.partition_key) for entity in (Item, User))

    assert like(item, Item.by_id(text).partition)
    assert not like(user, Item.by_id(text).partition)
    assert like(leading_key(Item.by_category.partition_key), Item.by_category(text).partition)


def test_a_function_that_uses_nothing_may_write_its_own_log():
    log = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/lambda/shop-prod_orders:log-stream:*"

    found = statements()
    assert found.keys() == {"Logs"}
    assert found["Logs"]["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert found["Logs"]["Resource"] == [log]


def test_a_secret_is_read_by_its_exact_id():
    (resource,) = statements(Secret("shop/prod"))["ReadSecretsId"]["Resource"]

    assert like(resource, f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:shop/prod-a1B2c3")
    for other in ("shop/production", "shop/prod-", "shop/prod-2"):
        assert not like(resource, f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:{other}-a1B2c3")


def test_a_secret_named_by_its_arn_is_that_arn():
    arn = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:shop/prod-a1B2c3"

    assert statements(Secret(arn))["ReadSecretsId"]["Resource"] == [arn]


def test_the_key_of_the_table_is_used_through_dynamodb_alone_and_by_a_reader_to_read():
    arn = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1111"

    found = statements(allow.get(Order), encryption_key=arn)["TableKey"]
    assert found["Action"] == ["kms:Decrypt", "kms:DescribeKey"]
    assert found["Condition"] == {"StringEquals": {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}}
    for writes in (
        allow.put(Order),
        allow.update(Order),
        allow.delete(Order),
        allow.write_many(Order),
        allow.idempotency_records(),
    ):
        assert "kms:Encrypt" in statements(writes, encryption_key=arn)["TableKey"]["Action"]


def test_who_consumes_the_changes_of_an_encrypted_table_may_decrypt_them():
    arn = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1111"
    function = Function(name="changes")
    api = HttpApi()
    api.get("/orders", answer)
    table = Table(encryption_key=arn, consumers=[StreamConsumer(answer, function)])
    backend = Backend("shop", api=api, table=table)

    (key,) = [
        each for each in function_policy(backend, backend.functions[-1], AT)["Statement"] if each["Sid"] == "TableKey"
    ]
    assert (key["Action"], key["Resource"]) == (["kms:Decrypt", "kms:DescribeKey"], [arn])


def test_in_a_network_lambda_makes_interfaces_and_the_functions_code_may_not():
    found = statements(network=Network())

    assert found["Network"]["Action"] == found["NetworkNotByTheCode"]["Action"]
    assert found["NetworkNotByTheCode"]["Effect"] == "Deny"
    own = {"lambda:SourceFunctionArn": [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:shop-prod_orders"]}
    assert found["NetworkNotByTheCode"]["Condition"] == {"ArnEquals": own}


def arns(route: Route) -> list[str]:
    """What API Gateway may say that it calls a function for: the route as it is written, or as it was asked."""
    if route.path == "$default":
        return ["$default/$default"]
    method = "POST" if route.method == "ANY" else route.method
    asked = re.sub(r"\{\w+\}", "42", re.sub(r"\{\w+\+\}", "a/b/c", route.path))
    return [f"$default/{method}{path}" for path in (route.path, asked)]


@pytest.mark.parametrize(
    ("routes", "pattern"),
    [
        (["GET /items"], "*/GET/items"),
        (["GET /"], "*/GET/"),
        (["GET /items/{id}"], "*/GET/items/*"),
        (["GET /files/{path+}"], "*/GET/files/*"),
        (["ANY /items/{id}/parts"], "*/*/items/*/parts"),
        (["ANY $default"], "*/$default"),
        (["GET /orders", "POST /orders"], "*/*/orders"),
        (["GET /orders", "GET /orders/{id}"], "*/GET/orders*"),
        (["GET /orders", "DELETE /orders/{id}", "GET /offers"], "*/*/o*"),
        (["GET /orders", "ANY $default"], "*/*"),
    ],
)
def test_a_function_is_invoked_for_its_routes_and_no_more_than_one_pattern_needs(
    routes: list[str], pattern: str
) -> None:
    api = HttpApi()
    for route in routes:
        method, _, path = route.partition(" ")
        api.route(method, path, answer, function=Function(name="one"))

    assert invoked_by(api.routes) == pattern
    for route in api.routes:
        assert all(like(pattern, arn) for arn in arns(route))


@pytest.mark.parametrize(("function", "document"), all_policies(), ids=lambda value: getattr(value, "name", ""))
def test_no_action_is_a_wildcard_and_no_resource_but_for_the_named_exceptions(
    function: Function, document: dict[str, Any]
):
    for statement in document["Statement"]:
        for action in statement["Action"]:
            assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action)
            for resource in statement["Resource"]:
                if "*" in resource or "?" in resource:
                    assert action in WILDCARDS, f"{function.name}: {action} on {resource}"


def test_every_named_exception_is_one_that_is_needed():
    used = {
        action
        for _, document in all_policies()
        for statement in document["Statement"]
        for action in statement["Action"]
        if any("*" in resource or "?" in resource for resource in statement["Resource"])
    }
    assert used == WILDCARDS.keys()


def test_a_policy_that_iam_would_not_take_is_refused_by_name():
    many = [_entity(number) for number in range(400)]

    with pytest.raises(DeclarationError, match=r"Function orders: its policy would have \d+ characters"):
        statements(*(allow.get(entity) for entity in many))


def test_other_partitions_have_arns_of_their_own():
    backend, at = with_everything("cn-north-1")

    for function in backend.functions:
        for statement in function_policy(backend, function, at)["Statement"]:
            assert all(re.match(r"\*$|arn:aws-cn:|arn:aws:kms:", resource) for resource in statement["Resource"])


def _entity(number: int) -> Any:
    class Numbered(Entity):
        id: str

        @key(pk=f"A-LONG-NAME-OF-AN-ENTITY-{number}#{{id}}", sk="X")
        def by_id(self, id: str) -> None: ...

    return Numbered


def in_network(*uses: Any, consumes: Any = None) -> Backend:
    """A backend in a network, with a route's function that uses these and a consumer that uses `consumes`."""
    api = HttpApi()
    api.get("/orders", answer, function=Function(name="orders", uses=uses))
    consumers = [] if consumes is None else [StreamConsumer(answer, Function(name="changes", uses=consumes))]
    secrets = [use for use in uses if isinstance(use, Secret)]
    table = Table(indexes=[Index("gsi1")], consumers=consumers)
    return Backend("shop", api=api, table=table, secrets=secrets, network=Network())


def test_a_service_that_no_function_may_use_has_no_endpoint():
    for backend in (in_network(), in_network(consumes=[])):
        assert endpoint_policy("dynamodb", backend, AT) is None
        assert endpoint_policy("secretsmanager", backend, AT) is None


def test_an_endpoint_lets_through_what_functions_may_do_and_nothing_of_streams():
    class Note(Entity):
        id: str

        @key(pk="NOTE#{id}", sk="NOTE")
        def by_id(self, id: str) -> None: ...

        @pattern("gsi1", pk="NOTES", sk="{id}")
        def every(self) -> None: ...

    document = endpoint_policy(
        "dynamodb", in_network(allow.put(Note), allow.query(Note.every), consumes=[allow.get(Note)]), AT
    )
    assert document is not None
    assert [(each["Action"], each["Resource"]) for each in document["Statement"]] == [
        (["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"], [TABLE]),
        (["dynamodb:Query"], [f"{TABLE}/index/gsi1"]),
    ]


def test_names_that_differ_in_signs_alone_have_statements_of_their_own():
    class Note(Entity):
        id: str

        @key(pk="NOTE#{id}", sk="NOTE")
        def by_id(self, id: str) -> None: ...

        @pattern("gsi1", pk="NOTES", sk="{id}")
        def every(self) -> None: ...

        @pattern("gsi-1", pk="ALL", sk="{id}")
        def all(self) -> None: ...

    function = Function(name="notes", uses=[allow.query(Note.every), allow.query(Note.all)])
    api = HttpApi()
    api.get("/notes", answer, function=function)
    backend = Backend("shop", api=api, table=Table(indexes=[Index("gsi1"), Index("gsi-1")]))
    found = {each["Sid"]: each["Resource"] for each in function_policy(backend, function, AT)["Statement"]}

    assert found["QueryGsi1"] == [f"{TABLE}/index/gsi-1"]
    assert found["QueryGsi1x2"] == [f"{TABLE}/index/gsi1"]
