"""Brings the table of the plan up to date, at any endpoint that speaks the DynamoDB API."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from taxiway.local.errors import LocalError
from taxiway.local.manifest import ServedIndex, ServedTable
from taxiway.local.sigv4 import Credentials, sign

_T = TypeVar("_T")

_ATTEMPTS = 8  # with pauses that double from 50 ms: over 6 s, in which a dead engine is long back
_ANSWER_LIMIT = 30.0  # seconds for one call
_ACTIVE_LIMIT = 1800.0  # seconds; AWS fills a new index of a large table for a long time


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

    Blocks until all is active: milliseconds where nothing is to do, minutes where AWS fills an index. `note` is told
    of each change. `credentials` are the environment's where left out. Raises TableError where the table's keys are
    others than the plan's, and where the endpoint does not answer or refuses.
    """
    api = _Api(endpoint, region, credentials or credentials_for(endpoint))
    try:
        if _describe(api, table.name) is None:
            note(f"Creating the table {table.name}.")
            _create(api, table)
        existing = _active(api, table.name)
        _check_keys(existing, table)
        _update_indexes(api, existing, table, note)
        _update_ttl(api, table, note)
    finally:
        api.close()


def _create(api: "_Api", table: ServedTable) -> None:
    keys = (table.partition_key, table.sort_key)
    every = [*keys, *(key for index in table.indexes for key in (index.partition_key, index.sort_key))]
    request: dict[str, Any] = {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(*keys),
        "AttributeDefinitions": _strings(every),
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [_index(index) for index in table.indexes]
    try:
        api.call("CreateTable", request, _Any)
    except _RefusedError as error:
        if (
            error.exception != "ResourceInUseException"
        ):  # it was created since, or by our own attempt whose answer was lost
            raise


def _check_keys(existing: "_Table", table: ServedTable) -> None:
    types = {definition.attribute_name: definition.attribute_type for definition in existing.attribute_definitions}
    keys = (table.partition_key, table.sort_key)
    if _names(existing.key_schema) != keys or any(types.get(key) != "S" for key in keys):
        found = ", ".join(f"{name} ({types.get(name)})" for name in _names(existing.key_schema))
        raise TableError(
            f"The table {table.name} has the keys {found}, and the declaration says {', '.join(keys)} (strings).\n"
            "A table's keys can't be changed, and its data is never dropped by itself.",
            fix="give the declaration the table's keys, or start over with an empty table: taxiway reset",
        )


def _update_indexes(api: "_Api", found: "_Table", table: ServedTable, note: Callable[[str], None]) -> None:
    """Remove, then add, one index in each call, as DynamoDB asks for."""
    wanted = {index.name: index for index in table.indexes}
    existing = {index.index_name: index for index in found.global_secondary_indexes or ()}
    for name, index in existing.items():
        if name in wanted and index.fits(wanted[name]):
            continue
        reason = "the declaration says otherwise" if name in wanted else "the declaration no longer has it"
        note(f"Removing the index {name} of the table {table.name}: {reason}. The items stay.")
        removal = {"TableName": table.name, "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]}
        api.call("UpdateTable", removal, _Any)
        _active(api, table.name)
    for name, index in wanted.items():
        if name in existing and existing[name].fits(index):
            continue
        note(f"Adding the index {name} to the table {table.name}.")
        request = {
            "TableName": table.name,
            "AttributeDefinitions": _strings([index.partition_key, index.sort_key]),
            "GlobalSecondaryIndexUpdates": [{"Create": _index(index)}],
        }
        api.call("UpdateTable", request, _Any)
        _active(api, table.name)


def _update_ttl(api: "_Api", table: ServedTable, note: Callable[[str], None]) -> None:
    answer = api.call("DescribeTimeToLive", {"TableName": table.name}, _DescribeTimeToLive)
    found = answer.time_to_live_description
    enabled = found.attribute_name if found.time_to_live_status in ("ENABLED", "ENABLING") else None
    if enabled == table.ttl:
        return
    for attribute, switch in ((enabled, False), (table.ttl, True)):
        if attribute is not None:
            note(f"Switching the TTL by {attribute} of the table {table.name} {'on' if switch else 'off'}.")
            specification = {"AttributeName": attribute, "Enabled": switch}
            api.call("UpdateTimeToLive", {"TableName": table.name, "TimeToLiveSpecification": specification}, _Any)


def _describe(api: "_Api", table: str) -> "_Table | None":
    try:
        return api.call("DescribeTable", {"TableName": table}, _DescribeTable).table
    except _RefusedError as error:
        if error.exception == "ResourceNotFoundException":
            return None
        raise


def _active(api: "_Api", name: str) -> "_Table":
    """The table once it and its indexes are active."""
    deadline = monotonic() + _ACTIVE_LIMIT
    pause = 0.01
    while monotonic() < deadline:
        table = _describe(api, name)
        if table is not None and table.is_active:
            return table
        sleep(pause)
        pause = min(pause * 2, 2.0)
    raise TableError(
        f"The table {name} at {api.endpoint} is still not active after {_ACTIVE_LIMIT / 60:.0f} minutes.",
        fix="look at it in the DynamoDB console",
    )


def _key_schema(partition_key: str, sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition_key, "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]


def _strings(names: list[str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in dict.fromkeys(names)]


def _index(index: ServedIndex) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(index.partition_key, index.sort_key),
        "Projection": {"ProjectionType": "ALL"},
    }


# What DescribeTable and DescribeTimeToLive answer, as far as it is read. Emulators leave some of it out.


class _Any(Struct):
    """An answer of which nothing is read."""


class _Key(Struct, rename="pascal"):
    attribute_name: str
    key_type: str


class _Definition(Struct, rename="pascal"):
    attribute_name: str
    attribute_type: str


class _Projection(Struct, rename="pascal", frozen=True):
    projection_type: str = "ALL"


class _Index(Struct, rename="pascal"):
    index_name: str
    key_schema: list[_Key]
    projection: _Projection = _Projection()
    index_status: str = "ACTIVE"

    def fits(self, index: ServedIndex) -> bool:
        keys = (index.partition_key, index.sort_key)
        return _names(self.key_schema) == keys and self.projection.projection_type == "ALL"


class _Table(Struct, rename="pascal"):
    key_schema: list[_Key]
    attribute_definitions: list[_Definition]
    table_status: str = "ACTIVE"
    global_secondary_indexes: list[_Index] | None = None

    @property
    def is_active(self) -> bool:
        indexes = self.global_secondary_indexes or ()
        return self.table_status == "ACTIVE" and all(index.index_status == "ACTIVE" for index in indexes)


class _DescribeTable(Struct, rename="pascal"):
    table: _Table


class _TimeToLive(Struct, rename="pascal"):
    time_to_live_status: str
    attribute_name: str | None = None


class _DescribeTimeToLive(Struct, rename="pascal"):
    time_to_live_description: _TimeToLive


class _Refusal(Struct):
    type: str = msgspec.field(name="__type", default="")
    message: str = ""
    Message: str = ""  # some answers spell it so


class _RefusedError(TableError):
    """The API refused a call; `exception` is its name for the reason, as in `ResourceInUseException`."""

    def __init__(self, problem: str, *, fix: str, exception: str) -> None:
        super().__init__(problem, fix=fix)
        self.exception = exception


def _names(keys: list[_Key]) -> tuple[str, ...]:
    return tuple(key.attribute_name for key in sorted(keys, key=lambda key: key.key_type))  # HASH before RANGE


class _Api:
    """The JSON API of DynamoDB, over one kept connection.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
    """

    def __init__(self, endpoint: str, region: str, credentials: Credentials) -> None:
        self.endpoint = endpoint
        url = urlsplit(endpoint)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise TableError(f"Invalid endpoint {endpoint!r}.", fix="write it like http://127.0.0.1:8001")
        connection = HTTPSConnection if url.scheme == "https" else HTTPConnection
        self._connection = connection(url.hostname, url.port, timeout=_ANSWER_LIMIT)
        self._host = url.netloc.rpartition("@")[2]
        self._region = region
        self._credentials = credentials

    def close(self) -> None:
        self._connection.close()

    def call(self, operation: str, request: dict[str, Any], answer: type[_T]) -> _T:
        """The answer, read as `answer`. Tries again while nothing answers, the server fails or asks for patience."""
        problem = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                sleep(0.05 * 2 ** (attempt - 1))
            try:
                status, body = self._post(operation, msgspec.json.encode(request))
            except (OSError, HTTPException) as error:
                self._connection.close()
                problem = str(error) or type(error).__name__
                continue
            if status == 200:
                return self._read(body, answer)
            refusal = _refusal(body)
            code = refusal.type.rpartition("#")[2] or f"status {status}"
            problem = f"{code}: {refusal.message or refusal.Message}"
            if status < 500 and "Throttl" not in code and code != "LimitExceededException":
                raise _RefusedError(
                    f"{operation} of the table {request['TableName']} at {self.endpoint}: {problem}",
                    fix="correct what it says: the declaration of the table, or what the credentials may do",
                    exception=code,
                )
        raise TableError(
            f"{operation} of the table {request['TableName']}: no answer from {self.endpoint} ({problem}).",
            fix="check the endpoint's URL, and that it runs",
        )

    def _read(self, body: bytes, answer: type[_T]) -> _T:
        try:
            return msgspec.json.decode(body, type=answer)
        except msgspec.DecodeError as error:
            raise TableError(
                f"The answer of {self.endpoint} is not one of DynamoDB's API ({error}).", fix="check the endpoint's URL"
            ) from None

    def _post(self, operation: str, body: bytes) -> tuple[int, bytes]:
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"DynamoDB_20120810.{operation}"}
        signed = sign(
            host=self._host,
            headers=headers,
            body=body,
            at=datetime.now(UTC),
            credentials=self._credentials,
            region=self._region,
            service="dynamodb",
        )
        self._connection.request("POST", "/", body, signed)
        response = self._connection.getresponse()
        return response.status, response.read()


def _refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except msgspec.DecodeError:
        return _Refusal(message=body[:200].decode(errors="replace"))


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
