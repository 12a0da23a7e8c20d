"""The backend as one: what no single resource can see of itself."""

from dataclasses import dataclass
from typing import Any

import pytest

from taxiway import Backend, DeclarationError, Function, HttpApi, Index, LambdaAuthorizer, Secret, Stage, Table, allow
from taxiway.data import TableClient
from taxiway.http.idempotency import Idempotency


@dataclass
class Pattern:
    name: str
    entity: str
    index: str | None
    partition_key: str


class Item:
    __primary__ = Pattern("by_id", "Item", None, "ITEM#{id}")
    by_category = Pattern("by_category", "Item", "gsi1", "ITEM#{category}")
    __patterns__ = (by_category,)


def first(event: Any, context: Any) -> None: ...


def second(event: Any, context: Any) -> None: ...


class Typed:
    """What `taxiway.http.handler` makes, as far as a declaration looks at it."""

    path_parameters: tuple[str, ...] = ("id",)
    idempotency: object = None

    def __init__(self) -> None:
        self.__module__, self.__qualname__ = __name__, "typed"

    def __call__(self, event: Any, context: Any) -> None: ...


typed = Typed()
DEV = Stage(name="dev", local=True)
TABLE = Table(indexes=[Index("gsi1")])


def test_functions_get_the_environment_that_their_uses_ask_for() -> None:
    secret = Secret("items/dev")
    api = HttpApi()
    api.get("/a", first, uses=[allow.get(Item), secret], environment={"LOG_LEVEL": "debug"})
    api.get("/b", second)
    backend = Backend("items", api=api, table=TABLE, secrets=[secret])
    a, b = backend.functions
    assert backend.environment_of(a, DEV) == {
        "LOG_LEVEL": "debug",
        "TABLE_NAME": "items-dev",
        "SECRETS_ID": "items/dev",
    }
    assert backend.environment_of(b, DEV) == {}


def test_a_secret_that_the_stage_leaves_out_is_absent() -> None:
    secret = Secret(None)
    api = HttpApi()
    api.get("/a", first, uses=[secret])
    backend = Backend("items", api=api, secrets=[secret])
    assert backend.environment_of(backend.functions[0], DEV) == {}


def test_the_same_route_twice_is_an_error_whatever_its_parameters_are_called() -> None:
    api = HttpApi()
    api.get("/items/{id}", first)
    api.get("/items/{name}", second)
    with pytest.raises(DeclarationError, match=r"Route GET /items/\{name\} is declared twice \(first as GET") as raised:
        Backend("items", api=api)
    assert raised.value.where.startswith(__file__)


def test_a_greedy_parameter_is_another_route_than_a_plain_one() -> None:
    api = HttpApi()
    api.get("/files/{name}", first)
    api.get("/files/{name+}", second)
    assert len(Backend("items", api=api).functions) == 2


def test_two_routes_with_one_handler_must_say_that_they_share_a_function() -> None:
    api = HttpApi()
    api.get("/a", first)
    api.get("/b", first)
    with pytest.raises(DeclarationError, match="would both have a function called 'first'") as raised:
        Backend("items", api=api)
    assert "function=" in raised.value.fix


def test_a_path_parameter_that_the_handler_does_not_take_is_an_error() -> None:
    api = HttpApi()
    api.get("/items/{item_id}", typed)
    with pytest.raises(DeclarationError, match="does not take the path parameter 'item_id'"):
        Backend("items", api=api)


def test_a_path_that_lacks_what_the_handler_takes_is_an_error() -> None:
    api = HttpApi()
    api.get("/items", typed)
    with pytest.raises(DeclarationError, match="takes 'id', which is not in the path"):
        Backend("items", api=api)


def test_a_grant_without_a_table_is_an_error() -> None:
    api = HttpApi()
    api.get("/a", first, uses=[allow.get(Item)])
    with pytest.raises(DeclarationError, match=r"uses allow.get\(Item\), but the backend has no table"):
        Backend("items", api=api)


@pytest.mark.parametrize("grant", [allow.put(Item), allow.query(Item.by_category)])
def test_a_grant_on_an_index_that_the_table_lacks_is_an_error(grant: Any) -> None:
    api = HttpApi()
    api.get("/a", first, uses=[grant])
    with pytest.raises(DeclarationError, match="reads the index 'gsi1', which the table does not define"):
        Backend("items", api=api, table=Table())


def test_an_index_must_name_its_keys_as_the_entities_do() -> None:
    api = HttpApi()
    api.get("/a", first, uses=[allow.query(Item.by_category)])
    with pytest.raises(DeclarationError, match="'gsi1pk'"):
        Backend("items", api=api, table=Table(indexes=[Index("gsi1", "category", "createdAt")]))


