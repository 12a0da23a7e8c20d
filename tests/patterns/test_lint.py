"""The key linter: for each warning the smallest declaration that earns it, and one beside it that doesn't."""

from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from taxiway import Backend, Function, HttpApi, Index, Table, allow
from taxiway.data import Entity, created, key, lookup, pattern, sortable_id, unique, updated, version
from taxiway.patterns import Finding, lint

HERE = Path(__file__)


def handle(event: Any, context: Any) -> None: ...


def linted(*uses: Any, indexes: tuple[str, ...] = ("gsi1",)) -> list[Finding]:
    api, function = HttpApi(), Function(name="all", uses=uses)
    api.get("/", handle, function=function)
    return list(lint(Backend("shop", api=api, table=Table(indexes=[Index(name) for name in indexes]))))


def warned(*uses: Any, indexes: tuple[str, ...] = ("gsi1",)) -> list[tuple[str, str]]:
    """The rule and the subject of each warning that isn't acknowledged."""
    return [
        (finding.rule, finding.subject) for finding in linted(*uses, indexes=indexes) if finding.acknowledged is None
    ]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Item(Entity):
    """One with nothing to say against it."""

    id: str = sortable_id()
    owner_id: str
    note: str = ""
    created_at: datetime = created()

    @key(pk="ITEM#{id}", sk="ITEM")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="ITEM#ID#{id}", sk="{created_at}")
    def by_time(self, id: str) -> None: ...


CLEAN = (allow.put(Item), allow.get(Item), allow.update(Item), allow.delete(Item), allow.query(Item.by_time))


def test_a_declaration_with_nothing_to_say_against_it_has_no_warnings() -> None:
    assert linted(*CLEAN) == []


# mutable-key


class Ranked(Entity):
    id: str = sortable_id()
    team: str
    rank: int = 0
    created_at: datetime = created()
    updated_at: datetime = updated()
    version: int = version()

    @key(pk="RANKED#{id}", sk="RANKED")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="RANKED#ID#{id}", sk="{rank:04}#{created_at}")
    def by_rank(self, id: str) -> None: ...

    @pattern("gsi2", pk="RANKED#ID#{id}", sk="{updated_at}")
    def by_change(self, id: str) -> None: ...


RANKED = (allow.put(Ranked), allow.get(Ranked), allow.query(Ranked.by_rank), allow.query(Ranked.by_change))


def test_a_field_of_an_index_key_that_an_update_may_change_is_warned_of() -> None:
    findings = linted(*RANKED, allow.update(Ranked), indexes=("gsi1", "gsi2"))
    assert [(finding.rule, finding.subject) for finding in findings] == [
        ("mutable-key", "Ranked.by_rank"),
        ("mutable-key", "Ranked.by_change"),
    ]
    assert "contains rank, which an update may change (granted to all)" in findings[0].problem
    assert "contains updated_at, which each write sets" in findings[1].problem
    assert "two writes instead of one" in findings[0].problem


def test_where_no_function_may_update_no_key_is_mutable() -> None:
    assert warned(*RANKED, indexes=("gsi1", "gsi2")) == []
    assert warned(*RANKED, allow.write_many(Ranked), indexes=("gsi1", "gsi2")) == []


# colliding-keys


class Shelf(Entity):
    name: str

    @key(pk="SHELF#{name}", sk="SHELF")
    def by_name(self, name: str) -> None: ...


class TopShelf(Entity):
    level: int

    @key(pk="SHELF#{level:04}", sk="SHELF")
    def by_level(self, level: int) -> None: ...


class ShelfLabel(Entity):
    name: str

    @key(pk="SHELF#{name}", sk="LABEL")
    def by_name(self, name: str) -> None: ...


def test_two_entities_whose_keys_can_be_equal_are_warned_of_once() -> None:
    (finding,) = linted(allow.put(Shelf), allow.get(Shelf), allow.put(TopShelf), allow.get(TopShelf), indexes=())
    assert (finding.rule, finding.subject) == ("colliding-keys", "Shelf.by_name")
    assert "can be the key of a TopShelf: SHELF#{level:04} and SHELF (TopShelf.by_level)" in finding.problem


def test_two_entities_in_one_partition_under_sort_keys_of_their_own_are_what_a_single_table_is_for() -> None:
    assert warned(allow.put(Shelf), allow.get(Shelf), allow.put(ShelfLabel), allow.get(ShelfLabel), indexes=()) == []


# overlapping-partitions


class Folder(Entity):
    id: str = sortable_id()
    owner_id: str
    name: str

    @key(pk="FOLDER#{id}", sk="FOLDER")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="{owner_id}#{id}", sk="{name}")
    def by_owner(self, owner_id: str, id: str) -> None: ...

    @pattern("gsi2", pk="OWNER#{owner_id}", sk="FOLDER#{id}")
    def of_owner(self, owner_id: str) -> None: ...


class File(Entity):
    id: str = sortable_id()
    owner_id: str

    @key(pk="FILE#{id}", sk="FILE")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="OWNER#{owner_id}", sk="FILE#{id}")
    def by_owner(self, owner_id: str) -> None: ...

    @pattern("gsi2", pk="OWNER#{owner_id}", sk="FILE#{id}")
    def of_owner(self, owner_id: str) -> None: ...


