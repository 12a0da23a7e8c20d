"""The private network that a backend's functions may run in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from taxiway.declare._listed import listed
from taxiway.declare.errors import refuse

_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}")
# https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
_MOST_SUBNETS = 16
_MOST_GROUPS = 5
# Not a local zone or one of Wavelength, which has more in its name:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html
_ZONE = re.compile(r"[a-z]{2,3}(-[a-z]+)+-\d[a-m]")
_DEFAULT_CIDR = "10.0.0.0/16"
_DEFAULT_ZONES = 2
_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC for the functions: a new one, or existing `subnets` and `security_groups`.

    A new one spans `cidr` over two or three `zones` and has no internet access: DynamoDB is reached by a gateway
    endpoint (free), Secrets Manager by an interface endpoint (billed per hour and zone) if a secret is used. `zones` is
    a number, for the first zones of the account, or names them: `("us-east-1a", "us-east-1b")`, which needs a `cidr` of
    /20 or larger. An existing network must allow the functions to reach both services. With `in_use=False` no function
    is in it: deploy that before you remove the network.
    """

    cidr: str = _DEFAULT_CIDR
    zones: int | Sequence[str] = _DEFAULT_ZONES
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    in_use: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.zones, int):
            object.__setattr__(self, "zones", tuple(sorted(listed("zones", self.zones))))  # their order says nothing
        object.__setattr__(self, "subnets", listed("subnets", self.subnets))
        object.__setattr__(self, "security_groups", listed("security_groups", self.security_groups))
        self._check_named()
        self._check_zones()
        try:
            network = IPv4Network(self.cidr)
        except ValueError as error:
            refuse(f"Invalid cidr: {error}.", fix="write an IPv4 network, as in 10.0.0.0/16")
        else:
            size = network.prefixlen
            if not 16 <= size <= 24:
                refuse(f"Network(cidr={self.cidr!r}) is out of range.", fix="use a network of /16 to /24")
            if self.cidr != str(network):
                refuse(
                    f"Network(cidr={self.cidr!r}) is not in the form that AWS expects.", fix=f"write it as {network}"
                )
            if self.zone_count == 3 and size > 22:
                refuse(
                    f"Network(cidr={self.cidr!r}) is too small for the subnets of 3 zones.",
                    fix="use /16 to /22, or 2 zones",
                )
            if self.named_zones and size > 20:
                refuse(
                    f"Network(cidr={self.cidr!r}) is too small: every zone of the region needs its own range.",
                    fix="use /16 to /20, or say how many zones",
                )

    @property
    def exists(self) -> bool:
        return bool(self.subnets)

    @property
    def named_zones(self) -> tuple[str, ...]:
        """The named zones; empty if only their number is given."""
        return () if isinstance(self.zones, int) else tuple(self.zones)

    @property
    def zone_count(self) -> int:
        return self.zones if isinstance(self.zones, int) else len(self.zones)

    def _check_zones(self) -> None:
        if self.zone_count not in (2, 3):
            refuse(
                f"Network(zones={self.zones!r}) is out of range.",
                fix="use 2 or 3: functions in a single zone fail with it",
            )
        for zone in self.named_zones:
            if not _ZONE.fullmatch(zone):
                refuse(f"Invalid availability zone {zone!r}.", fix="write it like eu-west-1a")
        if len(set(self.named_zones)) < len(self.named_zones):
            refuse("The network names a zone twice.", fix="name each once")

    def _check_named(self) -> None:
        if bool(self.subnets) != bool(self.security_groups):
            refuse(
                "The network must name both subnets and security groups, or neither.",
                fix="add the other: Network(subnets=[…], security_groups=[…])",
            )
        if self.exists and (self.cidr, self.zones) != (_DEFAULT_CIDR, _DEFAULT_ZONES):
            refuse("The network names subnets, which already have addresses and zones.", fix="leave cidr and zones out")
        for name in (*self.subnets, *self.security_groups):
            if not (_SUBNET if name in self.subnets else _GROUP).fullmatch(name):
                refuse(
                    f"Invalid id of a subnet or a security group: {name!r}.",
                    fix="write subnet-0123456789abcdef0 and sg-0123456789abcdef0",
                )
        for what, named, most in (
            ("subnets", self.subnets, _MOST_SUBNETS),
            ("security groups", self.security_groups, _MOST_GROUPS),
        ):
            if len(set(named)) < len(named):
                refuse(f"The network names one of its {what} twice.", fix="name each once")
            if len(named) > most:
                refuse(f"The network names {len(named)} {what}; Lambda allows {most}.", fix=f"name {most} at most")
