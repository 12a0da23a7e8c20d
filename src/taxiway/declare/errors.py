"""The error that every part of Taxiway raises for a person to read, and how a declaration raises it."""

from typing import ClassVar, NoReturn

from taxiway.declare._source import caller


class TaxiwayError(Exception):
    """What a command fails with, where no traceback is needed.

    `problem` says what is wrong, `where` (a `file:line` or a file; empty where there is no such place) and `fix` what
    to type or to change. Each kind of error is a subclass with a `code` of its own, which stays the same over releases.
    """

    code: ClassVar[str]

    def __init__(self, problem: str, *, fix: str, where: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        return "\n".join([self.problem, *([f"Where: {self.where}"] if self.where else []), f"Fix: {self.fix}"])

    def fields(self) -> dict[str, str]:
        """The error as JSON has it: with `--json`, and from one process of Taxiway to another."""
        return {"code": self.code, "problem": self.problem, "where": self.where, "fix": self.fix}


class DeclarationError(TaxiwayError):
    """A mistake in the declaration, found when it is read and before anything starts.

    `where` is the `file:line` of the declaration or the name of the stage file.
    """

    code = "invalid-declaration"


def refuse(problem: str, *, fix: str, where: str | None = None) -> NoReturn:
    """Raise DeclarationError. `where` defaults to the line of the user's file that declares it."""
    raise DeclarationError(problem, fix=fix, where=caller() if where is None else where)
