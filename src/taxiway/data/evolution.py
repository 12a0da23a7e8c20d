"""Schema versions: an item that is stored in an older form is brought up to the present one as it is read.

What is stored in `_v` is the version of an item's form; none is version 1. An entity's version is one more than it has
upcasters.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from taxiway.data.errors import EntityError, StoredItemInvalid, UnknownVersion
from taxiway.data.expressions import Expression
from taxiway.sdk.dynamodb import Item

SCHEMA = "_v"
"""The attribute that holds the version of an item's form."""

Upcast: TypeAlias = Callable[[Item], Item]


class Upcaster:
    """Stands in a class body for the function that makes one version's form the next one's."""

    def __init__(self, function: Upcast, from_version: int) -> None:
        self.function = function
        self.from_version = from_version


def upcaster(*, from_version: int) -> Callable[[Upcast], Upcast]:
    """Declare how what is stored of a version becomes the next version's: a function of the attributes, to attributes.

    It gets a copy of everything that is stored, under the names that it is stored by, before anything is validated, and
    must leave the item's own key as it is. Numbers are ints, or Decimals where they have a fraction.
    """

    def declare(function: Upcast) -> Upcast:
        plain = function.__func__ if isinstance(function, staticmethod) else function
        return cast("Upcast", Upcaster(cast("Upcast", plain), from_version))

    return declare


class Evolution:
    """The forms that an entity's items have had. Raises EntityError where a version has not just one upcaster."""

    def __init__(self, entity: str, upcasters: dict[str, Upcaster]) -> None:
        self._entity = entity
        self._steps = sorted(upcasters.items(), key=lambda step: step[1].from_version)
        self.version = len(self._steps) + 1
        versions = [step.from_version for _, step in self._steps]
        if versions != list(range(1, self.version)):
            raise EntityError(
                entity,
                f"its upcasters are from the versions {', '.join(map(str, versions))}",
                fix="have one from each version: 1, 2, 3 …; what has none stored is version 1",
            )

    def is_other(self, row: Item) -> bool:
        """Whether a row is of another version than the present one."""
        return row.get(SCHEMA, 1) != self.version

    def upcast(self, row: Item, where: str) -> Item:
        """A row of another version, in the present form. Raises UnknownVersion and StoredItemInvalid."""
        found = self.check_known(row, where)
        from copy import deepcopy  # 1 ms that only who has older items pays

        row = deepcopy(row)
        for name, step in self._steps[found - 1 :]:
            try:
                row = step.function(row)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                raise StoredItemInvalid(
                    f"{where} does not become version {step.from_version + 1} by {self._entity}.{name}: {reason}."
                ) from error
            if not isinstance(cast("Any", row), dict):
                raise StoredItemInvalid(f"{where}: {self._entity}.{name} gives {row!r}, and no attributes.")
        row[SCHEMA] = self.version
        return row

    def check_known(self, row: Item, where: str) -> int:
        """The version that a row is of. Raises UnknownVersion for one of newer code, and StoredItemInvalid."""
        found = row.get(SCHEMA, 1)
        if type(found) is not int or found < 1:
            raise StoredItemInvalid(f"{where} has {SCHEMA}={found!r}, which is no version.")
        if found > self.version:
            raise UnknownVersion(
                f"{where} is stored in version {found} of {self._entity}, and this code knows up to {self.version}.\n"
                "Fix: run the newer code, which wrote it",
                found=found,
            )
        return found

    def knows(self, expression: Expression) -> str:
        """The condition that what is stored is of the present version, or of one before it."""
        name = expression.name(SCHEMA)
        return f"(attribute_not_exists({name}) OR {name} <= {expression.value(self.version)})"

    def holds(self, expression: Expression) -> str:
        """The condition that what is stored is of the present version."""
        name = expression.name(SCHEMA)
        return f"attribute_not_exists({name})" if self.version == 1 else f"{name} = {expression.value(self.version)}"
