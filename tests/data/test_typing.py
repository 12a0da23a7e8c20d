"""Entities read well in an editor: pyright and mypy find the types and the mistakes that examples name."""

import json
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).with_name("typing_example.py")
ENTITIES = Path(__file__).parents[2] / "docs" / "reference" / "data" / "entity.md"

USES = """
from typing import assert_type

assert_type(Item(name="Pen", category="office").stock, int)
assert_type(table.get(Item.by_id("pen")), Item | None)
assert_type(table.get(Customer.by_email("ann@example.com")), Customer | None)
assert_type(table.query(Item.by_category("office")).items, list[Item])
Item(name="Pen")  # expect: call-arg
Item("Pen", "office")  # expect: call-arg
Item(name="Pen", category=5)  # expect: arg-type
table.get(Item.by_id(5))  # expect: arg-type


class Stored(Entity, abstract=True):
    id: str = sortable_id()


class Shelf(Stored, name="Rack"):
    room: str

    @key(pk="SHELF#{id}", sk="SHELF")
    def by_id(self, id: str) -> None:
        "One shelf."


assert_type(table.create(Shelf(room="attic")), Shelf)
"""


def expected(text: str) -> set[tuple[int, str]]:
    """The line (from 0) and the rule of each mistake that a text names."""
    return {
        (line, match[1])
        for line, content in enumerate(text.splitlines())
        if (match := re.search(r"# expect: ([\w-]+)", content))
    }


def test_a_checker_sees_what_a_pattern_takes_and_gives() -> None:
    output = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", str(EXAMPLE)], capture_output=True, text=True, check=False
    ).stdout
    found = {(each["range"]["start"]["line"], each["rule"]) for each in json.loads(output)["generalDiagnostics"]}
    assert found == expected(EXAMPLE.read_text())


def test_mypy_accepts_the_entities_of_the_docs_and_knows_their_types(tmp_path: Path) -> None:
    shop = re.search(r"<!-- file: shop.py -->\n```python\n(.*?)```", ENTITIES.read_text(), re.DOTALL)
    assert shop
    file = tmp_path / "shop.py"
    file.write_text(shop[1] + USES)
    output = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", str(tmp_path), str(file)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = {(int(line) - 1, rule) for line, rule in re.findall(r"shop.py:(\d+): error: .*\[([\w-]+)\]", output)}
    assert found == expected(file.read_text()), output
