"""The table client: the verbs of the single table, on the core's blocking calls."""

import os
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import msgspec
from msgspec.structs import replace

from taxiway.data._core import Attributes, Core, core
from taxiway.data.cursors import LIFETIME, CursorKey, Cursors
from taxiway.data.encoding import Field
from taxiway.data.entity import PARTITION, SORT, Entity
from taxiway.data.errors import (
    AlreadyExists,
    Contended,
    InvalidCursor,
    InvalidItem,
    InvalidLimit,
    Missing,
    NotConfigured,
    Refused,
    VersionMismatch,
    translate,
)
from taxiway.data.fields import now
from taxiway.data.patterns import Key, Query
from taxiway.data.updates import Changes, Expression, Update

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
E = TypeVar("E", bound=Entity)

CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 10.0
"""Seconds."""
ATTEMPTS = 5
"""How often the SDK tries a call: enough for an engine that restarts, and for a short spell of throttling."""
CONFLICTS = 10
"""How often an update that has to read first starts again because another writer came between."""
LARGEST_PAGE = 1000


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items, and the cursor with which the next ones are asked for; None where there are no more."""

    items: list[T]
    cursor: str | None = None


class TableClient:
    """The table that TABLE_NAME names, in the region and with the credentials of the AWS_* environment.

    Making one costs nothing: the environment is read, and the core loaded, on first use. `cursor_key` gives the secret
    that signs cursors (called at each use, so that it may come from a cache that refreshes itself), or None for a
    checksum alone; `cursor_lifetime` is in seconds. `table_name` is for tools and tests.
    """

    def __init__(
        self,
        *,
        table_name: str | None = None,
        cursor_key: CursorKey | None = None,
        cursor_lifetime: int = LIFETIME,
    ) -> None:
        self._table_name = table_name
        self._cursors = Cursors(cursor_key, lifetime=cursor_lifetime)
        self._core: Core | None = None

    @property
    def name(self) -> str:
        """The table's name. Raises NotConfigured where TABLE_NAME is not set."""
        if not self._table_name:
            self._table_name = os.environ.get("TABLE_NAME")
        if not self._table_name:
            raise NotConfigured(
                "TABLE_NAME is not set: this function was given nothing of the table.\n"
                "Fix: name what it does in its route, as in uses=[get(Item)]"
            )
        return self._table_name

    @property
    def core(self) -> Core:
        """The core's own client, typed: for what the verbs here don't do. It raises the core's own exceptions."""
        if self._core is None:
            self._core = connect()
        return self._core

    def create(self, item: E) -> E:
        """Store a new item, and return it with its timestamps and its version, 1. Raises AlreadyExists.

        Where the answer to a write was lost and the core has repeated it, the repetition finds its own item: an item
        with a `created` timestamp that is stored exactly as it is here counts as created.
        """
        item = _stamped(item, fresh=True)
        attributes = _attributes(item)
        try:
            self._put(attributes, f"attribute_not_exists({PARTITION})")
        except _Conflict as conflict:
            if "created" in item.__roles__ and _same(attributes, conflict.stored):
                return item
            raise AlreadyExists(f"There is a {type(item).__name__} at {attributes[PARTITION]!r} already.") from None
        return item

    def put(self, item: E) -> E:
        """Store an item whether or not there is one, and return it as stored: updated now, its version one higher."""
        item = _stamped(item, fresh=False)
        self._put(_attributes(item))
        return item

    def get(self, key: Key[E], *, consistent: bool = False) -> E | None:
        """The item, or None. A consistent read sees every write that was answered before it, at twice the cost."""
        plan = key.entity.__plan__
        row, _ = self._call(self.core.sync_get_item, _where(key), consistent, _number_schema=plan.numbers)
        return None if row is None else plan.decode(row, str(key))

    def update(self, key: Key[E], changes: Changes, *, expect_version: int | None = None) -> E:
        """Change fields of an item in one atomic write, index keys included, and return it as it then is.

        `changes` names fields as Python does; UNSET leaves one as it is, None removes it. Raises Missing where there is
        no item, VersionMismatch where it is not at `expect_version`, InvalidItem where a value doesn't fit its field.

        It reads first where the write depends on fields that don't change: another part of an index key, or a Decimal
        (an update's answer has it as a float). Then the write holds only if those are still what was read, and else
        starts again; Contended after ten times.
        """
        update = Update(key, changes, expect_version)
        if update.is_empty:
            return self._read(key, expect_version)
        for _ in range(CONFLICTS):
            basis = self._basis(key, update.depends_on)
            if basis is None:
                raise Missing(f"There is no {key}.")
            try:
                row, _metrics = self._call(
                    self.core.sync_update_item,
                    _where(key),
                    return_values="ALL_NEW",
                    return_values_on_condition_check_failure=True,
                    **update.request(basis),
                )
            except _Conflict as conflict:
                if conflict.stored is None:
                    raise Missing(f"There is no {key}.") from None
                if update.was_applied(conflict.stored):
                    return self._read(key, None)
                update.check_version(conflict.stored)
                continue
            return key.entity.__plan__.decode((row or {}) | update.exact(basis), str(key))
        raise Contended(f"{key} was changed by others {CONFLICTS} times while it was being updated.")

    def delete(self, key: Key[E]) -> E | None:
        """Delete an item, and return what it was, or None where there was none.

        An entity with Decimals is read first, and deleted only as it was read: a delete's answer has them as floats.
        """
        plan = key.entity.__plan__
        for _ in range(CONFLICTS):
            basis = self._basis(key, plan.decimals)
            if basis is None:
                return None
            expression = Expression()
            conditions = expression.holds(basis, plan.decimals)
            try:
                row, _metrics = self._call(
                    self.core.sync_delete_item,
                    _where(key),
                    " AND ".join(conditions) or None,
                    expression.names or None,
                    expression.values or None,
                    return_values="ALL_OLD",
                )
            except _Conflict:
                continue
            return None if row is None else plan.decode(row | basis, str(key))
        raise Contended(f"{key} was changed by others {CONFLICTS} times while it was being deleted.")

    def query(self, query: Query[E], *, limit: int = 20, cursor: str | None = None) -> Page[E]:
        """A page of the items that a query finds: at most `limit` of them (1 to 1000), from `cursor` on.

        Raises InvalidLimit and InvalidCursor. Reads of an index are eventually consistent. A page has fewer than
        `limit` where DynamoDB stops at 1 MB, or where other entities share the partition, and still has a cursor.
        """
        if not 1 <= limit <= LARGEST_PAGE:
            text = f"limit must be from 1 to {LARGEST_PAGE}"
            raise InvalidLimit(f"{text}, and is {limit}.", public_detail=f"{text}.")
        plan, pattern = query.entity.__plan__, query.pattern
        identity = f"{pattern.entity}.{pattern.name} {query.forward} {query.partition}"
        start = None
        if cursor is not None:
            position = self._cursors.read(identity, cursor)
            names = (PARTITION, SORT, pattern.sort_attribute)
            start = {**dict(zip(names, position, strict=True)), pattern.partition_attribute: query.partition}
        expression = query.expression()
        if expression is None:
            return Page([])
        condition, names, values = expression
        try:
            # One more than asked for: whether there is a next page is then known without another call.
            rows, more, _metrics = self._call(
                self.core.sync_query_page,
                condition,
                expression_attribute_names=names,
                expression_attribute_values=values,
                limit=limit + 1,
                exclusive_start_key=start,
                scan_index_forward=query.forward,
                index_name=pattern.index,
                _number_schema=plan.numbers,
            )
        except Refused as error:
            if start is None:
                raise
            raise InvalidCursor(
                f"The cursor does not fit the query: {error}", public_detail="The cursor does not fit the query."
            ) from error
        last = rows[limit - 1] if len(rows) > limit else more
        following = None
        if last is not None:
            following = self._cursors.issue(identity, (last[PARTITION], last[SORT], last[pattern.sort_attribute]))
        return Page(plan.decode_all(query.within(rows[:limit]), _label), following)

    def _read(self, key: Key[E], expect_version: int | None) -> E:
        """The item, which must be there, and at that version."""
        item = self.get(key, consistent=True)
        if item is None:
            raise Missing(f"There is no {key}.")
        if expect_version is not None:
            actual = getattr(item, item.__roles__["version"])
            if actual != expect_version:
                raise VersionMismatch(f"{key} is at version {actual}, not {expect_version}.", actual=actual)
        return item

    def _basis(self, key: Key[Any], wanted: tuple[Field, ...]) -> Attributes | None:
        """What is stored in these fields, absent ones left out; None where there is no item. No fields, no call."""
        if not wanted:
            return {}
        expression = Expression()
        projection = ", ".join(expression.name(stored) for stored in (PARTITION, *(field.stored for field in wanted)))
        row, _ = self._call(
            self.core.sync_get_item,
            _where(key),
            True,
            projection,
            expression.names,
            _number_schema=key.entity.__plan__.numbers,
        )
        if row is not None:
            del row[PARTITION]
        return row

    def _put(self, attributes: Attributes, condition: str | None = None) -> None:
        self._call(
            self.core.sync_put_item,
            attributes,
            condition,
            return_values_on_condition_check_failure=condition is not None,
        )

    def _call(self, method: Callable[Concatenate[str, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the core on this table, and turn its exceptions into ours."""
        try:
            return method(self.name, *args, **kwargs)
        except UnicodeEncodeError as error:
            text = "a lone surrogate is no text"
            raise InvalidItem(f"DynamoDB stores Unicode: {text} ({error.reason}).", public_detail=f"{text}.") from None
        except core().PydynoxException as error:
            if isinstance(error, core().ConditionalCheckFailedException):
                raise _Conflict(getattr(error, "item", None)) from None
            raise translate(error) from error


class _Conflict(Exception):  # noqa: N818  caught here and never seen outside
    """A condition did not hold; `stored` is the item that it was checked against, None where there was none."""

    def __init__(self, stored: Attributes | None) -> None:
        super().__init__()
        self.stored = stored or None


def connect() -> Core:
    """A client of the core, as the AWS_* environment says. It makes no request."""
    variable = os.environ.get
    return core().DynamoDBClient(
        region=variable("AWS_REGION") or variable("AWS_DEFAULT_REGION"),
        access_key=variable("AWS_ACCESS_KEY_ID"),
        secret_key=variable("AWS_SECRET_ACCESS_KEY"),
        session_token=variable("AWS_SESSION_TOKEN"),
        endpoint_url=variable("AWS_ENDPOINT_URL_DYNAMODB") or variable("AWS_ENDPOINT_URL"),
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_retries=ATTEMPTS,
    )


def _where(key: Key[Any]) -> Attributes:
    return {PARTITION: key.partition, SORT: key.sort}


def _label(row: Attributes) -> str:
    return f"The item at {row[PARTITION]!r}, {row[SORT]!r}"


def _stamped(item: E, *, fresh: bool) -> E:
    """A copy with the fields that a write sets."""
    roles = item.__roles__
    if not roles:
        return item
    moment = now()
    stamps: dict[str, Any] = {}
    if "updated" in roles:
        stamps[roles["updated"]] = moment
    if "version" in roles:
        stamps[roles["version"]] = 1 if fresh else getattr(item, roles["version"]) + 1
    if fresh and "created" in roles:
        stamps[roles["created"]] = moment
    return replace(item, **stamps)


def _attributes(item: Entity) -> Attributes:
    """Everything that is stored of an item: its fields, its key, and its keys in the indexes that it is in."""
    attributes = item.__plan__.encode(item)
    get = partial(getattr, item)
    attributes[PARTITION] = item.__primary__.partition.render(get)
    attributes[SORT] = item.__primary__.sort.render(get)
    for pattern in item.__patterns__:
        partition, sort = pattern.partition.render(get), pattern.sort.render(get)
        if partition is not None and sort is not None:
            attributes[pattern.partition_attribute] = partition
            attributes[pattern.sort_attribute] = sort
    return attributes


def _same(ours: Attributes, stored: Attributes | None) -> bool:
    """Whether an item is stored as we wrote it. What a failed condition tells of it has Decimals as floats."""
    if stored is None or ours.keys() != stored.keys():
        return False
    return all(
        stored[name] == value or (isinstance(value, Decimal) and stored[name] == float(value))
        for name, value in ours.items()
    )
