"""AWS's on-demand list prices by region, in US dollars without tax, read from prices.json."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from taxiway.aws.packaging.dependencies import Architecture

Tiers: TypeAlias = tuple[tuple[float, float], ...]
"""From which quantity in a month, and the price of one unit from there on."""

HOURS = 730
"""In a month, as AWS counts."""
SECONDS = HOURS * 3600

_FILE = Path(__file__).with_name("prices.json")


class Source(Struct, frozen=True):
    """Where prices were read, and the day as of which they are."""

    url: str
    as_of: str


class Prices(Struct, frozen=True, kw_only=True):
    """The prices of one region."""

    region: str
    sources: tuple[Source, ...]

    api_requests: Tiers
    """ApiGatewayHttpRequest. A request of over 512 KB counts as several."""

    # Request, Lambda-GB-Second, Lambda-Provisioned-Concurrency, Lambda-Provisioned-GB-Second, and each -ARM.
    function_requests: float
    function_gb_seconds: Mapping[Architecture, Tiers]
    provisioned_gb_seconds: Mapping[Architecture, float]
    """For keeping environments ready."""
    provisioned_running_gb_seconds: Mapping[Architecture, float]
    """For what runs in them."""

    # ReadRequestUnits, WriteRequestUnits, ReadCapacityUnit-Hrs, WriteCapacityUnit-Hrs, TimedStorage-ByteHrs,
    # TimedPITRStorage-ByteHrs.
    table_reads: float
    table_writes: float
    table_read_hours: float
    table_write_hours: float
    table_storage: float
    """A GB for a month, as are the next and those of logs."""
    table_backup: float

    # DataProcessing-Bytes, TimedStorage-ByteHrs. Over 10 TB a month Lambda's logs cost less.
    logs_ingested: float
    logs_stored: float
    # CW:AlarmMonitorUsage, CW:MetricMonitorUsage (the first 10,000), DashboardsUsageHour, by month.
    alarm_metrics: float
    """For each metric that an alarm uses."""
    metrics: float
    """For each custom metric."""
    dashboards: float

    endpoint_hours: float
    """VpcEndpoint-Hours, of an interface endpoint in one zone."""
    keys: float
    key_calls: float
    """A request to a symmetric key; the same everywhere."""
    secrets: float
    secret_calls: float
    data_out: Tiers
    """DataTransfer-Out-Bytes, a GB."""

    # Requests-Tier2-HTTPS, and DataTransfer-Out-Bytes, a GB, of the edges nearest to the region.
    cdn_requests: float
    cdn_data_out: Tiers

    traces: float
    """A trace that is recorded."""
    firewalls: float
    firewall_rules: float
    firewall_requests: float

    @property
    def oldest(self) -> str:
        """The day as of which the oldest of the prices is."""
        return min(source.as_of for source in self.sources)


class Allowance(Struct, frozen=True, kw_only=True):
    """What an account has free each month, for ever; all its backends share it."""

    function_requests: float = 0
    gb_seconds: float = 0
    table_storage: float = 0
    table_capacity: float = 0
    """Units of reading, and as many of writing."""
    cdn_requests: float = 0
    cdn_data_out: float = 0
    logs_ingested: float = 0
    alarm_metrics: float = 0
    metrics: float = 0
    dashboards: float = 0
    """Of up to 50 metrics each."""
    key_calls: float = 0
    data_out: float = 0
    traces: float = 0


NOTHING_FREE = Allowance()


class _PriceList(Struct, frozen=True, forbid_unknown_fields=True):
    """Prices that were read in one place on one day."""

    source: str
    as_of: str
    usd: Mapping[str, Any]


class _FreeList(Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    as_of: str
    free: Mapping[str, float]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    regions: Mapping[str, tuple[_PriceList, ...]]
    nearest: Mapping[str, str]
    """The nearest region with known prices, by the first part of a region's name."""
    free_tier: tuple[_FreeList, ...]


@cache
def _file() -> _File:
    return msgspec.json.decode(_FILE.read_bytes(), type=_File)


def known_regions() -> tuple[str, ...]:
    return tuple(_file().regions)


@cache
def prices_of(region: str) -> Prices:
    """The prices of a region, or of the nearest region whose prices are known.

    Raises LookupError for China and the partitions of governments, whose price lists are not comparable.
    """
    file = _file()
    place = "" if region.startswith(("us-gov-", "us-iso")) else region.partition("-")[0]
    known = region if region in file.regions else file.nearest.get(place)
    if known is None:
        raise LookupError(f"The prices of {region} are unknown, and not comparable with those of other regions.")
    lists = file.regions[known]
    prices = {name: price for each in lists for name, price in each.usd.items()}
    sources = [Source(each.source, each.as_of) for each in lists]
    return msgspec.convert({**prices, "region": known, "sources": sources}, Prices)


@cache
def free_tier() -> Allowance:
    """What https://aws.amazon.com/free/ calls always free, of the services that a backend uses."""
    free = {name: amount for each in _file().free_tier for name, amount in each.free.items()}
    return msgspec.convert(free, Allowance)


def charge(tiers: Tiers, quantity: float, *, free: float = 0) -> float:
    """The price of a month's quantity, each part of it at the price of its tier, beyond what is free."""
    total = 0.0
    quantity = max(0.0, quantity - free)
    for (start, price), (end, _) in zip(tiers, [*tiers[1:], (float("inf"), 0)], strict=True):
        total += max(0.0, min(quantity, end) - start) * price
    return total
