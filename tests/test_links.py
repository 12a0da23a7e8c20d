"""Every reference in prose leads somewhere: links, pages that source names, modules that pages name, and the index."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
FOLDERS = ("benchmarks", "docs", "src", "template", "template-bare", "tests")


def files(*suffixes: str) -> list[Path]:
    """The repository's files of a kind; hidden directories and `node_modules` hold what was installed or generated."""
    found = [*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    return sorted(
        path
        for path in found
        if path.suffix in suffixes
        and not any(part.startswith(".") or part == "node_modules" for part in path.relative_to(ROOT).parts[:-1])
    )


def name(path: Path) -> str:
    return os.path.relpath(path, ROOT)


MARKDOWN = files(".md")
SOURCE = files(".py", ".toml", ".yml")
PAGES = sorted(DOCS.rglob("*.md"))

_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"""(?:\]\(|^\[[^\]^]+\]:\s+|\b(?:href|src)=")(?!\w+:)([^)#\s"]*)(?:#([^)\s"]+))?""", re.MULTILINE)
_PAGE_NAMED = re.compile(r"(?<![\w./-])docs/[\w./-]*\w")
_MODULE_NAMED = re.compile(r"`((?:\w+/)+\w+\.py)`")
_EXAMPLE_FILE = re.compile(r"^(?:<!-- file: (?=\S+ -->$)|  (?=\S+\.py$))(\S+)", re.MULTILINE)
"""A file that the page shows, or that a command on it writes and names."""


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Each relative link of a page, outside of its code: the target and the anchor, either of which may be empty."""
    yield from _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path) -> list[str]:
    dead: list[str] = []
    for target, anchor in links(page):
        file = page.parent / target if target else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(f"{target}#{anchor}" if anchor else target)
    return dead


def pages_linked_by(index: Path) -> set[Path]:
    """The Markdown files that an index lists, with those of the README.md files among them."""
    linked = {(index.parent / target).resolve() for target, _ in links(index) if target.endswith(".md")}
    return linked.union(*(pages_linked_by(page) for page in linked if page.name == "README.md" and page != index))


@pytest.mark.parametrize("page", MARKDOWN, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead_links(page) == []


@pytest.mark.parametrize(
    "wrong",
    ["[a](gone.md)", "[a](page.md#gone)", "[a](#gone)", "[a]: gone.md", '<img src="gone.png">', "![a](gone.png)"],
)
def test_a_dead_link_is_found(wrong: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n\n[good](page.md#here), [good](#here), `[code](gone.md)`, [good](https://example.com/x)\n")
    assert dead_links(page) == []
    page.write_text(f"# Here\n\n{wrong}\n")
    assert len(dead_links(page)) == 1


@pytest.mark.parametrize("page", [page for page in PAGES if page != INDEX], ids=name)
def test_every_page_is_in_the_index(page: Path) -> None:
    """Or in the README.md of a folder that the index links to."""
    assert page in pages_linked_by(INDEX), f"add {name(page)} to {name(INDEX)}, with a line that says what it answers"


def test_every_page_that_the_source_names_exists() -> None:
    """A decision may be named by its number alone: docs/decisions/0002."""
    named = [(name(file), page) for file in SOURCE for page in _PAGE_NAMED.findall(file.read_text(encoding="utf-8"))]
    assert len(named) > 10
    assert [where for where in named if not (ROOT / where[1]).exists() and not any(ROOT.glob(f"{where[1]}-*.md"))] == []


@pytest.mark.parametrize("page", [page for page in MARKDOWN if page.name != "structure.md"], ids=name)
def test_every_module_that_a_page_names_exists(page: Path) -> None:
    """From the root, from the package or in the template; structure.md also names modules as they once were."""
    text = page.read_text(encoding="utf-8")
    known = set(_EXAMPLE_FILE.findall(text))
    roots = (ROOT, ROOT / "src" / "taxiway", ROOT / "template")
    named = set(_MODULE_NAMED.findall(text)) - known
    assert [module for module in named if not any((root / module).exists() for root in roots)] == []
