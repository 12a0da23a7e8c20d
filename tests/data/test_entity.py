"""What an entity's class says of itself, and the mistakes that it refuses when it is made."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from tests.data.models import Item, Task
from tests.tables import rows_of

from taxiway.data import (
    Entity,
    EntityError,
    Key,
    NotUnique,
    StoredItemInvalid,
    TableClient,
    created,
    key,
    pattern,
    sortable_id,
    ttl,
    unique,
    updated,
    version,
)
from taxiway.declare import allow


def test_the_declaration_can_name_what_a_function_does() -> None:
    assert str(allow.get(Item)) == "allow.get(Item)"
    assert [found.name for found in allow.put(Item).patterns] == ["by_id", "by_category"]
    assert str(allow.update(Task)) == "allow.update(Task)"
    assert str(allow.delete(Item)) == "allow.delete(Item)"
    grant = allow.query(Item.by_category)
    assert (str(grant), grant.pattern.index) == ("allow.query(Item.by_category)", "gsi1")
    assert grant.pattern.partition_key == "ITEM#CATEGORY#{category}"


def test_a_pattern_describes_itself() -> None:
    assert Item.__primary__ is Item.by_id
    assert Item.__patterns__ == (Item.by_category,)
    assert Item.by_id.index is None
    assert Item.by_category.description == "Items of a category, by creation time."
    assert repr(Item.by_category) == "<Item.by_category(category)>"


def test_a_key_is_a_value() -> None:
    assert Item.by_id("1") == Item.by_id(id="1") == Key(Item, "ITEM#1", "ITEM", (("id", "1"),))
    assert len({Item.by_id("1"), Item.by_id("1"), Item.by_id("2")}) == 2


def test_refining_a_query_gives_a_new_one() -> None:
    found = Item.by_category(category="x")
    assert found.newest_first() != found
    assert found == Item.by_category("x")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((), {}), (("a", "b"), {}), (("a",), {"category": "b"}), ((), {"name": "a"}), ((None,), {})],
)
def test_arguments_that_are_not_the_patterns_own_are_refused(arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(EntityError, match="by_category") as caught:
        Item.by_category(*arguments, **named)
    assert isinstance(caught.value, TypeError)


def test_ids_are_made_for_each_object_and_sort_by_time() -> None:
    ids = [Item(name="x", category="y").id for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(len(found) == 26 for found in ids)


def test_an_entity_is_frozen_and_made_by_keyword() -> None:
    item = Item(name="x", category="y")
    with pytest.raises(AttributeError):
        item.name = "z"  # pyright: ignore[reportAttributeAccessIssue]  the point
    with pytest.raises(TypeError):
        Item("x")  # type: ignore[call-arg]  the point


def one(*, base: Any = Entity, config: dict[str, Any] | None = None, **body: Any) -> Any:
    """An entity's class with an id and, where `body` has none, a key."""
    annotations = {"id": str, **body.pop("fields", {})}
    body.setdefault("by_id", key(pk="T#{id}", sk="T")(by_id))
    namespace = {"__module__": __name__, "__annotations__": annotations, **body}
    return type(Entity)("Thing", (base,), namespace, **config or {})


def by_id(self: Any, id: str) -> None: ...
def by_name(self: Any, name: str) -> None: ...
def other(self: Any, id: str) -> None: ...
def by_id_and_time(self: Any, id: str, at: datetime) -> None: ...
def recent(self: Any) -> None: ...


