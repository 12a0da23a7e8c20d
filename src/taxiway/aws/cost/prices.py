"""What AWS asks for, in US dollars without tax: on-demand list prices, by region, as its price list publishes them.

The list of a service and a region: https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/SERVICE/current/REGION/index.json
"""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from taxiway.aws.packaging.dependencies import Architecture

Tiers: TypeAlias = tuple[tuple[float, float], ...]
"""From which quantity in a month, and the price of one unit from there on."""

_TB = 1024  # GB


class Prices(Struct, frozen=True, kw_only=True):
    """The prices of one region."""

    region: str
    date: str
    """The day as of which they are."""

    # AmazonApiGateway: ApiGatewayHttpRequest. A request of over 512 KB counts as several.
    api_requests: Tiers
    # AWSLambda: Request, Lambda-GB-Second, Lambda-Provisioned-Concurrency, Lambda-Provisioned-GB-Second, and each -ARM.
    function_requests: float
    function_gb_seconds: Mapping[Architecture, Tiers]
    provisioned_gb_seconds: Mapping[Architecture, float]
    """For keeping environments ready."""
    provisioned_running_gb_seconds: Mapping[Architecture, float]
    """For what runs in them."""
    # AmazonDynamoDB: ReadRequestUnits, WriteRequestUnits, ReadCapacityUnit-Hrs, WriteCapacityUnit-Hrs,
    # TimedStorage-ByteHrs, TimedPITRStorage-ByteHrs.
    table_reads: float
    table_writes: float
    table_read_hours: float
    table_write_hours: float
    table_storage: float
    """A GB for a month, as are the next and those of logs."""
    table_backup: float
    # AmazonCloudWatch: DataProcessing-Bytes, TimedStorage-ByteHrs. Over 10 TB a month Lambda's logs cost less.
    logs_ingested: float
    logs_stored: float
    # AmazonCloudWatch: CW:AlarmMonitorUsage, CW:MetricMonitorUsage (the first 10,000), DashboardsUsageHour, by month.
    alarm_metrics: float
    """For each metric that an alarm looks at."""
    metrics: float
    """For each that AWS doesn't measure by itself."""
    dashboards: float
    # AmazonVPC: VpcEndpoint-Hours, of an interface endpoint in one zone.
    endpoint_hours: float
    # https://aws.amazon.com/kms/pricing/: a key for a month, and a request to a symmetric one; the same everywhere.
    keys: float
    key_calls: float
    # AWSSecretsManager: AWSSecretsManager-Secrets, AWSSecretsManager-APIRequests.
    secrets: float
    secret_calls: float
    # AWSDataTransfer: DataTransfer-Out-Bytes, a GB.
    data_out: Tiers
    # AmazonCloudFront: Requests-Tier2-HTTPS, and DataTransfer-Out-Bytes, a GB, of the edges nearest to the region.
    cdn_requests: float
    cdn_data_out: Tiers
    # AWSXRay: a trace that is recorded.
    traces: float
    # awswaf: a web ACL and a rule for a month, and a request.
    firewalls: float
    firewall_rules: float
    firewall_requests: float

    @property
    def sources(self) -> tuple[str, ...]:
        """The lists that the prices are in."""
        services = ("AmazonApiGateway", "AWSLambda", "AmazonDynamoDB", "AmazonCloudWatch", "AWSSecretsManager")
        base = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"
        lists = (*services, "AmazonVPC", "AWSDataTransfer")
        pages = ("cloudfront", "kms", "waf", "xray")
        return (
            *(f"{base}/{name}/current/{self.region}/index.json" for name in lists),
            *(f"https://aws.amazon.com/{name}/pricing/" for name in pages),
        )


