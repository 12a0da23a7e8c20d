"""The verbs that read: one item, pages and all of a query, a collection, and several items as of one moment."""

import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar, overload

import msgspec

from taxiway.data.arguments import check_collection, check_count, check_key, check_query
from taxiway.data.collection import CollectionQuery
from taxiway.data.connection import Cancelled, Connection, where
from taxiway.data.contention import CONFLICTS, tries
from taxiway.data.cursors import Cursors
from taxiway.data.encoding import ENTITY, Codec
from taxiway.data.entity import Entity
from taxiway.data.errors import (
    CollectionTooLarge,
    Conflict,
    EntityError,
    InvalidCursor,
    InvalidLimit,
    Refused,
    TransactionInvalid,
)
from taxiway.data.expressions import Expression
from taxiway.data.guards import alive
from taxiway.data.lookups import Lookup, holder
from taxiway.data.patterns import PARTITION, SORT, Key, KeyPattern, Query
from taxiway.data.rows import label, readable
from taxiway.data.shard_merge import LARGEST_PAGE, Merge, Position
from taxiway.sdk.dynamodb import DynamoDB, Item, actions

A = TypeVar("A", bound=Entity)
B = TypeVar("B", bound=Entity)
C = TypeVar("C", bound=Entity)
D = TypeVar("D", bound=Entity)
E = TypeVar("E", bound=Entity)
R = TypeVar("R")
T = TypeVar("T")

CALLS = 10
"""How many calls a page may take to fill, where a filter or another entity leaves most of what is read out."""
LARGEST_LIMIT = 2**31 - 1
"""DynamoDB's greatest Limit, a 32-bit integer; `collect` asks for one item more than it was told."""
TRANSACTION = 100
"""How many operations DynamoDB takes in one transaction."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items, and the cursor with which the next ones are asked for; None where there are no more."""

    items: list[T]
    cursor: str | None = None


