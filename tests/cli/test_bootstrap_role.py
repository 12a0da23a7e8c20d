"""`taxiway bootstrap-role`: the template that it prints, and what it refuses."""

from pathlib import Path

GIVEN = "operations=Operations("


def declare(project: Path, bootstrap: str) -> None:
    """Let the project's backend name its bootstrap."""
    path = project / "backend.py"
    text = path.read_text()
    changed = text.replace("return Backend(", "return replace(Backend(", 1)
    assert changed != text
    start = changed.index("return replace(Backend(")
    end = changed.index("\n    )", start) + len("\n    )")
    operations = f", operations=__import__('taxiway').Operations(bootstrap={bootstrap!r}))"
    path.write_text("from dataclasses import replace\n" + changed[:end] + operations + changed[end:])