def test_a_secret_that_the_backend_does_not_list_is_an_error() -> None:
    api = HttpApi()
    api.get("/a", first, uses=[Secret("items/dev")])
    with pytest.raises(DeclarationError, match="uses the secret 'items/dev', which the backend does not list"):
        Backend("items", api=api)


def test_two_secrets_of_one_function_need_variables_of_their_own() -> None:
    secrets = [Secret("items/a"), Secret("items/b")]
    api = HttpApi()
    api.get("/a", first, uses=secrets)
    with pytest.raises(DeclarationError, match=r"uses the secrets 'items/a' and 'items/b', .* variable SECRETS_ID"):
        Backend("items", api=api, secrets=secrets)


def test_a_secret_is_declared_once() -> None:
    with pytest.raises(DeclarationError, match=r"'items/a' is declared twice \(first at .*test_backend.py"):
        Backend("items", api=HttpApi(), secrets=[Secret("items/a"), Secret("items/a", variable="OTHER")])


keeps = Typed()
keeps.path_parameters = ()
keeps.idempotency = object()


def test_a_handler_that_keeps_its_answers_needs_the_grant_and_the_ttl() -> None:
    api = HttpApi()
    api.post("/a", keeps)
    with pytest.raises(DeclarationError, match="stores its responses, but may not write them"):
        Backend("items", api=api, table=TABLE)
    api = HttpApi()
    api.post("/a", keeps, uses=[allow.idempotency_records()])
    with pytest.raises(DeclarationError, match="the table's ttl is None"):
        Backend("items", api=api, table=TABLE)
    assert Backend("items", api=api, table=Table(ttl="expiresAt")).functions


@pytest.mark.parametrize("name", ["", "Items", "x", "my backend"])
def test_a_backend_name_must_fit_into_resource_names(name: str) -> None:
    with pytest.raises(DeclarationError, match="Invalid backend name"):
        Backend(name, api=HttpApi())


def test_a_shared_function_is_one_function() -> None:
    shared, api = Function(name="both"), HttpApi()
    api.get("/a", first, function=shared)
    api.get("/b", second, function=shared)
    backend = Backend("items", api=api)
    assert backend.functions == (shared,)
    assert [route.key for route in backend.routes_of(shared)] == ["GET /a", "GET /b"]


@pytest.mark.parametrize(
    ("indexes", "problem"),
    [
        ([Index("g")], "Invalid index name 'g'"),
        ([Index("gsi1"), Index("gsi1")], "Two indexes are called 'gsi1'"),
        ([Index(f"gsi{n}") for n in range(21)], "has 21 indexes; DynamoDB allows 20"),
    ],
)
def test_indexes_that_dynamodb_would_refuse_are_refused_here(indexes: list[Index], problem: str) -> None:
    with pytest.raises(DeclarationError, match=problem):
        Table(indexes=indexes)


@pytest.mark.parametrize(
    "make", [Table, lambda: Secret("x"), lambda: Function(name="f"), lambda: Backend("b1", api=HttpApi())]
)
def test_each_declaration_knows_where_it_was_written(make: Any) -> None:
    assert make().source.startswith(f"{__file__}:")


def test_a_handler_that_keeps_its_answers_needs_to_know_its_callers() -> None:
    shared = Typed()
    shared.path_parameters, shared.idempotency = (), Idempotency(TableClient())
    shared.__qualname__ = "shared"
    globals()["shared"] = shared

    def declare(idempotency: Idempotency, authorizer: LambdaAuthorizer | None = None) -> Backend:
        shared.idempotency = idempotency
        api = HttpApi(authorizer=authorizer)
        api.post("/a", shared, uses=[allow.idempotency_records()])
        return Backend("shop", api=api, table=Table(ttl="expiresAt"))

    with pytest.raises(DeclarationError, match=r"Route POST /a has no authorizer, .* share a response") as refused:
        declare(Idempotency(TableClient()))
    assert "caller=None" in refused.value.fix
    authorizer = LambdaAuthorizer(arn="arn:aws:lambda:eu-west-1:123456789012:function:authorizer")
    declare(Idempotency(TableClient()), authorizer)
    declare(Idempotency(TableClient(), caller=None))
    declare(Idempotency(TableClient(), caller=lambda event: event["headers"]["x-tenant"]))


def test_get_takes_an_entity_or_a_look_up() -> None:
    key: Any = Item.by_category
    with pytest.raises(DeclarationError, match=r"allow\.get takes an entity or a look-up"):
        allow.get(key)
