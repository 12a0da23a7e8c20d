"""The table as a dictionary: what every operation should answer and leave behind, in a few plain lines each."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact
from typing import Any, NamedTuple

from msgspec.structs import replace
from tests.correctness.entities import Label, Member, Part

from taxiway.data import AlreadyExists, ConditionFailed, Entity, InvalidKey, Missing, NotUnique, VersionMismatch

Identity = tuple[Any, ...]
"""An entity's class and the values of its key."""

KEYS: dict[type[Entity], tuple[str, ...]] = {Part: ("shelf", "id"), Label: ("shelf", "name"), Member: ("id",)}
HAS_VERSION = (Part, Member)
HAS_TIMES = (Part,)


class Listing(NamedTuple):
    """An access pattern, as the model knows it: which field makes its partitions, and which ones its order."""

    entity: type[Entity]
    name: str
    partition: str
    order: tuple[str, ...]


BY_KIND = Listing(Part, "by_kind", "kind", ("rank", "id"))
BY_OWNER = Listing(Part, "by_owner", "owner", ("created_at", "id"))
LABELS_BY_KIND = Listing(Label, "by_kind", "kind", ("rank", "name"))
LABELS_BY_RANK = Listing(Label, "by_rank", "shelf", ("rank",))
LISTINGS = (BY_KIND, BY_OWNER, LABELS_BY_KIND, LABELS_BY_RANK)


class Refusal(Exception):  # noqa: N818  it is what an operation should answer
    """An operation should raise one of these errors."""

    def __init__(self, *errors: Any) -> None:
        super().__init__(*errors)
        self.errors = errors


class Late(Refusal):
    """In a transaction it shows when that is carried out, and not before."""


def identity(item: Entity) -> Identity:
    return (type(item), *(getattr(item, name) for name in KEYS[type(item)]))


class Model:
    """Each verb takes what the client was given, and what it has `seen` the client answer, for the time of the write.

    It returns what the client should have answered, or raises Refusal.
    """

    def __init__(self, items: dict[Identity, Any] | None = None) -> None:
        self.items = dict(items or {})

    def get(self, where: Identity) -> Any:
        item = self.items.get(where)
        return None if item is None or _has_expired(item) else item

    def create(self, item: Any, seen: Any) -> Any:
        _check_keys(item.__struct_fields__, lambda name: getattr(item, name))
        if self.get(identity(item)) is not None:
            raise Late(AlreadyExists)
        return self._store(item, 1, seen, fresh=True)

    def put(
        self, item: Any, seen: Any, *, demand: Callable[[Any], bool] | None = None, expected: int | None = None
    ) -> Any:
        _check_keys(item.__struct_fields__, lambda name: getattr(item, name))
        if demand is not None and not demand(self.get(identity(item))):
            raise Late(ConditionFailed)
        if expected is not None:
            if getattr(self.get(identity(item)), "version", None) != expected:
                raise Late(VersionMismatch)
            return self._store(item, expected + 1, seen, fresh=False)
        stored = self.items.get(identity(item))
        version = max(getattr(item, "version", 0), getattr(stored, "version", 0)) + 1
        # Higher where what it had to be higher than has gone in between; never lower.
        version = max(version, getattr(seen, "version", 0))
        return self._store(item, version, seen, fresh=False)

    def put_blindly(self, item: Any, seen: Any) -> Any:
        """As in a batch, where a put can't look at what it replaces."""
        _check_keys(item.__struct_fields__, lambda name: getattr(item, name))
        return self._store(item, getattr(item, "version", 0) + 1, seen, fresh=False)

    def update(
        self,
        where: Identity,
        change: Callable[[Any], dict[str, Any]],
        given: dict[str, Any],
        expected: Any,
        seen: Any,
        *,
        demand: Callable[[Any], bool] | None = None,
    ) -> Any:
        """`change` gives the new values from the item; `given` are those that it takes no item to know."""
        item = self.get(where)
        try:
            _check_keys(tuple(given), given.__getitem__)
        except Refusal:
            # A key that depends on what is stored is made after the read that finds the item missing, or too new.
            later = Missing if item is None else VersionMismatch
            raise Refusal(
                InvalidKey, *([later] if item is None or expected not in (None, getattr(item, "version", None)) else [])
            ) from None
        if item is None:
            raise Refusal(Missing)
        if expected is not None and item.version != expected:
            raise Refusal(VersionMismatch)
        changes = change(item)
        if demand is not None and not demand(item):
            raise Late(ConditionFailed)
        if not changes and demand is None:
            return item
        _check_keys(tuple(changes), changes.__getitem__)
        return self._store(replace(item, **changes), getattr(item, "version", 0) + 1, seen, fresh=False)

    def delete(
        self, where: Identity, *, demand: Callable[[Any], bool] | None = None, expected: int | None = None
    ) -> Any:
        item = self.get(where)
        if item is not None and expected is not None and item.version != expected:
            raise Refusal(VersionMismatch)
        if item is not None and demand is not None and not demand(item):
            raise Late(ConditionFailed)
        self.items.pop(where, None)
        return item

    def list(self, listing: Listing, partition: str, keep: Callable[[Any], bool], *, newest: bool) -> list[Any]:
        """The items of a partition that are to be kept, in order."""
        found = [
            item
            for item in self.items.values()
            if type(item) is listing.entity
            and getattr(item, listing.partition) == partition
            and keep(item)
            and not _has_expired(item)
        ]
        return sorted(found, key=lambda item: place(listing, item), reverse=newest)

    def is_taken(self, item: Any) -> bool:
        """Whether another has the value that no two may have."""
        return isinstance(item, Member) and any(
            isinstance(other, Member) and other.id != item.id and other.email.lower() == item.email.lower()
            for other in self.items.values()
        )

    def _store(self, item: Any, version: int, seen: Any, *, fresh: bool) -> Any:
        if self.is_taken(item):
            raise Late(NotUnique)
        if isinstance(item, HAS_VERSION):
            item = replace(item, version=version)
        if isinstance(item, HAS_TIMES):
            time = getattr(seen, "updated_at", None)
            item = replace(item, updated_at=time, created_at=time if fresh else item.created_at)
        self.items[identity(item)] = item
        return item


