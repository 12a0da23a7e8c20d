"""docs/reference/testing.md has every public name, and every fixture."""

import re
from pathlib import Path

from taxiway import pytest_plugin, testing

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "testing.md").read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_every_public_name_is_explained() -> None:
    assert [name for name in testing.__all__ if not re.search(rf"`{name}\b", PROSE)] == []


def test_every_fixture_is_explained() -> None:
    source = Path(pytest_plugin.__file__).read_text(encoding="utf-8")
    fixtures = set(re.findall(r"^@pytest\.fixture.*\ndef (\w+)", source, re.MULTILINE))
    assert {"api", "table", "taxiway_project"} <= fixtures
    assert [name for name in fixtures - {"taxiway_table"} if f"`{name}`" not in PROSE] == []
