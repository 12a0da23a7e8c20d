"""How a command prints its result and its error: as text, or as JSON with `--json`."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping

from taxiway.declare.errors import TaxiwayError


def print_json(value: object) -> None:
    """Print a result of Structs, dataclasses, paths and plain values on standard output, as one JSON document."""
    from msgspec import to_builtins

    print(json.dumps(to_builtins(value, enc_hook=str), indent=2))


def print_error(error: TaxiwayError, *, as_json: bool) -> None:
    """Print an error on standard error: as text, or as one line of JSON with its code, problem, where and fix."""
    print(json.dumps(error.fields()) if as_json else f"\n{error}\n", file=sys.stderr)


def progress_printer(options: argparse.Namespace) -> Callable[[str], None]:
    """What prints a command's progress: with `--json` to standard error, since standard output is the result's."""
    return _print_to_stderr if options.json else print


def aligned(values: Mapping[str, str]) -> list[str]:
    """A line for each name and its value, in columns."""
    width = max(map(len, values), default=0)
    return [f"  {name.ljust(width)}  {value}" for name, value in sorted(values.items())]


def _print_to_stderr(line: str) -> None:
    print(line, file=sys.stderr)
