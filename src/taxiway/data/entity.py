"""What an entity is: a frozen msgspec struct that knows its keys."""

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, dataclass_transform

import msgspec

from taxiway.data._types import only
from taxiway.data.conditions import Attribute
from taxiway.data.encoding import ENTITY, EXPIRES, Codec
from taxiway.data.errors import EntityError
from taxiway.data.evolution import SCHEMA, Evolution, Upcaster
from taxiway.data.fields import Managed, Role, Unique, unique
from taxiway.data.lookups import LookupPattern, LookupStub
from taxiway.data.patterns import PARTITION, SORT, IndexPattern, IndexStub, KeyPattern, KeyStub
from taxiway.data.uniques import UniqueValue
from taxiway.data.write_ids import WRITE

Stubs: TypeAlias = "dict[str, KeyStub[...] | IndexStub[..., Any] | LookupStub[...]]"

_STORED_NAME = re.compile(r"[\w.-]+")
RESERVED = frozenset(("Idempotency", "Migration", "UNIQUE"))
"""The `entity` of requests' records, of migrations' checkpoints, and of unique values' sentinels."""

_ROLE_TYPES: dict[Role, type] = {"created": datetime, "updated": datetime, "version": int, "ttl": datetime}


class EntityMeta(msgspec.StructMeta):
    """Builds an entity's class: its struct, its patterns and its encoding codec. Raises EntityError on a mistake."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **config: Any) -> type[Any]:
        if not any(isinstance(base, EntityMeta) for base in bases):
            return super().__new__(mcls, name, bases, namespace, **config)
        abstract = config.pop("abstract", False)
        stored = config.pop("name", None)
        if config:
            raise EntityError(
                name, f"{', '.join(config)} can't be set", fix="an entity is frozen and stored in camelCase"
            )
        if any(hasattr(base, "__primary__") for base in bases):
            raise EntityError(
                name, "an entity can't inherit from another", fix="derive both from a class Base(Entity, abstract=True)"
            )
        shared: dict[str, Any] = {}
        for base in reversed(bases):
            shared |= getattr(base, "__shared__", {})
        own = {key: value for key, value in namespace.items() if isinstance(value, Managed | Unique)}
        shared = {key: value for key, value in shared.items() if key not in namespace} | own
        managed = {key: value for key, value in shared.items() if isinstance(value, Managed)}
        stubs: Stubs = {
            key: value for key, value in namespace.items() if isinstance(value, KeyStub | IndexStub | LookupStub)
        }
        upcasters = {key: value for key, value in namespace.items() if isinstance(value, Upcaster)}
        body = {key: value for key, value in namespace.items() if key not in stubs and key not in upcasters}
        uniques = {key: value for key, value in shared.items() if isinstance(value, Unique)}
        body |= {key: value.field() for key, value in own.items()}
        entity = _struct(mcls, name, bases, body, reads=not abstract)
        if abstract:
            if stubs or upcasters or stored is not None:
                raise EntityError(
                    name,
                    "an abstract entity has fields and nothing else",
                    fix="give keys, patterns and a name to what derives from it",
                )
            entity.__shared__ = shared
            return entity
        ttl = next((key for key, value in managed.items() if value.role == "ttl"), None)
        _check_stored_name(name, name if stored is None else stored)
        entity.__codec__ = Codec(entity, Evolution(name, upcasters), name=stored, ttl=ttl)
        entity.__roles__ = _roles(entity, managed)
        for key, value in upcasters.items():
            setattr(entity, key, staticmethod(value.function))
        _patterns(entity, stubs)
        _check_names(entity, stubs)
        entity.__uniques__ = _claims(entity, uniques)
        entity.__lookups__ = _lookups(entity, stubs)
        for field in entity.__codec__.fields.values():
            setattr(entity, field.name, Attribute(name, field, _member(entity, field.name)))
        return entity


def _check_stored_name(entity: str, stored: object) -> None:
    if stored in RESERVED:
        raise EntityError(
            entity, f"items that the library keeps for itself are called {stored!r}", fix="give it another name"
        )
    if not isinstance(stored, str) or not _STORED_NAME.fullmatch(stored):
        raise EntityError(
            entity, f"name={stored!r} is not a valid name for stored items", fix="use letters, digits, '_', '.' and '-'"
        )


def _struct(meta: type[EntityMeta], name: str, bases: tuple[type, ...], body: dict[str, Any], *, reads: bool) -> Any:
    """The struct, without its keys. Raises EntityError where msgspec can't make one, or can't read its fields.

    The fields of an abstract one may name what comes after it, so they are looked at with what derives from it.
    """
    try:
        entity = msgspec.StructMeta.__new__(meta, name, bases, body, kw_only=True, frozen=True, rename="camel")
        if reads:
            with suppress(msgspec.ValidationError):
                msgspec.convert(None, entity)  # makes what reads its objects
    except ValueError as error:
        raise EntityError(name, str(error)) from None
    except NameError as error:
        raise EntityError(
            name, f"its fields name what isn't there yet: {error}", fix=f"define {error.name} above it"
        ) from None
    except TypeError as error:
        if "lay-out" in str(error):
            raise EntityError(
                name, "its fields come from two bases side by side", fix="derive one base from the other"
            ) from None
        raise EntityError(name, f"msgspec can't make it: {error}") from None
    return entity


def _member(entity: type[Any], name: str) -> Any:
    """Where an object's value of a field is: in the class that declares it."""
    return next(found.__dict__[name] for found in entity.__mro__ if name in found.__dict__)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(msgspec.field, unique))