def test_a_query_that_can_find_another_entitys_items_is_warned_of() -> None:
    findings = linted(
        allow.put(Folder),
        allow.query(Folder.by_owner),
        allow.query(Folder.of_owner),
        allow.put(File),
        allow.query(File.by_owner),
        allow.query(File.of_owner),
        indexes=("gsi1", "gsi2"),
    )
    assert [(finding.rule, finding.subject) for finding in findings] == [("overlapping-partitions", "Folder.by_owner")]
    assert "drops each File" in findings[0].problem


# unbounded-partition


class Post(Entity):
    id: str = sortable_id()
    category: str = ""
    colour: Colour = Colour.RED
    year: int = 2026
    day: date = date(2026, 1, 1)
    author_id: str = ""
    number: UUID = UUID(int=0)

    @key(pk="POST#{id}", sk="POST")
    def by_id(self, id: str) -> None: ...

    @pattern("all", pk="POST", sk="{id}")
    def everything(self) -> None: ...

    @pattern("category", pk="POST#{category}", sk="{id}")
    def by_category(self, category: str) -> None: ...

    @pattern("colour", pk="POST#{colour}", sk="{id}")
    def by_colour(self, colour: Colour) -> None: ...

    @pattern("colour-year", pk="POST#{colour}#{year:02}", sk="{id}")
    def by_colour_and_year(self, colour: Colour, year: int) -> None: ...

    @pattern("year", pk="POST#{year:04}", sk="{id}")
    def by_year(self, year: int) -> None: ...

    @pattern("category-day", pk="POST#{category}#{day}", sk="{id}")
    def by_category_and_day(self, category: str, day: date) -> None: ...

    @pattern("author", pk="POST#{author_id}", sk="{id}")
    def by_author(self, author_id: str) -> None: ...

    @pattern("number", pk="POST#{number}", sk="{id}")
    def by_number(self, number: UUID) -> None: ...


class Setting(Entity):
    """A singleton: one item under one key."""

    value: str

    @key(pk="SETTING", sk="SETTING")
    def the_one(self) -> None: ...


class Event(Entity):
    id: str = sortable_id()

    @key(pk="EVENT", sk="{id}")
    def by_id(self, id: str) -> None: ...


class Label(Entity):
    category: str

    @key(pk="LABEL#{category}", sk="LABEL")
    def by_category(self, category: str) -> None: ...


def test_a_partition_key_of_few_values_is_warned_of() -> None:
    patterns = Post.__patterns__
    findings = linted(allow.put(Post), *map(allow.query, patterns), indexes=tuple(each.index for each in patterns))
    assert {(finding.rule, finding.subject) for finding in findings} == {
        ("unbounded-partition", "Post.everything"),
        ("unbounded-partition", "Post.by_category"),
        ("unbounded-partition", "Post.by_colour"),
        ("unbounded-partition", "Post.by_colour_and_year"),
    }
    problems = {finding.subject: finding.problem for finding in findings}
    assert "is the constant POST: every Post is in one partition of the index all" in problems["Post.everything"]
    assert "category is any text, and many items may have the same" in problems["Post.by_category"]
    assert "colour is one of 2 and year is one of 100" in problems["Post.by_colour_and_year"]


def test_a_table_whose_partition_key_is_constant_is_warned_of_and_a_singleton_is_not() -> None:
    assert warned(allow.put(Event), allow.put(Setting), indexes=()) == [("unbounded-partition", "Event.by_id")]


def test_a_text_that_is_the_whole_key_of_its_entity_has_many_values() -> None:
    assert warned(allow.put(Label), indexes=()) == []


# unused-pattern and unused-index


def test_a_pattern_that_no_function_may_query_is_warned_of() -> None:
    (finding,) = linted(allow.put(Item), allow.get(Item))
    assert (finding.rule, finding.subject) == ("unused-pattern", "Item.by_time")
    assert "Each write of an Item still pays for gsi1" in finding.problem
    assert "query(Item.by_time)" in finding.fix


class Member(Entity):
    id: str = sortable_id()
    shop: str
    handle: str = unique("{shop}#{handle}")

    @key(pk="MEMBER#{id}", sk="MEMBER")
    def by_id(self, id: str) -> None: ...

    @lookup("handle")
    def by_handle(self, shop: str, handle: str) -> None: ...

    @pattern("gsi1", pk="MEMBER#{shop}", sk="{handle}")
    def of_shop(self, shop: str) -> None: ...

    @pattern("gsi1", pk="MEMBER#{shop}", sk="{handle}")
    def found_late(self, shop: str, handle: str) -> None: ...


MEMBERS = (allow.put(Member), allow.query(Member.of_shop), allow.query(Member.found_late))


def test_a_look_up_that_no_function_may_get_is_warned_of() -> None:
    findings = [finding for finding in linted(*MEMBERS) if finding.rule == "unused-pattern"]
    assert [finding.subject for finding in findings] == ["Member.by_handle"]
    assert "uses=[allow.get(Member.by_handle)]" in findings[0].fix
    assert all(finding.rule != "unused-pattern" for finding in linted(*MEMBERS, allow.get(Member.by_handle)))


