"""The access-pattern matrix: every access pattern, the functions that use it, and what a call costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from taxiway.data.shard_merge import part
from taxiway.declare import Backend
from taxiway.declare.grants import Verb
from taxiway.patterns import units
from taxiway.patterns.model import AccessPattern, Model, StoredEntity, model

ITEM_SIZE = 1024
PAGE = 20
AHEAD = 1
"""`TableClient.query` asks for one item more than a page has, to know whether there is a next page."""

Units: TypeAlias = tuple[float, float]
"""The minimum and the maximum of a call."""

_EMPTY = "No function has a grant on a table."
_NOTHING: Units = (0, 0)
_SENTINEL = 1024
"""The maximum size, in bytes, of the item of a unique value, with keys of usual length."""
_HEADINGS = ("pattern", "index", "key condition", "sorted by", "RCU", "WCU", "used by")


@dataclass(frozen=True)
class Row:
    """One verb through one access pattern. `users` is empty if no function may use it."""

    pattern: AccessPattern
    verb: Verb
    reads: Units
    writes: Units
    users: tuple[str, ...]

    @property
    def condition(self) -> str:
        """The key condition, with templates for values: `gsi1pk = ITEM#CATEGORY#{category}`."""
        (partition, sort), template = self.pattern.attributes, self.pattern.sort
        condition = f"{partition} = {self.pattern.partition.text}"
        if self.pattern.primary and self.verb == "query":  # of a collection: all that is beside it
            return condition
        if self.pattern.primary or self.pattern.given == len(template.fields):
            return f"{condition} and {sort} = {template.text}"
        if bounds := len(template.range(self.pattern.given)):
            return f"{condition} and {sort} begins with {'#'.join(template.text.split('#')[:bounds])}#"
        return condition

    @property
    def order(self) -> str:
        """The fields that a query's items are sorted by."""
        return "" if self.pattern.primary else ", ".join(self.pattern.sort.fields[self.pattern.given :])


@dataclass(frozen=True)
class Matrix:
    """Every row, for items of `item_size` bytes and queries that find `page` of them."""

    rows: tuple[Row, ...]
    item_size: int
    page: int

    def text(self) -> str:
        """As an aligned table for a terminal."""
        if not self.rows:
            return _EMPTY
        table: list[tuple[str, ...]] = [_HEADINGS]
        titles: dict[int, str] = {}
        for position, row in enumerate(self.rows):
            first = position == 0 or self.rows[position - 1].pattern is not row.pattern
            if first:
                titles[len(table)] = _title(row.pattern)
            users = row.users or ("nobody",)
            place = (row.pattern.index or "table", row.condition, row.order) if first else ("", "", "")
            table.append((f"  {row.verb}", *place, _units(row.reads), _units(row.writes), users[0]))
            table += [("",) * 6 + (user,) for user in users[1:]]
        lines: list[str] = []
        for position, line in enumerate(_aligned(table)):
            if position in titles:
                lines += ["", titles[position]]
            lines.append(line)
        return "\n".join([*lines, "", *_notes(self)])

    def markdown(self) -> str:
        """As a table of GitHub's Markdown."""
        if not self.rows:
            return _EMPTY
        lines = [_line("Pattern", "What for", "Operation", "Index", *map(_capital, _HEADINGS[2:])), "|---" * 9 + "|"]
        lines += [
            _line(
                f"`{row.pattern}`",
                row.pattern.description,
                row.verb,
                row.pattern.index or "table",
                f"`{row.condition}`",
                row.order,
                _units(row.reads),
                _units(row.writes),
                "<br>".join(row.users) or "nobody",
            )
            for row in self.rows
        ]
        return "\n".join([*lines, "", *_notes(self)])


def matrix(backend: Backend, *, item_size: int = ITEM_SIZE, page: int = PAGE) -> Matrix:
    """The matrix of a backend: `item_size` is in bytes, `page` the number of items that a query finds."""
    found = model(backend)
    return Matrix(tuple(_rows(found, item_size, page)) if found else (), item_size, page)


def _rows(found: Model, size: int, page: int) -> list[Row]:
    return [
        Row(pattern, verb, *_cost(entity, pattern, verb, size, page), users=users)
        for entity in found.entities
        for pattern in entity.patterns
        for verb, users in _users(pattern).items()
    ]


