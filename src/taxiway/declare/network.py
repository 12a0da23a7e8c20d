"""The private network that a backend's functions may run in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError

_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}")
# https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
_MOST_SUBNETS = 16
_MOST_GROUPS = 5
_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")


@dataclass(frozen=True, kw_only=True)
class Network:
    """A VPC for the functions: one of its own, or `subnets` and `security_groups` that exist.

    One of its own spans `cidr` over two or three `zones` and has no way to the internet: DynamoDB is reached by a
    gateway endpoint (free), Secrets Manager by an interface endpoint (by the hour and zone) where a secret is used.
    A network that exists must let the functions reach both.
    """

    cidr: str = "10.0.0.0/16"
    zones: int = 2
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "subnets", tuple(self.subnets))
        object.__setattr__(self, "security_groups", tuple(self.security_groups))
        self._check_named()
        if self.zones not in (2, 3):
            self._refuse(f"zones={self.zones}", "use 2 or 3")
        try:
            size = IPv4Network(self.cidr).prefixlen
        except ValueError as error:
            self._refuse(str(error), "write an IPv4 network, as in 10.0.0.0/16")
        else:
            if not 16 <= size <= 24:
                self._refuse(f"cidr={self.cidr}", "use a network of /16 to /24")
            if self.zones == 3 and size > 22:
                self._refuse(f"cidr={self.cidr} has no room for the subnets of 3 zones", "use /16 to /22, or 2 zones")

    @property
    def exists(self) -> bool:
        return bool(self.subnets)

    def _check_named(self) -> None:
        if bool(self.subnets) != bool(self.security_groups):
            self._refuse("it names subnets or security groups, and not the other", "name both, or neither")
        for name in (*self.subnets, *self.security_groups):
            if not (_SUBNET if name in self.subnets else _GROUP).fullmatch(name):
                self._refuse(f"{name!r} is malformed", "write subnet-0123456789abcdef0 and sg-0123456789abcdef0")
        for what, named, most in (
            ("subnets", self.subnets, _MOST_SUBNETS),
            ("security groups", self.security_groups, _MOST_GROUPS),
        ):
            if len(set(named)) < len(named):
                self._refuse(f"it names one of its {what} twice", "name each once")
            if len(named) > most:
                self._refuse(f"it names {len(named)} {what}", f"name {most} at most")

    def _refuse(self, problem: str, fix: str) -> None:
        raise DeclarationError(f"The network can't be: {problem}.", fix=fix, where=caller())