named = {"name": str}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"by_id": None}, "has none"),
        ({"other": key(pk="U#{id}", sk="U")(other)}, "has other and by_id"),
        ({"by_id": key(pk="T#{nmae}", sk="T")(by_id)}, r"names \{nmae\}, which is not a field"),
        ({"by_id": key(pk="T#{id}", sk="{name}")(by_id), "fields": named}, r"def by_id\(self, id: …, name: …\)"),
        ({"by_name": pattern("gsi1", pk="N#{id}", sk="T")(by_name), "fields": named}, r"def by_name\(self, id: …\)"),
        ({"fields": {"id": str | None}}, "its own key may be None"),
        ({"fields": {"pk": str}}, "'pk', which is the table's key"),
        ({"fields": {"entity": str}}, "'entity', which is the entity's name"),
        ({"fields": {"gsi1sk": str}, "o": pattern("gsi1", pk="{id}", sk="T")(other)}, "'gsi1sk', which is other"),
        ({"fields": {"a_b": str, "aB": str}}, "same name"),
        (
            {"a": pattern("gsi1", pk="A#{id}", sk="T")(by_id), "b": pattern("gsi1", pk="B#{id}", sk="T")(other)},
            "by_id and other give gsi1 different keys",
        ),
        (
            {
                "a": pattern("gsi1", pk="A#{id}", sk="T", shards=2)(by_id),
                "b": pattern("gsi1", pk="A#{id}", sk="T")(other),
            },
            "by_id and other give gsi1 different shards",
        ),
        (
            {"fields": named, "by_name": pattern("gsi1", pk="A#{id}", sk="A#{id}#{name}")(by_name)},
            r"def by_name\(self, id: …\) -> None, and after them fields of 'A#\{id\}#\{name\}' from the first on",
        ),
        (
            {"other": pattern("gsi1", pk="A#{id}", sk="A", sorted_by=str)(other)},
            "other has the one sort key 'A': nothing to sort by",
        ),
        (
            {"fields": {"at": datetime}, "other": pattern("gsi1", pk="A#{id}", sk="A#{at}", sorted_by=str)(other)},
            "other is sorted by at, which is no str.\nFix: sorted_by=datetime",
        ),
        ({"fields": {"v": str}, "v": version()}, r"v = version\(\) must be a field of type int"),
        ({"v": version()}, r"v = version\(\) must be a field of type int"),
        ({"fields": {"a": datetime, "b": datetime}, "a": updated(), "b": updated()}, r"both updated\(\)"),
        (
            {"fields": {"at": datetime}, "at": updated(), "by_id": key(pk="{id}", sk="{at}")(by_id_and_time)},
            "holds at, which each write changes",
        ),
        ({"base": Item}, "can't inherit from another.\nFix: derive both from a class Base\\(Entity, abstract=True\\)"),
        ({"config": {"abstract": True}}, "an abstract entity has fields and nothing else"),
        ({"config": {"frozen": False}}, "frozen can't be set"),
    ],
)
def test_a_mistake_in_the_class_is_found_when_it_is_made(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(EntityError, match=problem) as caught:
        one(**arguments)
    assert str(caught.value).startswith("Thing: ")


def test_an_updated_timestamp_may_sort_an_index() -> None:
    found = one(fields={"at": datetime}, at=updated(), recent=pattern("gsi1", pk="ALL", sk="{at}#{id}")(recent))
    assert found.recent().partition == "ALL"


def test_patterns_belong_in_an_entity() -> None:
    class Plain:
        by_id = key(pk="T#{id}", sk="T")(by_id)
        by_name = pattern("gsi1", pk="T#{id}", sk="T")(other)

    for name in ("by_id", "by_name"):
        with pytest.raises(EntityError, match="Plain is no Entity"):
            getattr(Plain, name)


def test_fields_are_camel_case_in_json_and_can_be_named() -> None:
    class Renamed(Entity):
        id: str
        made_at: datetime = created()
        kind: str = msgspec.field(name="type", default="x")

        @key(pk="R#{id}", sk="R")
        def by_id(self, id: str) -> None:
            """One."""

    assert msgspec.to_builtins(Renamed(id="1")).keys() == {"id", "madeAt", "type"}


class Stored(Entity, abstract=True):
    """What every entity of a backend has."""

    id: str = sortable_id()
    name: str = unique("{name:fold}")
    created_at: datetime = created()
    until: datetime | None = ttl()
    version: int = version()


class Dated(Stored, abstract=True):
    updated_at: datetime = updated()


class Cat(Dated):
    lives: int = 9

    @key(pk="CAT#{id}", sk="CAT")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="CATS", sk="{created_at}#{id}", sorted_by=datetime)
    def all(self) -> None: ...


