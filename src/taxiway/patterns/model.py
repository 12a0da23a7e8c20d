"""The input of the matrix and the linter: the table, its entities, their patterns, and the functions that use them.

This is the only module that knows both `taxiway.declare` and `taxiway.data`. Only entities that a grant names are
included.
"""

from dataclasses import dataclass
from typing import Any, assert_never

from msgspec import inspect

from taxiway.data import Entity
from taxiway.declare import Backend, Function, Index, Route, StreamConsumer, Table, Trigger
from taxiway.declare.grants import Pattern, Verb
from taxiway.patterns.sources import source_of
from taxiway.patterns.templates import KeyTemplate, bare, is_optional, key_template


@dataclass(frozen=True)
class Use:
    """One function, its verb on a pattern, and what invokes it."""

    verb: Verb
    function: Function
    triggers: tuple[Trigger, ...]

    def __str__(self) -> str:
        return f"{self.function.name} ({', '.join(map(_called, self.triggers))})"


def _called(trigger: Trigger) -> str:
    match trigger:
        case Route():
            return trigger.key
        case StreamConsumer():
            return "changes of the table"
        case _:
            assert_never(trigger)


@dataclass(frozen=True)
class AccessPattern:
    """One access pattern of an entity: its key (`primary`), or a query of an index or of the table (`index` None)."""

    entity: str
    name: str
    description: str
    """The first line of its docstring."""
    primary: bool
    index: str | None
    attributes: tuple[str, str]
    """What the partition key and the sort key are stored as."""
    partition: KeyTemplate
    sort: KeyTemplate
    uses: tuple[Use, ...]
    source: str
    """`file:line`."""
    shares: tuple[int, ...] = ()
    """For each partition of the index that a query reads, over how many its items are spread; none without shards."""
    lookup: bool = False
    """Whether it finds the item that has a unique value, through the sentinel of the value."""
    given: int = 0
    """How many fields of the sort key a query's arguments give, from the first on."""

    def __str__(self) -> str:
        return f"{self.entity}.{self.name}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return (
            self.fields
            if self.primary or self.lookup
            else tuple(dict.fromkeys(self.partition.fields + self.sort.fields[: self.given]))
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields in its two templates, each once."""
        return tuple(dict.fromkeys(self.partition.fields + self.sort.fields))


@dataclass(frozen=True)
class StoredEntity:
    """An entity, as far as keys and costs need it."""

    name: str
    types: dict[str, inspect.Type]
    created: str | None
    updated: str | None
    version: str | None
    """The fields that a write sets."""
    patterns: tuple[AccessPattern, ...]
    """Its own key first."""
    checks: bool = False
    """Whether its class checks an item as a whole (`__post_init__`), for which an update reads it first."""
    unique: int = 0
    """The number of its unique values: each is an item of its own, written in the same transaction."""
    claimed: tuple[frozenset[str], ...] = ()
    """The fields of each of them."""

    @property
    def primary(self) -> AccessPattern:
        return self.patterns[0]

    @property
    def indexed(self) -> tuple[AccessPattern, ...]:
        """The patterns that a write keeps an index for: one for each."""
        return tuple({pattern.index: pattern for pattern in reversed(self.patterns) if pattern.index}.values())[::-1]

    @property
    def adds_by_reading(self) -> bool:
        """Whether adding to one of its fields reads it first: a sum of Decimals or floats is not DynamoDB's."""
        return any(isinstance(bare(kind), inspect.DecimalType | inspect.FloatType) for kind in self.types.values())

    def uses(self, *verbs: Verb) -> tuple[Use, ...]:
        """The uses with one of these verbs."""
        return tuple(use for pattern in self.patterns for use in pattern.uses if use.verb in verbs)

    def movable(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Those that a write may change: not the fields of its own key, nor when it was created."""
        return tuple(name for name in fields if name not in self.primary.fields and name != self.created)

    def sparse(self, pattern: AccessPattern) -> bool:
        """Whether an index leaves items out: those with None in one of its keys."""
        return any(is_optional(self.types[name]) for name in pattern.fields)


@dataclass(frozen=True)
class Model:
    table: Table
    entities: tuple[StoredEntity, ...]

    @property
    def patterns(self) -> tuple[AccessPattern, ...]:
        return tuple(pattern for entity in self.entities for pattern in entity.patterns)


def model(backend: Backend) -> Model | None:
    """The model of a backend's table; None without a table."""
    if backend.table is None:
        return None
    uses: dict[int, list[Use]] = {}
    entities: dict[type[Entity], None] = {}
    for function in backend.functions:
        for grant in dict.fromkeys(function.grants):
            use = Use(grant.verb, function, backend.triggers_of(function))
            for pattern in members(grant.pattern):
                uses.setdefault(id(pattern), []).append(use)
                if (entity := _entity_of(pattern)) is not None:
                    entities[entity] = None
    return Model(backend.table, tuple(_stored(entity, backend.table, uses) for entity in entities))


def members(pattern: Pattern) -> tuple[Pattern, ...]:
    """The patterns that one stands for: those of a collection, or itself."""
    return getattr(pattern, "members", (pattern,))


def _entity_of(pattern: Pattern) -> type[Entity] | None:
    """The class of the entity that a pattern is of, where it is one of `taxiway.data`."""
    return getattr(pattern, "owner", None)


def _stored(entity: type[Entity], table: Table, uses: dict[int, list[Use]]) -> StoredEntity:
    described = inspect.type_info(entity)
    types = {field.name: field.type for field in described.fields} if isinstance(described, inspect.StructType) else {}
    roles = entity.__roles__

    def seen(pattern: Any) -> AccessPattern:
        keys = next((index for index in table.indexes if index.name == pattern.index), None)
        keys = keys or (table if pattern.index is None else Index(pattern.index))
        return AccessPattern(
            entity=entity.__name__,
            name=pattern.name,
            description=next(iter(pattern.description.strip().splitlines()), ""),
            primary=pattern is entity.__primary__,
            index=pattern.index,
            attributes=(keys.partition_key, keys.sort_key),
            partition=key_template(pattern.partition.text, types),
            sort=key_template(pattern.sort.text, types),
            uses=tuple(uses.get(id(pattern), ())),
            source=source_of(entity, pattern.name),
            shares=tuple(each.share for each in pattern.sharding.partitions) if pattern.sharding else (),
            lookup=pattern in entity.__lookups__,
            given=0 if pattern is entity.__primary__ else pattern.given,
        )

    return StoredEntity(
        name=entity.__name__,
        types=types,
        created=roles.get("created"),
        updated=roles.get("updated"),
        version=roles.get("version"),
        patterns=tuple(seen(pattern) for pattern in (entity.__primary__, *entity.__patterns__, *entity.__lookups__)),
        checks=entity.__codec__.checks,
        unique=len(entity.__uniques__),
        claimed=tuple(frozenset(claim.template.fields) for claim in entity.__uniques__),
    )