class Reader:
    """What reads never waits for a transaction of one's own: it sees what is stored."""

    def __init__(self, connection: Connection, cursors: Cursors) -> None:
        self._connection = connection
        self._cursors = cursors
        self._call = connection.call

    @property
    def name(self) -> str:
        """The table's name."""
        return self._connection.name

    @property
    def core(self) -> DynamoDB:
        """The client of `taxiway.sdk`."""
        return self._connection.core

    def get(self, key: Key[E] | Lookup[E], *, consistent: bool = False) -> E | None:
        """The item, or None. A consistent read sees every write that was answered before it, at twice the cost.

        A look-up by a unique value is always consistent: it reads the sentinel of the value, then what owns it.
        """
        if isinstance(key, Lookup):
            return self._look_up(key)
        check_key("get", key)
        codec = key.entity.__codec__
        row = self._call(self.core.get_item, self.name, where(key), consistent_read=consistent).item
        if row is None or (codec.expires and codec.has_expired(row, time.time())):
            return None
        return codec.decode(row, str(key))

    def query(
        self,
        query: Query[T],
        *,
        limit: int = 20,
        cursor: str | None = None,
        caller: str | None = None,
        consistent: bool = False,
        skip_unreadable: bool = False,
    ) -> Page[T]:
        """A page of the items that a query finds: at most `limit` of them (1 to 1000), from `cursor` on.

        A cursor is good for the same pattern, arguments, direction and `caller` only (the principal's id, say). A page
        that a filter thins out is filled by up to ten calls; it has fewer than `limit`, and still a cursor, where that
        isn't enough or DynamoDB stops at 1 MB. Reads of an index are eventually consistent, and `consistent` is for a
        pattern of the table itself. An item that doesn't fit its class raises StoredItemInvalid; with
        `skip_unreadable` it is left out, and logged at WARN with its key. Raises InvalidLimit, InvalidCursor, and
        EntityError.
        """
        check_query("query", query)
        check_count("query", "limit", limit)
        if not 1 <= limit <= LARGEST_PAGE:
            text = f"limit must be from 1 to {LARGEST_PAGE}"
            raise InvalidLimit(f"{text}, and is {limit}.", public_detail=f"{text}.")
        pattern = query.pattern
        identity = f"{pattern.entity}.{pattern.name} {query.forward} {query.partition} {query.span[0]}"
        if caller is not None:
            identity = f"{identity}\n{caller}"
        position = None if cursor is None else self._cursors.read(identity, cursor)
        if pattern.sharding is not None:
            rows, reached = self._merged_page(query, limit, position, consistent)
            items = _decoded(query, rows, skip=skip_unreadable)
            return Page(items, None if reached is None else self._cursors.issue(identity, reached))
        start = None
        if position is not None:
            names = (PARTITION, SORT, pattern.sort_attribute)
            start = {**dict(zip(names, position[:3], strict=True)), pattern.partition_attribute: query.partition}
        rows: list[Item] = []
        more, size = start, limit + 1
        name = query.entity.__codec__.name
        thinned = query.condition is not None or query.entity.__codec__.expires
        for _ in range(CALLS):
            try:
                # One more than asked for: whether there is a next page is then known without another call.
                found, more = self._rows(query, size, more, consistent)
            except Refused as error:
                if start is None or more is not start:
                    raise
                raise _unfitting(error) from error
            own = [row for row in found if row.get(ENTITY, name) == name]
            rows += own
            if more is None or len(rows) > limit or not (thinned or len(own) < len(found)):
                break
            size = min(size * 2, LARGEST_PAGE)
        last = rows[limit - 1] if len(rows) > limit else more
        following = None
        if last is not None:
            following = self._cursors.issue(identity, (last[PARTITION], last[SORT], last[pattern.sort_attribute]))
        return Page(_decoded(query, rows[:limit], skip=skip_unreadable), following)

    def each(
        self, query: Query[T], *, page: int = 100, consistent: bool = False, skip_unreadable: bool = False
    ) -> Iterator[T]:
        """Every item that a query finds, read `page` at a time (1 to 1000) as they are taken.

        `skip_unreadable` is as in `query`.
        """
        check_query("each", query)
        check_count("each", "page", page)
        if not 1 <= page <= LARGEST_PAGE:
            raise InvalidLimit(f"page must be from 1 to {LARGEST_PAGE}, and is {page}.")
        if query.pattern.sharding is not None:
            merged = iter(Merge(partial(self._own_rows, consistent=consistent), query, size=page))
            while rows := list(islice(merged, page)):
                yield from _decoded(query, rows, skip=skip_unreadable)
            return
        more: Item | None = None
        while True:
            rows, more = self._own_rows(query, page, more, consistent)
            yield from _decoded(query, rows, skip=skip_unreadable)
            if more is None:
                return

    def count(self, query: Query[Any], *, consistent: bool = False) -> int:
        """How many items a query finds. It reads them all, as DynamoDB does to count, and costs as much."""
        check_query("count", query)
        read = partial(self._own_rows, consistent=consistent, keys_only=True)
        if query.pattern.sharding is not None:
            return sum(1 for _ in Merge(read, query, size=LARGEST_PAGE))
        total, more = 0, None
        while True:
            rows, more = read(query, None, more)
            total += len(rows)
            if more is None:
                return total

    def collect(self, query: CollectionQuery[R], *, limit: int = 1000, consistent: bool = False) -> R:
        """Everything of a collection's entities in a partition, in one pass: a tuple, in the order of its patterns.

        Raises CollectionTooLarge where that would be more than `limit` items: page through a pattern then.
        """
        check_collection("collect", query)
        check_count("collect", "limit", limit)
        if not 1 <= limit < LARGEST_LIMIT:
            raise InvalidLimit(f"limit must be 1 or more and below {LARGEST_LIMIT}, and is {limit}.")
        collection = query.collection
        members = {member.owner.__codec__.name: member for member in collection.members}
        codecs: dict[str, Codec] = {name: member.owner.__codec__ for name, member in members.items()}
        expression = Expression()
        first = collection.members[0]
        condition = f"{expression.name(first.partition_attribute)} = {expression.value(query.partition)}"
        if collection.low:
            low, high = expression.value(collection.low), expression.value(collection.high)
            condition += f" AND {expression.name(first.sort_attribute)} BETWEEN {low} AND {high}"
        rows: dict[str, list[Item]] = {name: [] for name in members}
        total, moment, more = 0, time.time(), None
        while True:
            page = self._call(
                self.core.query,
                self.name,
                condition,
                expression_attribute_names=expression.names,
                expression_attribute_values=expression.values,
                limit=limit + 1,
                exclusive_start_key=more,
                index_name=collection.index,
                consistent_read=_consistently(collection.index, consistent, collection.entity),
            )
            more = page.last_key
            for row in page.items:
                codec = codecs.get(row.get(ENTITY, ""))
                if codec is not None and not codec.has_expired(row, moment):
                    rows[codec.name].append(row)
                    total += 1
            if total > limit:
                raise CollectionTooLarge(f"{collection!r} at {query.partition!r} has more than {limit} items.")
            if more is None:
                break
        result: list[Any] = []
        for name, member in members.items():
            items = codecs[name].decode_all(rows[name], label)
            result.append((items[0] if items else None) if isinstance(member, KeyPattern) else items)
        return tuple(result)  # pyright: ignore[reportReturnType]  its overloads make R the tuple of these

    @overload
    def get_all(self, first: Key[A], second: Key[B], /) -> tuple[A | None, B | None]: ...
    @overload
    def get_all(self, first: Key[A], second: Key[B], third: Key[C], /) -> tuple[A | None, B | None, C | None]: ...
    @overload
    def get_all(
        self, first: Key[A], second: Key[B], third: Key[C], fourth: Key[D], /
    ) -> tuple[A | None, B | None, C | None, D | None]: ...
    @overload
    def get_all(self, /, *keys: Key[E]) -> tuple[E | None, ...]: ...
    def get_all(self, *keys: Key[Any]) -> tuple[Any, ...]:
        """Up to 100 items as they are at one moment (TransactGetItems), each or None. Costs twice a consistent read.

        Raises TransactionInvalid for more, or one twice, and Conflict where transactions on them go on and on.
        """
        for key in keys:
            check_key("get_all", key)
        if not 1 <= len(keys) <= TRANSACTION or len({(key.partition, key.sort) for key in keys}) < len(keys):
            raise TransactionInvalid(f"get_all takes from 1 to {TRANSACTION} keys, each once, and not {len(keys)}.")
        rows = self._at_one_moment(*map(where, keys))
        moment = time.time()
        return tuple(
            None if row is None or key.entity.__codec__.has_expired(row, moment) else _item(key, row)
            for key, row in zip(keys, rows, strict=True)
        )

    def _at_one_moment(self, *places: Item) -> list[Item | None]:
        """What is stored under some keys at one moment. Raises Conflict where transactions on them go on and on."""
        gets = [actions.get(self.name, place) for place in places]
        for _ in tries():
            try:
                return self._call(self.core.transact_get_items, gets).items
            except Cancelled:
                continue
        keys = ", ".join(f"{place[PARTITION]!r}, {place[SORT]!r}" for place in places)
        raise Conflict(f"Transactions on {keys} got in the way {CONFLICTS} times.")

    def _look_up(self, lookup: Lookup[E]) -> E | None:
        """What owns a unique value now, or None.

        The item may be deleted or changed between the two reads. So if it doesn't have the value, the sentinel and
        what it names are read again, as they are at one moment.
        """
        sentinel = self._stored(lookup.place)
        if sentinel is None:
            return None
        place = holder(sentinel)
        found = _owner(lookup, self._stored(place))
        attempt = 0
        while found is None:
            sentinel, row = self._at_one_moment(lookup.place, place)
            if sentinel is None:
                return None
            if holder(sentinel) == place:
                return _owner(lookup, row)
            if (attempt := attempt + 1) == CONFLICTS:
                raise Conflict(f"The {lookup} changed {CONFLICTS} times while it was being read.")
            place = holder(sentinel)
            found = _owner(lookup, self._stored(place))
        return found

    def _stored(self, place: Item) -> Item | None:
        return self._call(self.core.get_item, self.name, place, consistent_read=True).item

    def _merged_page(
        self, query: Query[Any], limit: int, start: tuple[str, ...] | None, consistent: bool
    ) -> tuple[list[Item], Position | None]:
        """A page of a query with shards, and where it ends; None where that is the end of all."""
        # What was read before there were shards was in the one partition that there was.
        position = None if start is None else (start[0], start[1], start[2], start[3] if len(start) > 3 else "0of1")
        read = partial(self._own_rows, consistent=consistent)
        merge = Merge(read, query, size=limit + 1, position=position, calls=CALLS)
        rows: list[Item] = []
        try:
            for row in merge:
                if len(rows) == limit:
                    return rows, position
                rows.append(row)
                position = merge.position
        except Refused as error:
            if start is None:
                raise
            raise _unfitting(error) from error
        return rows, None if merge.ended else merge.position

    def _own_rows(
        self,
        query: Query[Any],
        limit: int | None,
        start: Item | None,
        consistent: bool,
        *,
        keys_only: bool = False,
    ) -> tuple[list[Item], Item | None]:
        """The same as `_rows`, without other entities that share the partition."""
        name = query.entity.__codec__.name
        rows, more = self._rows(query, limit, start, consistent, keys_only=keys_only)
        return [row for row in rows if row.get(ENTITY, name) == name], more

    def _rows(
        self,
        query: Query[Any],
        limit: int | None,
        start: Item | None,
        consistent: bool,
        *,
        keys_only: bool = False,
    ) -> tuple[list[Item], Item | None]:
        """What one call finds, and where the next one starts."""
        codec, pattern = query.entity.__codec__, query.pattern
        expression = Expression()
        condition = query.key_condition(expression)
        if condition is None:
            return [], None
        filters = alive(codec, expression, int(time.time())) if codec.expires else []
        if query.condition is not None:
            filters.append(query.condition.render(expression))
        keys = (PARTITION, SORT, pattern.partition_attribute, pattern.sort_attribute)
        projection = None
        if keys_only:
            projection = ", ".join(expression.name(each) for each in dict.fromkeys((*keys, ENTITY)))
        elif query.projection is not None:
            projection = query.projection.expression(expression, keys)
        page = self._call(
            self.core.query,
            self.name,
            condition,
            expression_attribute_names=expression.names,
            expression_attribute_values=expression.values,
            index_name=pattern.index,
            filter_expression=" AND ".join(filters) if filters else None,
            projection_expression=projection,
            consistent_read=_consistently(pattern.index, consistent, pattern.entity) if consistent else False,
            scan_index_forward=query.forward,
            limit=limit,
            exclusive_start_key=start,
        )
        return page.items, page.last_key


def _unfitting(error: Exception) -> InvalidCursor:
    return InvalidCursor(
        f"The cursor does not fit the query: {error}", public_detail="The cursor does not fit the query."
    )


def _consistently(index: str | None, consistent: bool, entity: str) -> bool:
    if consistent and index is not None:
        raise EntityError(entity, f"{index} is an index, and reads of it are eventually consistent")
    return consistent


def _decoded(query: Query[T], rows: list[Item], *, skip: bool) -> list[T]:
    decode = query.projection.decode_all if query.projection else partial(_entities, query.entity)
    return readable(rows, query.entity.__name__, decode) if skip else decode(rows)


def _entities(entity: type[Entity], rows: list[Item]) -> list[Any]:
    return entity.__codec__.decode_all(rows, label)


def _owner(lookup: Lookup[E], row: Item | None) -> E | None:
    """The item of a row that a sentinel names; None where it has expired or doesn't have the value."""
    codec = lookup.entity.__codec__
    if row is None or codec.has_expired(row, time.time()):
        return None
    item: E = codec.decode(row, str(lookup))
    return item if lookup.is_of(item) else None


def _item(key: Key[Any], row: Item) -> Any:
    return key.entity.__codec__.decode(row, str(key))
