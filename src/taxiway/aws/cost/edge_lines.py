"""What is billed between clients and functions: API Gateway, CloudFront, a firewall, and data transfer."""

from collections.abc import Iterator

from taxiway.aws.cost import traffic
from taxiway.aws.cost.assumptions import Assumptions
from taxiway.aws.cost.month import Line, Month, tiered
from taxiway.declare import Backend

_GB = 1024**3


def of_gateway(month: Month, requests: float) -> Iterator[Line]:
    yield tiered("API Gateway", "requests", requests, "", month.prices.api_requests)


def of_data(month: Month, requests: float, bytes_out: float) -> Iterator[Line]:
    """What clients download, and the CDN that it goes through, if there is one."""
    prices, free, gigabytes = month.prices, month.free, bytes_out / _GB
    if not month.has_cdn:
        yield tiered("Data transfer", "out", gigabytes, "GB", prices.data_out, free.data_out)
        return
    yield tiered("CloudFront", "requests", requests, "", ((0, prices.cdn_requests),), free.cdn_requests)
    yield tiered("CloudFront", "data out", gigabytes, "GB", prices.cdn_data_out, free.cdn_data_out)
    firewall = month.backend.cdn and month.backend.cdn.firewall
    if firewall is not None and firewall.arn is None:
        rules = 1 + len(firewall.rules)
        yield Line("WAF", "rules", rules, "", prices.firewalls + rules * prices.firewall_rules)
        yield Line("WAF", "requests", requests, "", requests * prices.firewall_requests)


def cached_share(backend: Backend, assumptions: Assumptions, *, has_cdn: bool) -> float:
    """The share of the reads that CloudFront answers: of routes that declare a cache, or else of any that could."""
    if not has_cdn:
        return 0.0
    reading = [route for route in backend.routes if traffic.is_read(route)]
    cached = sum(route.cache is not None for route in reading)
    if backend.cdn is None and not cached:
        return assumptions.cached_share
    return assumptions.cached_share * cached / max(1, len(reading))


def passing(requests: float, read_ratio: float, cached: float) -> tuple[float, float]:
    """The requests that reach the API where this share of the reads is answered before it, and their read ratio."""
    answered = requests * read_ratio * cached
    passed = requests - answered
    return passed, (requests * read_ratio - answered) / passed if passed else 0.0
