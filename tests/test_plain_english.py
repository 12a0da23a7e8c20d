"""Errors, help, docstrings and docs are plain English: they use none of the idioms listed in CONTRIBUTING."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

NOT_SWEPT_YET = (
    "src/taxiway/aws/template/",
    "src/taxiway/data/",
)
"""How the paths begin that still have idioms. Nothing is added here; an entry without a hit has to go."""


def _idioms() -> list[str]:
    """The first column of the table in CONTRIBUTING.md, one for each variant."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Plain English")[2]
    rows = re.findall(r"^\| (.+?) \| .+ \|$", section, re.MULTILINE)[2:]
    return [idiom for row in rows for idiom in row.split(" / ")]


def _expression(idiom: str) -> str:
    """Its first letter may be a capital; the others count, for `is None` is code."""
    idiom = idiom[0].lower() + idiom[1:]
    words = re.escape(idiom.removesuffix(".")).replace("…", r"[\w'`-]+").replace(r"\ ", r"\s+")
    words = f"[{idiom[0]}{idiom[0].upper()}]{words[1:]}"
    return words + (r"(?=\s*(?:[.,;:)]|$))" if idiom.endswith(".") else "")


IDIOMS = _idioms()
PLAIN = (
    r"[Tt]here\s+(?:is|are)\s+(?:no|none)",
    r"(?:is|are)\s+no\s+(?:longer|more|less|fewer|other|better|different|such)",
    r"(?:is|are)\s+said\s+to",
)
"""What looks like an idiom of the list and is not: "there is no item", "is no longer there"."""
SEARCH = re.compile(
    rf"(?<![\w-])(?:(?P<plain>{'|'.join(PLAIN)})|(?P<idiom>{'|'.join(map(_expression, IDIOMS))}))(?![\w-])"
)


def found_in(text: str, first_line: int = 1) -> list[str]:
    """Each idiom in `text`, with its line and the words around it."""
    found: list[str] = []
    for match in SEARCH.finditer(text):
        if match["idiom"] is not None:
            line = first_line + text.count("\n", 0, match.start())
            found.append(f"line {line}: {text[max(0, match.start() - 40) : match.end() + 40]!r}")
    return found


def _found_in_file(path: str) -> list[str]:
    """What is found in all of a page, or in every string of a module."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if not path.endswith(".py"):
        return found_in(text)
    strings = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    return [found for node in strings if isinstance(node.value, str) for found in found_in(node.value, node.lineno)]


def _paths() -> Iterator[str]:
    yield from ("CHANGELOG.md", "README.md")
    for folder in ("docs", "src/taxiway", "template", "template-bare"):
        for path in sorted((ROOT / folder).rglob("*")):
            kept_by_tools = {".taxiway", ".venv"} & {*path.parts[len(ROOT.parts) :]}
            if path.suffix in {".md", ".py"} and path.parent.name != "decisions" and not kept_by_tools:
                yield str(path.relative_to(ROOT))


PATHS = [*_paths()]


@pytest.mark.parametrize("path", [path for path in PATHS if not path.startswith(NOT_SWEPT_YET)])
def test_it_is_written_in_plain_english(path: str) -> None:
    assert not _found_in_file(path)


@pytest.mark.parametrize("beginning", NOT_SWEPT_YET)
def test_what_is_not_swept_yet_still_has_idioms(beginning: str) -> None:
    """Else it is swept, and its entry in NOT_SWEPT_YET hides what is written next."""
    assert any(_found_in_file(path) for path in PATHS if path.startswith(beginning))


@pytest.mark.parametrize("idiom", IDIOMS)
def test_each_idiom_of_the_list_is_found(idiom: str) -> None:
    assert found_in(f"It {idiom.replace('…', 'thing')}")


@pytest.mark.parametrize(
    "text",
    [
        "There is no note 5; it is no longer here",
        "there are none, and the limit is no less than 5",
        "can't be used, and has not been read",
        "if note is None",
        "nothing often changes",
        "reads the index 'gsi1', which the table does not define",
    ],
)
def test_plain_words_are_not_found(text: str) -> None:
    assert not found_in(text)
