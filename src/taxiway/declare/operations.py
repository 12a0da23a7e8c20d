"""How a stage is protected, released and monitored on AWS."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from taxiway.declare._listed import listed
from taxiway.declare.errors import refuse
from taxiway.declare.stage import Stage

Release: TypeAlias = Literal[
    "all-at-once",
    "canary-5m",
    "canary-10m",
    "canary-15m",
    "canary-30m",
    "linear-1m",
    "linear-2m",
    "linear-3m",
    "linear-10m",
]
"""How new code takes over: at once; a tenth of the requests for some minutes and then all; a tenth more each time."""

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
# ms: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
_LONGEST_REQUEST = 30_000
# seconds: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
_OLDEST_CHANGE = 86_400
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_STAGES = re.compile(r"[a-z][a-z0-9-]*?(-\*)?")
_OF_IAM = r"arn:aws[a-z-]*:iam::(\d{12}|aws):"


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """The thresholds of a stage's alarms.

    `errors` of one function in a minute; `server_errors`, the percentage of the API's answers that are 5xx, for five
    minutes; `latency` of the slowest hundredth of its requests, in ms, for a quarter of an hour; `refused` requests to
    DynamoDB in five minutes, of the whole account; `behind`, the seconds that a consumer of changes may be late, for
    five minutes.
    """

    errors: int = 1
    server_errors: int = 5
    latency: int = 5_000
    refused: int = 10
    behind: int = 300

    def __post_init__(self) -> None:
        for name in ("errors", "server_errors", "latency", "refused", "behind"):
            if getattr(self, name) < 1:
                refuse(
                    f"Alarms({name}={getattr(self, name)}) would always go off.",
                    fix="use 1 or more; alarms=False has none at all",
                )
        for name, most, why in (
            ("server_errors", 100, "it is a percentage"),
            ("latency", _LONGEST_REQUEST, "an HTTP API answers 503 after 30 s"),
            ("behind", _OLDEST_CHANGE, "a stream keeps a change for a day"),
        ):
            if getattr(self, name) > most:
                refuse(f"Alarms({name}={getattr(self, name)}) would never go off: {why}.", fix=f"use {most} or less")


@dataclass(frozen=True, kw_only=True)
class Operations:
    """The defaults depend on the stage: prod is protected, has alarms and canary releases; other stages have none.
    Dashboards and traces cost money and are off.

    `protected` keeps the data: the stack and the table can't be deleted, the table can be restored to any second of the
    last 35 days, and removing it from the declaration leaves it in the account. `release` shifts requests to new code;
    if the stage has alarms, and back when the new code fails. `alarms` is True, False, or `Alarms` with custom
    thresholds. `emails` receive every alarm (each address must confirm once). `dashboards` makes two in CloudWatch.
    `log_days` is how long logs are kept: 7 days, or 90 if the stage is protected. `tracing` sends traces of the
    functions to X-Ray.

    `bootstrap` names the stage, or the pattern of stages (`pr-*`), whose roles `taxiway bootstrap-role` has made: then
    CloudFormation works with their service role, and every role of the stage has their permissions boundary.
    `boundary` and `service_role` are the ARNs of your own instead.
    """

    protected: bool | None = None
    release: Release | None = None
    alarms: bool | Alarms | None = None
    emails: Sequence[str] = ()
    log_days: int | None = None
    tracing: bool = False
    dashboards: bool = False
    bootstrap: str | None = None
    boundary: str | None = None
    service_role: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "emails", listed("emails", self.emails))
        if self.release is not None and self.release not in get_args(Release):
            refuse(f"Invalid release {self.release!r}.", fix=f"use one of {', '.join(get_args(Release))}")
        if self.log_days is not None and self.log_days not in _RETENTION:
            refuse(
                f"Operations(log_days={self.log_days}) is not a retention that CloudWatch supports.",
                fix=f"use one of {', '.join(map(str, _RETENTION))}",
            )
        for email in self.emails:
            if not _EMAIL.fullmatch(email):
                refuse(f"Invalid e-mail address {email!r}.", fix="write it like team@example.com")
        if len(set(self.emails)) < len(self.emails):
            refuse("Operations(emails=…) names an address twice.", fix="name each reader once")

        self._check_bootstrap()

    def _check_bootstrap(self) -> None:
        if self.bootstrap is not None and not _STAGES.fullmatch(self.bootstrap):
            refuse(
                f"Invalid bootstrap {self.bootstrap!r}: it must be the name of a stage, or a pattern that ends in -*.",
                fix="write it like prod or pr-*; pr* would match prod too",
            )
        for name, kind in (("boundary", "policy"), ("service_role", "role")):
            value = getattr(self, name)
            if value is not None and not re.fullmatch(f"{_OF_IAM}{kind}/.+", value):
                refuse(
                    f"Invalid {name} {value!r}: it must be the ARN of a {kind} of IAM.",
                    fix=f"write it like arn:aws:iam::123456789012:{kind}/my-{name.replace('_', '-')}",
                )

    def is_protected(self, stage: Stage) -> bool:
        return stage.is_production if self.protected is None else self.protected

    def has_alarms(self, stage: Stage) -> bool:
        return stage.is_production if self.alarms is None else bool(self.alarms)

    @property
    def thresholds(self) -> Alarms:
        return self.alarms if isinstance(self.alarms, Alarms) else Alarms()

    def release_of(self, stage: Stage) -> Release:
        if self.release is None:
            return "canary-5m" if stage.is_production and self.has_alarms(stage) else "all-at-once"
        return self.release

    def log_days_of(self, stage: Stage) -> int:
        return self.log_days or (90 if self.is_protected(stage) else 7)
