"""Asks before data is lost."""

import sys

from taxiway.cli.errors import NotConfirmed


def confirm(question: str, otherwise: str) -> None:
    """Ask on the terminal. Raises NotConfirmed, which says what holds `otherwise`, unless the answer is yes."""
    if not _answers_yes(question):
        raise NotConfirmed(
            otherwise, fix="answer y" if sys.stdin.isatty() else "run it on a terminal and answer y, or pass --yes"
        )


def _answers_yes(question: str) -> bool:
    """Ctrl-C and Ctrl-D mean no, so that the change set is deleted."""
    if not sys.stdin.isatty():
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        print()
        return False