class Dog(Stored):
    name: str = "Rex"

    @key(pk="DOG#{id}", sk="DOG")
    def by_id(self, id: str) -> None: ...


def test_entities_share_the_fields_of_an_abstract_one(table: TableClient) -> None:
    cat = table.create(Cat(name="Tom"))
    assert (cat.version, cat.created_at, cat.lives) == (1, cat.updated_at, 9)
    assert table.get(Cat.by_id(cat.id)) == cat
    assert table.query(Cat.all().since(cat.created_at)).items == [cat]
    assert table.update(Cat.by_id(cat.id), {"lives": Cat.lives - 1}, condition=Cat.version == 1).lives == 8
    with pytest.raises(NotUnique):
        table.create(Cat(name="TOM"))
    table.put(Cat(id=cat.id, name="Tom", until=datetime(2020, 1, 1, tzinfo=UTC)))
    assert table.get(Cat.by_id(cat.id)) is None
    assert msgspec.json.decode(msgspec.json.encode(cat)).keys() == {
        *("id", "name", "createdAt", "updatedAt", "until", "version", "lives")
    }


def test_what_is_declared_again_is_the_entitys_own(table: TableClient) -> None:
    assert [table.create(Dog()).name for _ in range(2)] == ["Rex", "Rex"]
    assert Dog.__uniques__ == ()


class Renamed(Entity, name="Customer"):
    """A class with a new name, whose items keep the one that they are stored under."""

    id: str
    email: str = unique()

    @key(pk="CUSTOMER#{id}", sk="CUSTOMER")
    def by_id(self, id: str) -> None: ...

    @pattern(pk="CUSTOMER#{id}", sk="CUSTOMER")
    def beside(self, id: str) -> None: ...


def test_a_class_can_be_renamed_without_its_items(table: TableClient) -> None:
    row = {"pk": "CUSTOMER#1", "sk": "CUSTOMER", "entity": "Customer", "id": "1", "email": "a"}
    table.core.put_item(table.name, row)
    assert table.get(Renamed.by_id("1")) == Renamed(id="1", email="a")
    assert (
        table.query(Renamed.beside("1")).items == list(table.each(Renamed.beside("1"))) == [Renamed(id="1", email="a")]
    )
    table.update(Renamed.by_id("1"), {"email": "b"}, condition=Renamed.email == "a")
    table.create(Renamed(id="2", email="c"))
    assert {row["entity"] for row in rows_of(table)} == {"Customer", "UNIQUE"}
    assert {row["pk"] for row in rows_of(table) if row["sk"] == "UNIQUE"} == {
        "UNIQUE#Customer#email#b",
        "UNIQUE#Customer#email#c",
    }
    assert table.delete(Renamed.by_id("1")) == Renamed(id="1", email="b")
    table.core.put_item(table.name, row | {"entity": "Renamed"})
    with pytest.raises(StoredItemInvalid, match="not a Customer"):
        table.get(Renamed.by_id("1"))


@pytest.mark.parametrize(
    ("name", "problem"), [("UNIQUE", "library keeps"), ("", "not a valid name"), (5, "not a valid")]
)
def test_a_stored_name_must_be_one_that_can_be_stored(name: Any, problem: str) -> None:
    with pytest.raises(EntityError, match=problem):

        class Bad(Entity, name=name):
            id: str

            @key(pk="BAD#{id}", sk="BAD")
            def by_id(self, id: str) -> None: ...

    with pytest.raises(EntityError, match="an abstract entity has fields and nothing else"):

        class Base(Entity, abstract=True, name="Base"):
            id: str
