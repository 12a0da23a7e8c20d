"""The key linter: warns of keys, indexes and grants that cost more, or find other items, than the declaration suggests.

Every rule uses only the declaration. If a rule has to guess (how many values a field has),
docs/reference/patterns.md says how.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product

from msgspec import inspect

from taxiway.declare import Backend
from taxiway.patterns.model import AccessPattern, Model, StoredEntity, Use, model
from taxiway.patterns.sources import acknowledged
from taxiway.patterns.templates import KeyTemplate, bare

FEW = 1000
"""A field with fewer values than this doesn't spread a table or an index."""
LARGE = 1024
"""Bytes: a larger field makes each write of an index more expensive."""

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
_PARTITION_LIMIT = "One partition takes 1,000 WCU and 3,000 RCU a second, however large the table is"

_IDENTIFYING = frozenset(
    {
        *("id", "uuid", "ulid", "guid", "key", "token", "hash", "slug", "code", "number", "url", "sku", "isbn"),
        *("email", "phone", "username", "user", "owner", "author", "customer", "account", "member", "tenant"),
        *("organization", "company", "device", "session", "order", "parent"),
    }
)
"""The last word of a text field's name from which it is taken to have many values."""


@dataclass(frozen=True)
class Finding:
    """One warning. `acknowledged` is the reason in a comment at its place, if there is one."""

    rule: str
    subject: str
    where: str
    """`file:line`."""
    problem: str
    """What it is, and why it matters."""
    fix: str
    acknowledged: str | None = None


def lint(backend: Backend) -> tuple[Finding, ...]:
    """The warnings about a backend's keys, indexes and grants, acknowledged or not."""
    found = model(backend)
    if found is None:
        return ()
    findings = [
        *_colliding_keys(found),
        *_overlapping_partitions(found),
        *(finding for entity in found.entities for finding in _of_entity(entity)),
        *_unused_indexes(found),
    ]
    return tuple(_with_acknowledgement(finding) for finding in findings)


def _of_entity(entity: StoredEntity) -> Iterator[Finding]:
    for pattern in (entity.primary, *entity.indexed):
        yield from _unbounded_partition(entity, pattern)
        yield from _mutable_key(entity, pattern)
        yield from _wide_projection(entity, pattern)
    for pattern in entity.patterns:
        yield from _unused_pattern(pattern)
        yield from _unique_by_index(entity, pattern)
    yield from _grants_on_nothing(entity)


def _with_acknowledgement(finding: Finding) -> Finding:
    reason = acknowledged(finding.where, finding.rule)
    return replace(finding, acknowledged=reason)


def _share_partitions(one: AccessPattern, other: AccessPattern) -> bool:
    return one.entity != other.entity and one.index == other.index and one.partition.meets(other.partition)


def _colliding_keys(found: Model) -> Iterator[Finding]:
    for one, other in combinations((entity.primary for entity in found.entities), 2):
        if _share_partitions(one, other) and one.sort.meets(other.sort):
            yield Finding(
                "colliding-keys",
                str(one),
                one.source,
                f"Its key, {_key(one)}, can be the key of {_a(other.entity)}: {_key(other)} ({other}). "
                "A key can hold only one item, so the second is refused or replaces the first.",
                f"begin one of the two with a distinct text, as in {one.entity.upper()}#…",
            )


def _overlapping_partitions(found: Model) -> Iterator[Finding]:
    stored = [pattern for entity in found.entities for pattern in (entity.primary, *entity.indexed)]
    for one, other in product(found.patterns, stored):
        if not (one.primary or one.lookup) and _share_partitions(one, other) and one.sort.sees(other.sort, one.given):
            yield Finding(
                "overlapping-partitions",
                str(one),
                one.source,
                f"Its partition {one.partition.text} can be the partition {other.partition.text} of {other}, and its "
                f"range of sort keys includes that entity's. A query pays for reading both, and drops each "
                f"{other.entity}: pages are shorter.",
                f"begin one of the two partition keys with a distinct text, as in {one.entity.upper()}#…; or, if "
                "they belong in one partition, one of the two sort keys",
            )


def _unbounded_partition(entity: StoredEntity, pattern: AccessPattern) -> Iterator[Finding]:
    is_singleton = not entity.primary.fields  # its own key is constant, so there is one item of it
    is_told_by_its_key = pattern.index is None and not pattern.primary  # both are partitions of the table
    if is_singleton or is_told_by_its_key or _spreads(entity, pattern) or pattern.shares:
        return
    template = pattern.partition
    place = f"the index {pattern.index}" if pattern.index else "the table"
    if not template.fields:
        problem = (
            f"Its partition key is the constant {template.text}: every {entity.name} is in one partition of {place}"
        )
    else:
        values = " and ".join(_how_many(template, name) for name in template.fields)
        problem = (
            f"Its partition key {template.text} may have few values: {values}. A partition of {place} then has no bound"
        )
    yield Finding(
        "unbounded-partition",
        str(pattern),
        pattern.source,
        f"{problem}. {_PARTITION_LIMIT}.",
        "put a field with many values, or a period such as a month, into the partition key; or spread it, as with "
        "shards=8; or acknowledge it with how many items a partition will have, and how many are written per second",
    )


def _mutable_key(entity: StoredEntity, pattern: AccessPattern) -> Iterator[Finding]:
    updaters = entity.uses("update")
    if pattern.index is None or not updaters:
        return
    movable = entity.movable(pattern.fields)
    if not movable:
        return
    names = " and ".join(movable)
    if entity.updated in movable:
        when = f"{entity.updated}, which each write sets"
    else:
        when = f"{names}, which an update may change (granted to {_functions(updaters)})"
    yield Finding(
        "mutable-key",
        str(pattern),
        pattern.source,
        f"Its key in {pattern.index} contains {when}. The item then moves in the index, which takes two writes instead "
        "of one; a client that reads page by page can get the item twice, or not at all.",
        "use a field that doesn't change, such as its id or created_at; or acknowledge it with how seldom it changes",
    )


