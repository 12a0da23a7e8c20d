"""What DynamoDB bills: reads and writes on demand or by capacity, storage, and backups."""

from collections.abc import Iterable, Iterator

from taxiway.aws.cost import table_units
from taxiway.aws.cost.month import Line, Month, tiered
from taxiway.aws.cost.prices import HOURS, SECONDS
from taxiway.aws.cost.table_units import Units
from taxiway.aws.cost.traffic import Load
from taxiway.declare import Table

_GB = 1024**3
_ITEM_OVERHEAD = 100
"""Bytes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""


def lines(month: Month, loads: Iterable[Load]) -> Iterator[Line]:
    table, prices = month.backend.table, month.prices
    if table is None:
        return
    loads = tuple(loads)
    reads = table_units.sum_of(load.reads for load in loads)
    writes = table_units.sum_of(load.writes for load in loads)
    if month.is_table_provisioned:
        yield from _capacity(month, table, reads, writes)
    else:
        yield Line("DynamoDB", "reads", reads.total, "units", reads.total * prices.table_reads)
        yield Line("DynamoDB", "writes", writes.total, "units", writes.total * prices.table_writes)
    copies = 1 + len(table.indexes)
    stored = month.assumptions.stored_items * (month.assumptions.item_size + _ITEM_OVERHEAD) / _GB
    storage = ((0, prices.table_storage),)
    yield tiered("DynamoDB", "storage", stored * copies, "GB", storage, month.free.table_storage)
    if month.backend.operations.is_protected(month.stage):
        yield Line("DynamoDB", "point-in-time recovery", stored, "GB", stored * prices.table_backup)


def _capacity(month: Month, table: Table, reads: Units, writes: Units) -> Iterator[Line]:
    """What auto-scaling keeps of the table and each of its indexes, by the hour."""
    declared, prices = table.capacity, month.prices
    utilization = declared.target / 100 if declared else month.assumptions.utilization
    for what, used, bounds, price in (
        ("read capacity", reads, declared.read if declared else table_units.BOUNDS, prices.table_read_hours),
        ("write capacity", writes, declared.write if declared else table_units.BOUNDS, prices.table_write_hours),
    ):
        units = used.provisioned(table, bounds, utilization=utilization, seconds=SECONDS)
        yield tiered("DynamoDB", what, units, "units", ((0, HOURS * price),), month.free.table_capacity)
