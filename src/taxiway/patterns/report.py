"""What the linter found, as text for a terminal or as Markdown."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from taxiway.patterns.lint import Finding

_WIDTH = 110


def text(findings: Sequence[Finding], root: Path) -> str:
    """The warnings, then the acknowledged ones with their reasons; places under `root` are written from there."""
    open_, settled = _divided(findings)
    paragraphs = [
        f"{_place(finding, root)}: {finding.subject} [{finding.rule}]\n"
        f"{_indented(finding.problem)}\n{_indented(f'Fix: {finding.fix}.')}\n"
        for finding in open_
    ]
    lines = [f"{_place(finding, root)}: {finding.subject} [{finding.rule}]: {_reason(finding)}" for finding in settled]
    return "\n".join([*paragraphs, *lines, _count(open_, settled)])


def markdown(findings: Sequence[Finding], root: Path) -> str:
    """The same as a list."""
    open_, settled = _divided(findings)
    lines = [
        f"- **{finding.subject}** `{finding.rule}` ({_place(finding, root)}): {finding.problem} *Fix: {finding.fix}.*"
        for finding in open_
    ]
    lines += [
        f"- {finding.subject} `{finding.rule}` ({_place(finding, root)}): {_reason(finding)}" for finding in settled
    ]
    return "\n".join([*lines, "", _count(open_, settled)] if lines else [_count(open_, settled)])


def _divided(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    return (
        [finding for finding in findings if finding.acknowledged is None],
        [finding for finding in findings if finding.acknowledged is not None],
    )


def _place(finding: Finding, root: Path) -> str:
    return finding.where.removeprefix(f"{root}/")


def _reason(finding: Finding) -> str:
    return f"acknowledged: {finding.acknowledged}"


def _count(open_: Sequence[Finding], settled: Sequence[Finding]) -> str:
    many = f"{len(open_)} warning{'' if len(open_) == 1 else 's'}" if open_ else "No warnings"
    return f"{many}{f', {len(settled)} acknowledged' if settled else ''}."


def _indented(paragraph: str) -> str:
    return fill(
        paragraph, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
