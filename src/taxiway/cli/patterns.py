"""`taxiway patterns`: shows the access patterns and their costs, and checks the keys."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from taxiway.cli.argument_types import at_least_one
from taxiway.cli.declaration import read_locally
from taxiway.cli.flags import JSON_HELP, add_stage
from taxiway.cli.printing import print_json
from taxiway.declare import Backend
from taxiway.patterns import lint, matrix, report
from taxiway.patterns.matrix import Row


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    form.add_argument("--json", action="store_true", help=JSON_HELP)
    parser.add_argument(
        "--item-size", type=at_least_one, default=1024, metavar="BYTES", help="size of an item (default: 1024)"
    )
    parser.add_argument(
        "--page", type=at_least_one, default=20, metavar="ITEMS", help="items that a query finds (default: 20)"
    )
    parser.add_argument(
        "--check", action="store_true", help="show the warnings only, and exit with 1 where there is one"
    )


def run(options: Namespace) -> int:
    backend, _ = read_locally(options)
    findings = lint(backend)
    if options.json:
        shown = {} if options.check else {"patterns": _patterns(options, backend)}
        print_json({**shown, "warnings": findings})
    else:
        if not options.check:
            table = matrix(backend, item_size=options.item_size, page=options.page)
            print(f"{table.markdown() if options.markdown else table.text()}\n")
        print((report.markdown if options.markdown else report.text)(findings, Path.cwd()))
    return int(options.check and any(finding.acknowledged is None for finding in findings))


def _patterns(options: Namespace, backend: Backend) -> list[dict[str, object]]:
    return [_fields(row) for row in matrix(backend, item_size=options.item_size, page=options.page).rows]


def _fields(row: Row) -> dict[str, object]:
    """A row for JSON: `reads` and `writes` are the least and the most request units of one call."""
    return {
        "pattern": str(row.pattern),
        "description": row.pattern.description,
        "verb": row.verb,
        "index": row.pattern.index,
        "condition": row.condition,
        "order": row.order,
        "reads": row.reads,
        "writes": row.writes,
        "users": row.users,
        "where": row.pattern.source,
    }