class Entity(msgspec.Struct, metaclass=EntityMeta, kw_only=True, frozen=True):
    """The base of what is stored in the table.

    Fields are snake_case in Python and camelCase in the table and in JSON; one method under `@key` says where an item
    is, and methods under `@pattern` say how else it is found:

        class Item(Entity):
            id: str = sortable_id()
            category: str
            created_at: datetime = created()

            @key(pk="ITEM#{id}", sk="ITEM")
            def by_id(self, id: str) -> None: "One item."

            @pattern("gsi1", pk="ITEM#CATEGORY#{category}", sk="{created_at}#{id}", sorted_by=datetime)
            def by_category(self, category: str) -> None: "Items of a category, by creation time."

    Fields that several share can be in a class of their own, `class Stored(Entity, abstract=True)`. What is stored of
    an entity bears the name of its class; `class Customer(Entity, name="User")` keeps the name that it had.
    """

    if TYPE_CHECKING:

        def __init_subclass__(cls, *, abstract: bool = False, name: str | None = None) -> None: ...

    __primary__: ClassVar[KeyPattern[..., Any]]
    __patterns__: ClassVar[tuple[IndexPattern[..., Any, Any], ...]]
    __indexed__: ClassVar[tuple[IndexPattern[..., Any, Any], ...]]
    """One pattern for each index that a write keeps."""
    __uniques__: ClassVar[tuple[UniqueValue, ...]]
    __lookups__: ClassVar[tuple[LookupPattern[..., Any], ...]]
    __codec__: ClassVar[Codec]
    __roles__: ClassVar[dict[Role, str]]


def _roles(entity: type[Entity], managed: dict[str, Managed]) -> dict[Role, str]:
    roles: dict[Role, str] = {}
    for name, value in managed.items():
        field = entity.__codec__.fields.get(name)
        wanted = _ROLE_TYPES[value.role]
        if value.role == "ttl" and field is not None and not field.optional and value.default() is None:
            raise EntityError(
                entity.__name__, f"{name} = ttl() may be None", fix=f"{name}: datetime | None, or ttl(after=…)"
            )
        if field is None or only(field.type) is not wanted or (field.optional and value.role != "ttl"):
            raise EntityError(
                entity.__name__,
                f"{name} = {value.role}() must be a field of type {wanted.__name__}",
                fix=f"{name}: {wanted.__name__} = …",
            )
        if field.default_factory is not value.default:
            raise EntityError(
                entity.__name__,
                f"{name} is annotated anew without its {value.role}()",
                fix=f"{name}: … = {value.role}(), or leave it to the class that it comes from",
            )
        if value.role in roles:
            raise EntityError(
                entity.__name__, f"{name} and {roles[value.role]} are both {value.role}()", fix="keep one"
            )
        roles[value.role] = name
    return roles


