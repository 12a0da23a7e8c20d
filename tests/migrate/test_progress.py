"""Progress: a bar where somebody looks at it, plain lines where a file keeps them."""

from io import StringIO

import pytest

from taxiway.migrate import Counts, Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_that_makes_way_for_lines() -> None:
    screen = Terminal()
    progress = Progress(screen, total=200)
    progress.show(Counts(seen=50, written=20))
    assert screen.getvalue().startswith("\r\x1b[K███████░░░░░░░░░░░░░░░░░░░░░░░  25%  50 items, 20 rewritten, ")
    progress.line("Something is wrong.")
    assert screen.getvalue().endswith("\r\x1b[KSomething is wrong.\n")


def test_a_file_gets_a_line_now_and_then_and_no_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    file = StringIO()
    progress = Progress(file)
    progress.show(Counts(seen=50))
    assert file.getvalue() == ""
    monkeypatch.setattr("taxiway.migrate.progress.BETWEEN_LINES", 0.0)
    progress.show(Counts(seen=60, written=5))
    progress.close()
    assert file.getvalue().startswith("60 items, 5 rewritten, ")
    assert file.getvalue().endswith(" items/s\n")
