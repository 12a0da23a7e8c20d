"""What the verbs say to an argument of the wrong kind, where no type checker has."""

from typing import Any

from taxiway.data.collection import Collection, CollectionQuery
from taxiway.data.entity import Entity
from taxiway.data.errors import EntityError
from taxiway.data.lookups import Lookup, LookupPattern
from taxiway.data.patterns import IndexPattern, Key, KeyPattern, Query


def check_key(verb: str, given: object) -> None:
    """Raise TypeError where it isn't what an entity's own key gives."""
    if type(given) is not Key:
        raise _mistaken(verb, "a key, as Item.by_id(id=…) gives", given)


def check_query(verb: str, given: object) -> None:
    """Raise TypeError where it isn't what a pattern gives."""
    if not isinstance(given, Query):
        raise _mistaken(verb, "a query, as Item.by_category(category=…) gives", given)


def check_collection(verb: str, given: object) -> None:
    """Raise TypeError where it isn't what a collection gives."""
    if type(given) is not CollectionQuery:
        raise _mistaken(verb, "a collection, as CustomerWithOrders(id=…) gives", given)


def check_item(verb: str, given: object) -> None:
    """Raise TypeError where it isn't an entity's object, or that of an abstract one, which has no key."""
    if not isinstance(given, Entity) or not hasattr(type(given), "__primary__"):
        raise _mistaken(verb, "an object of an entity, as Item(name=…) is", given)


def check_expected(verb: str, entity: type[Entity], given: object) -> None:
    """Raise TypeError where a version to expect is neither an int nor None, EntityError where the entity has none."""
    if given is None:
        return
    if type(given) is not int:
        raise TypeError(f"{verb} takes expect_version as an int, and not as a {type(given).__name__}.")
    if "version" not in entity.__roles__:
        raise EntityError(entity.__name__, "expect_version needs a version", fix="add version: int = version()")


def check_count(verb: str, name: str, given: object) -> None:
    """Raise TypeError where a number of items is not an int, such as one that was read from text."""
    if type(given) is not int:
        raise TypeError(f"{verb} takes {name} as an int, and not as a {type(given).__name__}: {given!r}.")


def _mistaken(verb: str, wanted: str, given: Any) -> TypeError:
    if isinstance(given, KeyPattern | IndexPattern | LookupPattern | Collection):
        what, fix = f"{given!r} itself", "call it"  # pyright: ignore[reportUnknownVariableType]  of any pattern
    elif isinstance(given, Key):
        what, fix = f"the key {given}", "get, update and delete take a key"  # pyright: ignore[reportUnknownVariableType]  of any entity
    elif isinstance(given, Lookup):
        what, fix = f"the look-up of {given}", "get takes a look-up: read the item, and use its key"  # pyright: ignore[reportUnknownVariableType]  of any entity
    elif isinstance(given, Query):
        what, fix = f"a query of {given.pattern!r}", "query, each and count take a query"  # pyright: ignore[reportUnknownMemberType]  of any entity
    elif isinstance(given, type):
        what, fix = f"the class {given.__name__}", "give what is made of it"
    else:
        what, fix = f"a {type(given).__name__}", ""
    return TypeError(f"{verb} takes {wanted}, and not {what}." + (f"\nFix: {fix}" if fix else ""))