def _unused_pattern(pattern: AccessPattern) -> Iterator[Finding]:
    if pattern.primary or pattern.uses:
        return
    if pattern.lookup:
        yield Finding(
            "unused-pattern",
            str(pattern),
            pattern.source,
            "No function may look it up.",
            f"grant it to the functions that need it, as in uses=[allow.get({pattern})]; or remove it",
        )
        return
    cost = f" Each write of {_a(pattern.entity)} still pays for {pattern.index}." if pattern.index else ""
    drop = f", and {pattern.index} too if no other pattern needs it" if pattern.index else ""
    yield Finding(
        "unused-pattern",
        str(pattern),
        pattern.source,
        f"No function may query it.{cost}",
        f"grant it to the functions that need it, as in uses=[allow.query({pattern})]; or remove the pattern{drop}",
    )


def _unique_by_index(entity: StoredEntity, pattern: AccessPattern) -> Iterator[Finding]:
    if pattern.index is None or frozenset(pattern.parameters) not in entity.claimed:
        return
    names = " and ".join(pattern.parameters)
    yield Finding(
        "unique-by-index",
        str(pattern),
        pattern.source,
        f"It finds {_a(entity.name)} by {names}, which is unique, through {pattern.index}: an index lags behind the "
        "writes, so what was just created may not be found, and each write pays for it.",
        f"declare it as a look-up, which reads consistently: @lookup({pattern.parameters[-1]!r})",
    )


def _unused_indexes(found: Model) -> Iterator[Finding]:
    kept = {pattern.index for pattern in found.patterns}
    for index in found.table.indexes:
        if index.name not in kept:
            yield Finding(
                "unused-index",
                index.name,
                found.table.source,
                f"No entity that a grant names has a pattern on {index.name}: it is empty, or holds items that nothing "
                "here writes. A table can have 20 indexes.",
                f"remove Index({index.name!r}); DynamoDB can add it again later and fills it by itself",
            )


def _wide_projection(entity: StoredEntity, pattern: AccessPattern) -> Iterator[Finding]:
    large = [name for name, kind in entity.types.items() if _may_be_large(kind)]
    if pattern.index is None or not large:
        return
    yield Finding(
        "wide-projection",
        str(pattern),
        pattern.source,
        f"{pattern.index} projects every attribute, and {' and '.join(large)} of {_a(entity.name)} may be larger than "
        f"{LARGE:,} bytes: every KB is written, stored and read a second time, whether or not a list shows it.",
        "move fields that lists don't show to another entity under the same partition key; or acknowledge it with what "
        "reads them from the index",
    )


def _grants_on_nothing(entity: StoredEntity) -> Iterator[Finding]:
    others = entity.uses("get", "query", "update", "delete", "check")
    if others and not entity.uses("put", "write_many"):
        yield Finding(
            "grant-on-nothing",
            entity.name,
            others[0].function.source,
            f"{_functions(others)} may {_operations(others)} {_a(entity.name)}, but no function may put one: there is "
            "nothing to find.",
            f"grant put({entity.name}) to the function that creates it; or acknowledge it with what else writes it",
        )
    fixed = {*entity.primary.fields, entity.created, entity.updated, entity.version}
    updaters = entity.uses("update")
    if updaters and fixed >= entity.types.keys():
        yield Finding(
            "grant-on-nothing",
            entity.name,
            updaters[0].function.source,
            f"{_functions(updaters)} may update {_a(entity.name)}, but it has no field that can change: the fields of "
            "its key are fixed, and the table client sets the others.",
            f"remove update({entity.name})",
        )


def _spreads(entity: StoredEntity, pattern: AccessPattern) -> bool:
    """Whether a partition key has, all fields taken together, many values."""
    counts = [_count(entity, pattern.partition, name) for name in pattern.partition.fields]
    product = 1
    for count in counts:
        if count is None:
            return True
        product *= count
    return product >= FEW


def _count(entity: StoredEntity, template: KeyTemplate, name: str) -> int | None:
    """How many values a field has, judged by its type and its name: None for many."""
    values = next(segment.values for segment in template.segments if segment.name == name)
    if values.count is not None:
        return values.count
    identifies = entity.primary.fields == (name,) or name.rpartition("_")[2] in _IDENTIFYING
    return 1 if isinstance(bare(entity.types[name]), inspect.StrType) and not identifies else None


def _how_many(template: KeyTemplate, name: str) -> str:
    count = next(segment.values.count for segment in template.segments if segment.name == name)
    return f"{name} is one of {count}" if count else f"{name} is any text, and many items may have the same"


def _may_be_large(kind: inspect.Type) -> bool:
    kind = bare(kind)
    if isinstance(kind, inspect.StrType):
        return kind.max_length is not None and kind.max_length > LARGE
    if isinstance(kind, inspect.BytesType):
        return kind.max_length is None or kind.max_length > LARGE
    if isinstance(kind, inspect.ListType | inspect.DictType):
        return kind.max_length is None
    return isinstance(kind, inspect.AnyType)


def _functions(uses: tuple[Use, ...]) -> str:
    return ", ".join(dict.fromkeys(use.function.name for use in uses))


def _operations(uses: tuple[Use, ...]) -> str:
    return " or ".join(dict.fromkeys(use.verb for use in uses))


def _key(pattern: AccessPattern) -> str:
    return f"{pattern.partition.text} and {pattern.sort.text}"


def _a(entity: str) -> str:
    return f"{'an' if entity[0] in 'AEIOU' else 'a'} {entity}"
