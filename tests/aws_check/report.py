"""The report of a check, as Markdown: what was done, how it ended, and the end of what each command printed."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

_LINES = 60
"""Of a command's output, in the report."""


class Step(Struct, frozen=True, kw_only=True):
    """One command of the check."""

    what: str
    command: str
    code: int
    seconds: float
    output: str

    @property
    def passed(self) -> bool:
        return self.code == 0


def markdown(
    steps: Sequence[Step], *, begun: datetime, version: str, commit: str, where: str, left_out: Sequence[str]
) -> str:
    """The report. It is not masked yet."""
    return "\n".join(_lines(steps, begun, version, commit, where, left_out)) + "\n"


def _lines(
    steps: Sequence[Step], begun: datetime, version: str, commit: str, where: str, left_out: Sequence[str]
) -> Iterator[str]:
    result = "passed" if all(step.passed for step in steps) else "failed"
    yield f"# The template on AWS: {result}"
    yield ""
    yield f"Taxiway {version}, commit {commit}, on {begun:%Y-%m-%d %H:%M} UTC, in {where}."
    yield ""
    yield "| step | result | seconds |"
    yield "| --- | --- | --- |"
    for step in steps:
        ended = "passed" if step.passed else f"failed with exit code {step.code}"
        yield f"| {step.what} | {ended} | {step.seconds:.0f} |"
    if left_out:
        yield ""
        yield "These tests were left out:"
        yield ""
        yield from (f"- `{name}`" for name in left_out)
    for step in steps:
        yield ""
        yield f"## {step.what}"
        yield ""
        yield "```text"
        yield f"$ {step.command}"
        yield from step.output.replace("```", "'''").splitlines()[-_LINES:]
        yield "```"
