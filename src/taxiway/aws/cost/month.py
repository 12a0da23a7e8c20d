"""What one month is billed by: a declaration, its prices, and one setting; and the lines that it is billed in."""

from msgspec import Struct

from taxiway.aws.cost.assumptions import Assumptions, Setting
from taxiway.aws.cost.prices import Allowance, Prices, Tiers, charge
from taxiway.aws.packaging.dependencies import Architecture
from taxiway.declare import Backend, Stage


class Month(Struct, frozen=True, kw_only=True):
    """A month of a stage under one setting."""

    backend: Backend
    stage: Stage
    prices: Prices
    free: Allowance
    assumptions: Assumptions
    architecture: Architecture
    setting: Setting

    @property
    def has_cdn(self) -> bool:
        declared = self.backend.cdn is not None
        return declared if self.setting.has_cdn is None else self.setting.has_cdn

    @property
    def is_table_provisioned(self) -> bool:
        table, chosen = self.backend.table, self.setting.is_table_provisioned
        return table is not None and (table.capacity is not None if chosen is None else chosen)


class Line(Struct, frozen=True):
    """One line of a bill."""

    resource: str
    what: str
    quantity: float
    unit: str
    usd: float


def tiered(resource: str, what: str, quantity: float, unit: str, tiers: Tiers, free: float = 0) -> Line:
    return Line(resource, what, quantity, unit, charge(tiers, quantity, free=free))