def _users(pattern: AccessPattern) -> dict[Verb, tuple[str, ...]]:
    """The functions that use a pattern, by verb; for an unused pattern, a read without users."""
    users: dict[Verb, tuple[str, ...]] = {}
    for verb in ("get", "query", "put", "update", "delete", "write_many", "check"):
        if names := tuple(str(use) for use in pattern.uses if use.verb == verb):
            users[verb] = names
    return users or {"get" if pattern.primary or pattern.lookup else "query": ()}


def _cost(entity: StoredEntity, pattern: AccessPattern, verb: Verb, size: int, page: int) -> tuple[Units, Units]:
    """The minimum and maximum units of one call, for reads and for writes."""
    consistent = units.read(size, units.Consistency.STRONG)
    if pattern.lookup:
        return _exactly(units.read(_SENTINEL, units.Consistency.STRONG) + consistent), _NOTHING
    if verb == "get":
        return _exactly(units.read(size)), _NOTHING
    if verb == "query":
        wanted = [part(page + AHEAD, share) for share in pattern.shares] or [page + AHEAD]
        return _exactly(sum(units.page(items, size) for items in wanted)), _NOTHING
    if verb == "check":
        return _NOTHING, _exactly(units.write(size, transactional=True))
    if verb == "write_many":  # of each item; those with unique values are refused
        return _NOTHING, _writes(entity, size, moves=True, claims=(0, 0))
    if verb == "delete":
        reads = consistent if entity.unique else 0
        return _exactly(reads), _writes(entity, size, moves=False, claims=(1, 1))
    if verb == "update":
        reads = consistent if entity.adds_by_reading or entity.unique or entity.checks or _mixes(entity) else 0
        return (reads if entity.checks else 0, reads), _writes(entity, size, moves=True, claims=(0, 2))
    return (0, consistent if entity.unique else 0), _writes(entity, size, moves=True, claims=(1, 2))


def _writes(entity: StoredEntity, size: int, *, moves: bool, claims: tuple[int, int]) -> Units:
    """The table's part and every index's: the minimum if no index key changes and the item is in no sparse index.

    `claims` is the minimum and maximum number of items written for each unique value: one that reserves the value, and
    one that frees the previous value. They are written in one transaction with the item.
    """
    least, most = (
        units.write(size, transactional=bool(entity.unique and beside))
        + entity.unique * beside * units.write(_SENTINEL, transactional=True)
        for beside in claims
    )
    for pattern in entity.indexed:
        movable = entity.movable(pattern.fields) if moves else ()
        always = entity.updated in movable
        least += 0 if entity.sparse(pattern) else units.index_write(size, key_changed=always)
        most += units.index_write(size, key_changed=bool(movable))
    return least, most


def _mixes(entity: StoredEntity) -> bool:
    """Whether an index key has both a field that may change and one that an update has to read to keep it."""

    def mixed(fields: tuple[str, ...]) -> bool:
        movable = entity.movable(fields)
        return bool(movable) and any(name not in entity.primary.fields and (name,) != movable for name in fields)

    return any(
        mixed(fields)
        for pattern in entity.indexed
        for fields in ([pattern.fields] if entity.sparse(pattern) else [pattern.partition.fields, pattern.sort.fields])
    )


def _exactly(amount: float) -> Units:
    return amount, amount


def _units(amount: Units) -> str:
    least, most = amount
    if most == 0:
        return ""
    return f"{least:g}" if least == most else f"{least:g}-{most:g}"


def _title(pattern: AccessPattern) -> str:
    return f"{pattern}({', '.join(pattern.parameters)})  {pattern.description}".rstrip()


def _notes(shown: Matrix) -> list[str]:
    return [
        f"RCU and WCU: request units of one call, with items of {shown.item_size:,} bytes and pages of {shown.page}.",
        "Reads are eventually consistent: a consistent get takes twice as much, a transactional one four times. In a",
        "transaction, the table's part of a write is twice as much. The upper end of a range is a write that changes",
        "every index key and unique value, and that has to read the item first.",
    ]


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Rows with each cell padded to its column; cells that start with a digit stand to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    ]


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _capital(heading: str) -> str:
    return heading[0].upper() + heading[1:]
