"""The whole backend: every resource, and what each function may do with it."""

from taxiway import Backend, Cors, HttpApi, Index, LambdaAuthorizer, Secret, Stage, Table, allow

from handlers.http.create_item import create_item
from handlers.http.create_user import create_user
from handlers.http.delete_item import delete_item
from handlers.http.find_users import find_users
from handlers.http.get_item import get_item
from handlers.http.get_user import get_user
from handlers.http.health import health
from handlers.http.list_items import list_items
from handlers.http.update_item import update_item
from models.item import Item
from models.user import User


def backend(stage: Stage) -> Backend:
    table = Table(partition_key="pk", sort_key="sk", indexes=[Index("gsi1", "gsi1pk", "gsi1sk")], ttl="expiresAt")
    config = Secret(stage.optional("SECRETS_ID"), generate="cursorKey")

    authorizer = stage.optional("AUTHORIZER_ARN")

    api = HttpApi(
        cors=Cors(
            origins=["*"],
            headers=["content-type", "authorization", "idempotency-key", "if-match", "if-none-match"],
            expose=["etag", "idempotency-replayed", "location", "retry-after"],
        ),
        authorizer=LambdaAuthorizer(arn=authorizer) if authorizer else None,
    )
    api.get("/health", health, memory=128, timeout=3, uses=[allow.get(Item)], authorizer=None)
    api.post("/items", create_item, memory=1024, timeout=30, uses=[allow.put(Item), allow.idempotency_records()])
    api.get("/items", list_items, uses=[allow.query(Item.by_category), config])
    api.get("/items/{id}", get_item, uses=[allow.get(Item)])
    api.patch("/items/{id}", update_item, uses=[allow.update(Item)])
    api.delete("/items/{id}", delete_item, uses=[allow.delete(Item)])
    api.post("/users", create_user, uses=[allow.put(User), allow.idempotency_records()])
    api.get("/users", find_users, uses=[allow.get(User.by_email)])
    api.get("/users/{id}", get_user, uses=[allow.get(User)])

    return Backend("items", api=api, table=table, secrets=[config])
