"""Where a service is reached: from the environment, or from the table of AWS's hosts.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

import os

from msgspec import Struct

from taxiway.sdk.errors import NotConfigured, text_of

SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
"""The domains of AWS's partitions, by how their regions begin; every other region is in amazonaws.com."""

_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")
_REGION_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class Endpoint(Struct, frozen=True):
    """A host to speak to. `host` is what the Host header says, `name` and `port` what is connected to."""

    secure: bool
    host: str
    name: str
    port: int


def region_of_environment() -> str:
    """AWS_REGION, or AWS_DEFAULT_REGION. Raises NotConfigured where neither is set, or it is not a region's name."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise NotConfigured(
            "The AWS region is missing: neither AWS_REGION nor AWS_DEFAULT_REGION is set",
            fix="export AWS_REGION=eu-west-1, or pass region=",
        )
    if not _REGION_CHARACTERS.issuperset(region):
        raise NotConfigured(f"Invalid AWS region {text_of(region)}", fix="export AWS_REGION=eu-west-1")
    return region


def endpoint_for(prefix: str, variable: str, region: str) -> Endpoint:
    """The endpoint of a service in a region.

    `prefix` is the host's own part (`streams.dynamodb`), `variable` the service's in AWS_ENDPOINT_URL_<SERVICE>, which
    goes before AWS_ENDPOINT_URL. Raises NotConfigured where a variable's value is not valid.
    """
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        for name in (f"AWS_ENDPOINT_URL_{variable}", "AWS_ENDPOINT_URL"):
            if url := os.environ.get(name):
                return parse_url(url, name)[0]
    for name in ("AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"):
        if os.environ.get(name, "").lower() == "true":
            raise NotConfigured(
                f"{name} is not supported: not every service has such a host in every region",
                fix=f"name the host: export AWS_ENDPOINT_URL_{variable}=https://…",
            )
    suffix = next((suffix for start, suffix in SUFFIXES.items() if region.startswith(start)), "amazonaws.com")
    host = f"{prefix}.{region}.{suffix}"
    return Endpoint(secure=True, host=host, name=host, port=443)


def parse_url(url: str, where: str) -> tuple[Endpoint, str]:
    """The endpoint of an http or https URL, and its path with its query. Raises NotConfigured, which names `where`."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    if authority.startswith("["):
        name, bracket, port = authority[1:].partition("]")
        valid = bool(bracket) and _is_ipv6(name) and port[:1] in ("", ":")
        port = port[1:]
    else:
        name, _, port = authority.partition(":")
        valid = bool(name) and name[0] != "." and ".." not in name and _HOST_CHARACTERS.issuperset(name)
    secure = scheme.lower() == "https"
    if port:
        valid = valid and port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536
    if not separator or scheme.lower() not in ("http", "https") or not valid or not _is_printable(path):
        raise NotConfigured(f"Invalid URL {text_of(url)}", where=f"in {where}", fix=f"{where}=http://127.0.0.1:8000")
    number = int(port) if port else 443 if secure else 80
    shown = f"[{name}]" if ":" in name else name.lower()
    host = shown if number == (443 if secure else 80) else f"{shown}:{number}"
    return Endpoint(secure=secure, host=host, name=name, port=number), f"{slash or '/'}{path}"


def _is_ipv6(name: str) -> bool:
    return ":" in name and frozenset("0123456789abcdefABCDEF:.").issuperset(name)


def _is_printable(path: str) -> bool:
    return path.isascii() and path.isprintable() and " " not in path
