"""The routes of a plan as rows of text: for the banner of `taxiway dev`, and for `taxiway routes`."""

from collections.abc import Sequence

from taxiway.local.manifest import Manifest


def rows(plan: Manifest) -> list[str]:
    """One row for each route, in columns: method, path, function, memory, timeout."""
    functions = {function.name: function for function in plan.functions}
    return columns(
        [
            (route.method, route.path, route.function, f"{function.memory} MB", f"{function.timeout} s")
            for route in plan.routes
            for function in (functions[route.function],)
        ]
    )


def columns(table: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equal length, each cell padded to its column; cells that start with a digit stand to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    ]
