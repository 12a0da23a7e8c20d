"""A bill as lines of text: by resource, then the effect of each change, all assumptions, and the sources."""

from collections.abc import Iterable, Iterator

from taxiway.aws.cost.bill import Bill
from taxiway.aws.cost.month import Line
from taxiway.aws.cost.quantities import written


def report(bill: Bill) -> list[str]:
    rows = list(_rows(bill.lines))
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    total = f"{bill.total:,.2f}"
    return [
        *(
            f"{a.ljust(widths[0])}  {b.ljust(widths[1])}  {c.rjust(widths[2])}  {d.rjust(widths[3])}"
            for a, b, c, d in rows
        ),
        "",
        f"{'USD a month, without tax'.ljust(sum(widths[:3]) + 4)}  {total.rjust(widths[3])}",
        "",
        "What would change it:",
        *(f"  {knob.usd:>+10,.2f}  {knob.what}" for knob in bill.knobs),
        "",
        "Assumed:",
        *(f"  {words}" for words in bill.assumptions.words()),
        *bill.notes,
        "",
        f"On-demand list prices of {bill.prices.region}, as of the days at which they were read:",
        *(f"  {source.as_of}  {source.url}" for source in bill.prices.sources),
    ]


def _rows(lines: Iterable[Line]) -> Iterator[tuple[str, str, str, str]]:
    """The columns of each line; a resource is named once."""
    shown = ""
    for line in lines:
        resource, shown = ("" if line.resource == shown else line.resource), line.resource
        yield resource, line.what, f"{written(line.quantity)} {line.unit}", f"{line.usd:,.2f}"