class Allowance(Struct, frozen=True, kw_only=True):
    """What an account has free each month, for ever; all its backends share it.

    https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/dynamodb/pricing/on-demand/,
    https://aws.amazon.com/cloudwatch/pricing/, https://aws.amazon.com/xray/pricing/, https://aws.amazon.com/kms/pricing/,
    https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer, https://aws.amazon.com/cloudfront/pricing/,
    https://aws.amazon.com/dynamodb/pricing/provisioned/
    """

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
FREE_TIER = Allowance(
    function_requests=1_000_000,
    gb_seconds=400_000,
    table_storage=25,
    table_capacity=25,
    cdn_requests=10_000_000,
    cdn_data_out=1024,
    logs_ingested=5,
    alarm_metrics=10,
    metrics=10,
    dashboards=3,
    key_calls=20_000,
    data_out=100,
    traces=100_000,
)

_US_EAST_1 = Prices(
    region="us-east-1",
    date="2026-09-20",
    api_requests=((0, 1.00e-6), (300e6, 0.90e-6)),
    function_requests=0.20e-6,
    function_gb_seconds={
        "arm64": ((0, 0.0000133334), (7.5e9, 0.0000120001), (18.75e9, 0.0000106667)),
        "x86_64": ((0, 0.0000166667), (6e9, 0.0000150000), (15e9, 0.0000133334)),
    },
    provisioned_gb_seconds={"arm64": 0.0000033334, "x86_64": 0.0000041667},
    provisioned_running_gb_seconds={"arm64": 0.0000077778, "x86_64": 0.0000097222},
    table_reads=0.125e-6,
    table_writes=0.625e-6,
    table_read_hours=0.00013,
    table_write_hours=0.00065,
    table_storage=0.25,
    table_backup=0.20,
    logs_ingested=0.50,
    logs_stored=0.03,
    alarm_metrics=0.10,
    metrics=0.30,
    dashboards=3.00,
    endpoint_hours=0.01,
    keys=1.00,
    key_calls=3e-6,
    secrets=0.40,
    secret_calls=5e-6,
    data_out=((0, 0.09), (10 * _TB, 0.085), (50 * _TB, 0.07), (150 * _TB, 0.05)),
    cdn_requests=1.00e-6,
    cdn_data_out=((0, 0.085), (10 * _TB, 0.080), (50 * _TB, 0.060), (150 * _TB, 0.040), (500 * _TB, 0.030)),
    traces=5e-6,
    firewalls=5.00,
    firewall_rules=1.00,
    firewall_requests=0.60e-6,
)

# Those that are as in us-east-1 are so in the list too; of provisioned concurrency that is taken to be so.
_EU_WEST_1 = replace(
    _US_EAST_1,
    region="eu-west-1",
    date="2026-10-04",
    api_requests=((0, 1.11e-6), (300e6, 1.00e-6)),
    table_reads=0.1415e-6,
    table_writes=0.705e-6,
    table_read_hours=0.000147,
    table_write_hours=0.000735,
    table_storage=0.283,
    table_backup=0.22,
    logs_ingested=0.57,
    endpoint_hours=0.011,
    cdn_requests=1.20e-6,
)

REGIONS: Mapping[str, Prices] = {prices.region: prices for prices in (_US_EAST_1, _EU_WEST_1)}


_NEAREST = {
    **dict.fromkeys(("ap", "ca", "mx", "sa", "us"), _US_EAST_1),
    **dict.fromkeys(("af", "eu", "il", "me"), _EU_WEST_1),
}
"""By the first part of a region's name."""


def prices_of(region: str) -> Prices:
    """The prices of a region, or of the nearest region whose prices are known.

    Raises LookupError for China and the partitions of governments, whose price lists are not comparable.
    """
    place = "" if region.startswith(("us-gov-", "us-iso")) else region.partition("-")[0]
    found = REGIONS.get(region) or _NEAREST.get(place)
    if found is None:
        raise LookupError(f"The prices of {region} are unknown, and not comparable with those of other regions.")
    return found


def charge(tiers: Tiers, quantity: float, *, free: float = 0) -> float:
    """The price of a month's quantity, each part of it at the price of its tier, beyond what is free."""
    total = 0.0
    quantity = max(0.0, quantity - free)
    for (start, price), (end, _) in zip(tiers, [*tiers[1:], (float("inf"), 0)], strict=True):
        total += max(0.0, min(quantity, end) - start) * price
    return total