def test_a_unique_value_that_is_found_through_an_index_is_warned_of() -> None:
    findings = linted(*MEMBERS, allow.get(Member.by_handle))
    (finding,) = (each for each in findings if each.rule == "unique-by-index")
    assert finding.subject == "Member.found_late"
    assert "@lookup('handle')" in finding.fix


def test_an_index_that_no_pattern_is_on_is_warned_of() -> None:
    (finding,) = linted(*CLEAN, indexes=("gsi1", "gsi2"))
    assert (finding.rule, finding.subject) == ("unused-index", "gsi2")


# wide-projection


class Page(Entity):
    id: str = sortable_id()
    title: Annotated[str, Meta(max_length=200)]
    text: Annotated[str, Meta(max_length=100_000)]
    picture: bytes | None = None
    thumbnail: Annotated[bytes, Meta(max_length=1000)] = b""
    history: list[str] = []  # noqa: RUF012  an entity's mutable default is copied for each object

    @key(pk="PAGE#{id}", sk="PAGE")
    def by_id(self, id: str) -> None: ...

    @pattern("gsi1", pk="PAGE#ID#{id}", sk="{title}")
    def by_title(self, id: str) -> None: ...


def test_an_index_that_copies_what_may_be_large_is_warned_of() -> None:
    (finding,) = linted(allow.put(Page), allow.query(Page.by_title))
    assert (finding.rule, finding.subject) == ("wide-projection", "Page.by_title")
    assert "text and picture and history of a Page may be larger than 1,024 bytes" in finding.problem


# grant-on-nothing


def test_reading_what_no_function_puts_is_warned_of() -> None:
    (finding,) = linted(allow.get(Shelf), allow.delete(Shelf), indexes=())
    assert (finding.rule, finding.subject) == ("grant-on-nothing", "Shelf")
    assert "all may get or delete a Shelf, but no function may put one" in finding.problem


def test_checking_what_no_function_puts_is_warned_of() -> None:
    (finding,) = linted(allow.check(Shelf), indexes=())
    assert (finding.rule, finding.subject) == ("grant-on-nothing", "Shelf")
    assert "all may check a Shelf, but no function may put one" in finding.problem


def test_what_is_written_in_batches_is_there_to_be_found() -> None:
    assert warned(allow.get(Shelf), allow.check(Shelf), allow.write_many(Shelf), indexes=()) == []


def test_updating_what_has_nothing_that_can_change_is_warned_of() -> None:
    assert warned(allow.put(Shelf), allow.update(Shelf), indexes=()) == [("grant-on-nothing", "Shelf")]


# where, and acknowledgements


class Note(Entity):
    id: str = sortable_id()
    topic: str

    @key(pk="NOTE#{id}", sk="NOTE")
    def by_id(self, id: str) -> None: ...

    # Topics are written by hand.
    # taxiway: allow[unbounded-partition] a topic has at most a hundred notes
    @pattern("gsi1", pk="NOTE#{topic}", sk="{id}")
    def by_topic(self, topic: str) -> None: ...


class Memo(Entity):
    id: str = sortable_id()
    topic: str

    @key(pk="MEMO#{id}", sk="MEMO")
    def by_id(self, id: str) -> None: ...

    # taxiway: allow[unbounded-partition]
    # taxiway: allow[mutable-key] nobody changes a topic
    @pattern("gsi1", pk="MEMO#{topic}", sk="{id}")
    def by_topic(self, topic: str) -> None: ...


def test_a_warning_says_where_the_pattern_is_declared() -> None:
    lines = HERE.read_text().splitlines()
    (finding,) = linted(allow.put(Item), allow.get(Item))
    path, _, line = finding.where.rpartition(":")
    assert (path, lines[int(line) - 1].strip()) == (str(HERE), '@pattern("gsi1", pk="ITEM#ID#{id}", sk="{created_at}")')


def test_a_comment_with_a_reason_acknowledges_a_warning() -> None:
    (finding,) = linted(allow.put(Note), allow.get(Note), allow.query(Note.by_topic))
    assert (finding.rule, finding.acknowledged) == ("unbounded-partition", "a topic has at most a hundred notes")


def test_a_comment_without_a_reason_or_for_another_rule_does_not() -> None:
    assert warned(allow.put(Memo), allow.get(Memo), allow.query(Memo.by_topic)) == [
        ("unbounded-partition", "Memo.by_topic")
    ]


def test_a_grant_is_acknowledged_where_the_function_is_declared() -> None:
    api = HttpApi()
    # taxiway: allow[grant-on-nothing] shelves come from the warehouse's nightly import
    api.get("/", handle, uses=[allow.get(Shelf)])
    (finding,) = lint(Backend("shop", api=api, table=Table()))
    assert finding.acknowledged == "shelves come from the warehouse's nightly import"


def test_a_backend_without_a_table_has_no_warnings() -> None:
    assert lint(Backend("shop", api=HttpApi())) == ()
