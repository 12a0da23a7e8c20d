"""docs/concepts/structure.md tells the truth: it has every room, and each imports what the page says and no more."""

import re
from pathlib import Path

import pytest
from tests.test_imports import MODULES, PACKAGE, imports_of

PAGE = Path(__file__).parents[1] / "docs" / "concepts" / "structure.md"
TEXT = PAGE.read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `([\w/]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)

SAID = {room: None if may == "anything" else set(re.findall(r"`(\w+)`", may)) for room, may in _ROW.findall(TEXT)}
"""What each room may import by the page's tables; None stands for anything."""


def rooms_below(folder: Path) -> set[str]:
    """The rooms that source directly in a folder makes up."""
    entries = {path.relative_to(folder).parts[0] for path in folder.rglob("*.py")}
    return {entry.removesuffix(".py") for entry in entries} - {"__init__", "__main__"}


def imported_by(room: str) -> set[str]:
    """What the modules of a room import of its neighbours, by their names."""
    above = PACKAGE / Path(room).parent
    prefix = ".".join(("taxiway", *above.relative_to(PACKAGE).parts, ""))
    neighbours = rooms_below(above)
    found: set[str] = set()
    for module in MODULES:
        if module.is_relative_to(PACKAGE / room) or module == PACKAGE / f"{room}.py":
            names = (name.removeprefix(prefix) for name in imports_of(module) if name.startswith(prefix))
            found |= {name.partition(".")[0] for name in names} & neighbours
    return found - {Path(room).name}


def test_the_page_has_every_room_and_no_other() -> None:
    assert {room for room in SAID if "/" not in room} == rooms_below(PACKAGE)


def test_the_page_has_every_folder_of_aws() -> None:
    folders = {f"aws/{path.name}" for path in (PACKAGE / "aws").iterdir() if (path / "__init__.py").exists()}
    assert {room for room in SAID if "/" in room} == folders


@pytest.mark.parametrize("room", sorted(room for room, may in SAID.items() if may is not None))
def test_a_room_imports_exactly_what_the_page_says(room: str) -> None:
    said = SAID[room]
    imported = imported_by(room)
    if "/" in room:  # beside the four folders, `aws` has a few files that all of them may import
        imported &= {Path(other).name for other in SAID if "/" in other}
    assert imported == said