def place(listing: Listing, item: Any) -> tuple[Any, ...]:
    """Where an item stands in a listing; items that are equal in all of it may stand in any order."""
    return tuple(getattr(item, name) for name in listing.order)


def total(amount: Decimal | float, more: Decimal | float) -> Any:
    """A sum, of at most 38 digits."""
    if not isinstance(amount, Decimal) and not isinstance(more, Decimal):
        return amount + more
    try:
        return Context(prec=38, traps=[Inexact]).add(Decimal(amount), Decimal(more))
    except Inexact:
        raise Refusal(ConditionFailed) from None


def rows(items: dict[Identity, Any]) -> list[dict[str, Any]]:
    """How items should be stored: their fields as the table names them, their keys, and their keys in the indexes.

    Items that have expired are left out: whether they are still there is DynamoDB's affair.
    """
    return [row for item in items.values() if not _has_expired(item) for row in _rows(item)]


def _rows(item: Any) -> list[dict[str, Any]]:
    names = {"created_at": "createdAt", "updated_at": "updatedAt", "until": "expiresAt"}
    stored = {names.get(name, name): _plain(getattr(item, name)) for name in item.__struct_fields__}
    stored |= {"entity": type(item).__name__}
    if isinstance(item, Member):
        key = {"pk": f"MEMBER#{_escaped(item.id)}", "sk": "MEMBER"}
        sentinel = {
            "pk": f"UNIQUE#Member#email#{_escaped(item.email.lower())}",
            "sk": "UNIQUE",
            "entity": "UNIQUE",
            "holderPk": key["pk"],
            "holderSk": key["sk"],
        }
        return [stored | key, sentinel]
    keys = {"pk": f"SHELF#{_escaped(item.shelf)}", "gsi1pk": f"KIND#{_escaped(item.kind)}"}
    name = _escaped(item.name if isinstance(item, Label) else item.id)
    keys |= {"sk": f"{type(item).__name__.upper()}#{name}", "gsi1sk": f"{item.rank:04}#{name}"}
    if isinstance(item, Part) and item.owner is not None:
        keys |= {"gsi2pk": f"OWNER#{_escaped(item.owner)}", "gsi2sk": f"{_plain(item.created_at)}#{name}"}
    if isinstance(item, Label):
        keys |= {"gsi2pk": keys["pk"], "gsi2sk": f"{item.rank:04}"}
        stored["expiresAt"] = item.until and int(item.until.timestamp())
    return [{name: value for name, value in (stored | keys).items() if value not in (None, set())}]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value


def _escaped(text: str) -> str:
    return "".join(character if character > "%" else f"%{ord(character):02X}" for character in text)


def _has_expired(item: Any) -> bool:
    until = getattr(item, "until", None)
    return until is not None and until <= datetime.now(UTC)


def _check_keys(names: tuple[str, ...], value_of: Callable[[str], Any]) -> None:
    """No part of a key is empty, and a rank has at most four digits."""
    for name in names:
        if value_of(name) == "" or (name == "rank" and not 0 <= value_of(name) <= 9999):
            raise Refusal(InvalidKey)
