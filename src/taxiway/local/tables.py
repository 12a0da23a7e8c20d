"""Brings the table of the plan up to date, at any endpoint that speaks the DynamoDB API."""

import os
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from taxiway.local.errors import LocalError
from taxiway.local.manifest import ServedIndex, ServedTable
from taxiway.sdk import Credentials, InvalidAnswer, NotConfigured, SdkError, ServiceError
from taxiway.sdk.dynamodb import DynamoDB, ResourceInUse, ResourceNotFound
from taxiway.sdk.dynamodb.tables import (
    AttributeDefinition,
    CreateTable,
    Index,
    KeySchemaElement,
    Projection,
    TableDescription,
    TableNotReady,
    Tables,
)

_ATTEMPTS = 8
"""How often a call is tried: for longer than the engine takes to be started again."""
_ANSWER_LIMIT = 30.0
"""Seconds to wait for an answer."""
_ACTIVE_LIMIT = 1800.0
"""Seconds to wait for an index: AWS fills one of a large table for a long time."""


class TableError(LocalError):
    """The table can't be brought up to date."""

    code = "local-table"


def bring_up_to_date(
    table: ServedTable,
    endpoint: str,
    *,
    region: str,
    note: Callable[[str], None],
    credentials: Credentials | None = None,
) -> None:
    """Create the table, or add and remove what its indexes and its TTL differ in. Data is never deleted.

    Blocks until all is active: milliseconds where nothing is to do, minutes where AWS fills an index. `note` reports
    each change. `credentials` are the environment's where left out. Raises TableError where the table's keys are
    others than the plan's, and where the endpoint does not answer or refuses.
    """
    dynamodb = DynamoDB(
        region=region,
        endpoint=endpoint,
        credentials=credentials or credentials_for(endpoint),
        read_timeout=_ANSWER_LIMIT,
        max_attempts=_ATTEMPTS,
    )
    try:
        _Update(Tables(dynamodb), table, note).run()
    except ServiceError as error:
        raise TableError(
            f"{error.operation} of the table {table.name} at {endpoint}: {error.problem}",
            fix="check the endpoint's URL and its credentials",
        ) from None
    except NotConfigured as error:
        raise TableError(f"Invalid endpoint {endpoint!r}.", fix="write it like http://127.0.0.1:8001") from error
    except TableNotReady as error:
        raise TableError(f"At {endpoint}: {error.problem}.", fix="look at it in the DynamoDB console") from None
    except InvalidAnswer as error:
        raise TableError(
            f"The answer of {endpoint} is not one of DynamoDB's API ({error}).", fix="check the endpoint's URL"
        ) from None
    except SdkError as error:
        raise TableError(
            f"The table {table.name}: no answer from {endpoint} ({error.problem}).",
            fix="check the endpoint's URL, and that it runs",
        ) from None
    finally:
        dynamodb.close()


class _Update:
    """One table, on its way to what the plan says."""

    def __init__(self, tables: Tables, table: ServedTable, note: Callable[[str], None]) -> None:
        self._tables = tables
        self._table = table
        self._note = note

    def run(self) -> None:
        try:
            self._tables.describe(self._table.name)
        except ResourceNotFound:
            self._note(f"Creating the table {self._table.name}.")
            self._create()
        existing = self._active()
        self._check_keys(existing)
        self._update_indexes(existing)
        self._update_ttl()

    def _create(self) -> None:
        table = self._table
        keys = (table.partition_key, table.sort_key)
        every = [*keys, *(key for index in table.indexes for key in (index.partition_key, index.sort_key))]
        indexes = [_index(index) for index in table.indexes] or None
        wanted = CreateTable(table.name, _key_schema(*keys), _strings(every), "PAY_PER_REQUEST", None, indexes)
        with suppress(ResourceInUse):  # it was created since, or by our own attempt whose answer was lost
            self._tables.create(wanted)

    def _active(self) -> TableDescription:
        return self._tables.wait_until_active(self._table.name, timeout=_ACTIVE_LIMIT)

    def _check_keys(self, existing: TableDescription) -> None:
        types = {definition.attribute_name: definition.attribute_type for definition in existing.attribute_definitions}
        keys = (self._table.partition_key, self._table.sort_key)
        if _names(existing.key_schema) != keys or any(types.get(key) != "S" for key in keys):
            found = ", ".join(f"{name} ({types.get(name)})" for name in _names(existing.key_schema))
            raise TableError(
                f"The table {self._table.name} has the keys {found}, and the declaration says {', '.join(keys)} "
                "(strings).\nA table's keys can't be changed, and its data is never dropped by itself.",
                fix="give the declaration the table's keys, or start over with an empty table: taxiway reset",
            )

    def _update_indexes(self, found: TableDescription) -> None:
        """Remove, then add, one index in each call, as DynamoDB asks for."""
        name = self._table.name
        wanted = {index.name: index for index in self._table.indexes}
        existing = {index.index_name: index for index in found.global_secondary_indexes or ()}
        for index_name, index in existing.items():
            if index_name in wanted and _fits(index, wanted[index_name]):
                continue
            reason = "the declaration says otherwise" if index_name in wanted else "the declaration no longer has it"
            self._note(f"Removing the index {index_name} of the table {name}: {reason}. The items stay.")
            self._tables.delete_index(name, index_name)
            self._active()
        for index_name, index in wanted.items():
            if index_name in existing and _fits(existing[index_name], index):
                continue
            self._note(f"Adding the index {index_name} to the table {name}.")
            self._tables.create_index(name, _index(index), _strings([index.partition_key, index.sort_key]))
            self._active()

    def _update_ttl(self) -> None:
        name = self._table.name
        found = self._tables.time_to_live(name)
        enabled = found.attribute_name if found.time_to_live_status in ("ENABLED", "ENABLING") else None
        if enabled == self._table.ttl:
            return
        for attribute, switch in ((enabled, False), (self._table.ttl, True)):
            if attribute is not None:
                self._note(f"Switching the TTL by {attribute} of the table {name} {'on' if switch else 'off'}.")
                self._tables.set_time_to_live(name, attribute, enabled=switch)


def _key_schema(partition_key: str, sort_key: str) -> list[KeySchemaElement]:
    return [KeySchemaElement(partition_key, "HASH"), KeySchemaElement(sort_key, "RANGE")]


def _strings(names: list[str]) -> list[AttributeDefinition]:
    return [AttributeDefinition(name, "S") for name in dict.fromkeys(names)]


def _index(index: ServedIndex) -> Index:
    return Index(index.name, _key_schema(index.partition_key, index.sort_key), Projection("ALL"))


def _fits(found: Index, wanted: ServedIndex) -> bool:
    keys = (wanted.partition_key, wanted.sort_key)
    return _names(found.key_schema) == keys and found.projection.projection_type in (None, "ALL")


def _names(keys: list[KeySchemaElement]) -> tuple[str, ...]:
    return tuple(key.attribute_name for key in sorted(keys, key=lambda key: key.key_type))  # HASH before RANGE


def is_local(endpoint: str) -> bool:
    """Whether an endpoint is on this machine, where no DynamoDB checks credentials."""
    host = urlsplit(endpoint).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def credentials_for(endpoint: str) -> Credentials:
    """The environment's; for an endpoint on this machine, which checks none, stand-ins where it has none."""
    access_key, secret_key = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN", ""))
    if is_local(endpoint):
        return Credentials("local", "local")
    raise TableError(
        f"The DynamoDB at {endpoint} needs credentials, and the environment has none.",
        fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with a profile by: "
        'eval "$(aws configure export-credentials --format env)"',
    )
