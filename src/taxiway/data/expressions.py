"""An expression of DynamoDB's, written with a placeholder for every name and value in it."""

from typing import Any, Protocol

from taxiway.sdk.dynamodb import Item


class Named(Protocol):
    """An attribute, by the name that it is stored under."""

    @property
    def stored(self) -> str: ...


class Expression:
    """The names and values that the clauses of one request refer to."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: Item = {}
        self._known: dict[str, str] = {}

    def name(self, attribute: str) -> str:
        found = self._known.get(attribute)
        if found is None:
            found = self._known[attribute] = f"#n{len(self.names)}"
            self.names[found] = attribute
        return found

    def value(self, value: Any) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def holds(self, basis: Item, fields: tuple[Named, ...]) -> list[str]:
        """The conditions under which these fields still are what was read."""
        return [
            f"{self.name(field.stored)} = {self.value(basis[field.stored])}"
            if field.stored in basis
            else f"attribute_not_exists({self.name(field.stored)})"
            for field in fields
        ]

    def arguments(self, conditions: list[str]) -> dict[str, Any]:
        """What the AWS client takes for these conditions, all of which must hold; nothing where there are none."""
        found: dict[str, Any] = {}
        if conditions:
            found["condition_expression"] = " AND ".join(conditions)
        if self.names:
            found["expression_attribute_names"] = self.names
        if self.values:
            found["expression_attribute_values"] = self.values
        return found