def _patterns(entity: Any, stubs: Stubs) -> None:
    name = entity.__name__
    codec: Codec = entity.__codec__
    types = {field.name: field.type for field in codec.fields.values()}
    labels = {field.name: field.stored for field in codec.fields.values()}
    keys = [stub for stub in stubs.values() if isinstance(stub, KeyStub)]
    if len(keys) != 1:
        found = " and ".join(stub.name for stub in keys) or "none"
        raise EntityError(name, f"an entity has one key, and this has {found}", fix="put @key on one method")
    partition, sort = keys[0].templates(name, types, labels)
    if partition.optional or sort.optional:
        raise EntityError(name, "a field of its own key may be None", fix="make the field required")
    patterns: list[IndexPattern[..., Any, Any]] = []
    for attribute, stub in stubs.items():
        if isinstance(stub, KeyStub):
            entity.__primary__ = KeyPattern(entity, stub, partition, sort)
            setattr(entity, attribute, entity.__primary__)
        elif isinstance(stub, IndexStub):
            found = IndexPattern(entity, stub, *stub.templates(name, types, labels))
            if found.index is None and (found.partition.text, found.sort.text) != (partition.text, sort.text):
                raise EntityError(
                    name,
                    f"{attribute} reads the table itself, and its templates are not those of the key",
                    fix=f"pk={partition.text!r}, sk={sort.text!r}; or name an index",
                )
            patterns.append(found)
            setattr(entity, attribute, found)
    entity.__patterns__ = tuple(patterns)
    entity.__indexed__ = _one_for_each_index(name, patterns)
    for template in (partition, sort, *(t for found in patterns for t in (found.partition, found.sort))):
        for role in ("version", "updated") if template in (partition, sort) else ("version",):
            if entity.__roles__.get(role) in template.fields:
                raise EntityError(
                    name, f"the key {template.text!r} holds {entity.__roles__[role]}, which each write changes"
                )


def _one_for_each_index(
    name: str, patterns: list[IndexPattern[..., Any, Any]]
) -> tuple[IndexPattern[..., Any, Any], ...]:
    """Those that writes go by. Raises EntityError where two patterns say different things of one index."""
    found: dict[str, IndexPattern[..., Any, Any]] = {}
    for each in patterns:
        if each.index is None:
            continue
        first = found.setdefault(each.index, each)
        if (first.partition.text, first.sort.text) != (each.partition.text, each.sort.text):
            raise EntityError(
                name,
                f"{first.name} and {each.name} give {each.index} different keys, and an item has one there",
                fix="use another index, or the same pk and sk",
            )
        if _layouts(first) != _layouts(each):
            raise EntityError(
                name, f"{first.name} and {each.name} give {each.index} different shards", fix="give both the same"
            )
    return tuple(found.values())


def _layouts(pattern: IndexPattern[..., Any, Any]) -> tuple[int, ...]:
    return pattern.sharding.layouts if pattern.sharding else ()


def _claims(entity: type[Entity], uniques: dict[str, Unique]) -> tuple[UniqueValue, ...]:
    codec = entity.__codec__
    claims: list[UniqueValue] = []
    for name, value in uniques.items():
        if name not in codec.fields:
            raise EntityError(entity.__name__, f"{name} = unique() is not a field", fix=f"{name}: str = unique()")
        claim = UniqueValue(codec, name, value.form)
        if name not in claim.template.fields:
            raise EntityError(
                entity.__name__, f"{name} = unique({value.form!r}) doesn't name {name}", fix=f"put {{{name}}} in it"
            )
        if any(entity.__roles__.get(role) in claim.template.fields for role in ("updated", "version")):
            raise EntityError(entity.__name__, f"{name} = unique({value.form!r}) holds what each write changes")
        claims.append(claim)
    return tuple(claims)


def _lookups(entity: type[Entity], stubs: Stubs) -> tuple[LookupPattern[..., Any], ...]:
    found: list[LookupPattern[..., Any]] = []
    for attribute, stub in stubs.items():
        if isinstance(stub, LookupStub):
            found.append(stub.pattern(entity, entity.__uniques__))
            setattr(entity, attribute, found[-1])
    return tuple(found)


def _check_names(entity: type[Entity], stubs: Stubs) -> None:
    """Refuse two things under one attribute: a field and a key, two fields, the keys of two indexes."""
    name = entity.__name__
    taken = {
        PARTITION: "the table's key",
        SORT: "the table's key",
        ENTITY: "the entity's name",
        SCHEMA: "the schema's version",
        WRITE: "the id of the last write",
    }
    for found in entity.__indexed__:
        for attribute in (found.partition_attribute, found.sort_attribute):
            if attribute in taken:
                raise EntityError(
                    name, f"{found.name} and {taken[attribute]} both need {attribute!r}", fix="use another index"
                )
            taken[attribute] = found.name
    for field in entity.__codec__.fields.values():
        if field.stored == EXPIRES and not field.ttl:
            raise EntityError(
                name,
                f"the field {field.name} would be stored as {EXPIRES!r}, by which items expire",
                fix=f"{field.name}: datetime | None = ttl(); or another name",
            )
        if field.stored in taken:
            raise EntityError(
                name, f"the field {field.name} would be stored as {field.stored!r}, which is {taken[field.stored]}"
            )
        if field.name in stubs:
            raise EntityError(name, f"{field.name} is both a field and a pattern", fix="rename one")
