"""A Lambda function: its size, what it may use, and the handler or handlers that it runs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from taxiway.declare._environment import check_variable
from taxiway.declare._source import caller
from taxiway.declare.errors import refuse
from taxiway.declare.grants import Grant
from taxiway.declare.secret import Secret

Use: TypeAlias = Grant | Secret

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-_]{0,63}")
_MEMORY = range(128, 10_241)
_TIMEOUT = range(1, 31)
_TARGET = 0.7


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """Environments that AWS keeps started: `minimum` to `maximum`, so that `target` (0.1 to 0.9) of them is busy.

    Without a `maximum` it is always `minimum`, and there is no `target`. They cost money while they wait, so declare
    them where a cold start costs more: `provisioned=Provisioned(minimum=2) if stage.is_production else None`.
    """

    minimum: int
    maximum: int | None = None
    target: float = _TARGET

    def __post_init__(self) -> None:
        most = self.minimum if self.maximum is None else self.maximum
        if not 1 <= self.minimum <= most or not 0.1 <= self.target <= 0.9:
            refuse(
                f"Provisioned(minimum={self.minimum}, maximum={self.maximum}, target={self.target}) is out of range.",
                fix="use a minimum of 1 or more, a maximum no less than that, and a target from 0.1 to 0.9",
            )
        if self.maximum is None and self.target != _TARGET:
            refuse(
                f"Provisioned(minimum={self.minimum}, target={self.target}) has a target and no maximum.",
                fix="add maximum=N, or leave target out",
            )


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function of one route, or one that several routes share.

    `memory` is in MB (128 to 10,240), `timeout` in seconds (1 to 30: an HTTP API waits no longer), `concurrency` the
    maximum number of environments, which are reserved for it, or None for unlimited. `provisioned` keeps environments
    started on AWS; locally they start on demand. A shared function runs the handler of the route that the gateway
    matched, by the event's `routeKey`.
    """

    name: str
    memory: int = 1024
    timeout: int = 30
    uses: Sequence[Use] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    concurrency: int | None = None
    provisioned: Provisioned | None = None
    source: str = field(default_factory=caller, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "uses", tuple(self.uses))
        if not _NAME.fullmatch(self.name):
            refuse(
                f"Invalid function name {self.name!r}.",
                fix="use at most 64 letters, digits, '-' and '_'",
                where=self.source,
            )
        if self.memory not in _MEMORY:
            refuse(
                f"Function {self.name}: memory={self.memory} is out of range.",
                fix="use 128 to 10240 (MB)",
                where=self.source,
            )
        if self.timeout not in _TIMEOUT:
            refuse(
                f"Function {self.name}: timeout={self.timeout} is out of range.",
                fix="use 1 to 30 (seconds): an HTTP API answers 503 after 30 s whatever the function does",
                where=self.source,
            )
        self._check_concurrency()
        for use in self.uses:
            if not isinstance(use, Grant | Secret):  # pyright: ignore[reportUnnecessaryIsInstance]  the user may not run a checker
                refuse(
                    f"Function {self.name}: uses={use!r} is not a grant.",
                    fix="name what it may do, as in allow.get(Item) or allow.query(Item.by_category), or a Secret",
                    where=self.source,
                )
        self._check_environment()

    @property
    def grants(self) -> tuple[Grant, ...]:
        return tuple(use for use in self.uses if isinstance(use, Grant))

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets that it uses and that the stage has."""
        return tuple(use for use in self.uses if isinstance(use, Secret) and use.id is not None)

    def _check_environment(self) -> None:
        for variable, value in self.environment.items():
            check_variable(variable, f"Function {self.name}", where=self.source)
            if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]  the user may not run a checker
                refuse(
                    f"Function {self.name}: the environment variable {variable} must be a string.",
                    fix=f"write it as a string: {str(value)!r}",
                    where=self.source,
                )
        for secret in self.secrets:
            if secret.variable in self.environment:
                refuse(
                    f"Function {self.name}: its environment declares {secret.variable}, which would also hold the id "
                    f"of the secret {secret.id!r}.",
                    fix='give one of the two another: Secret(…, variable="KEYS_ID")',
                    where=self.source,
                )

    def _check_concurrency(self) -> None:
        if self.concurrency is None:
            return
        if self.concurrency < 1:
            refuse(
                f"Function {self.name}: concurrency={self.concurrency} is out of range.",
                fix="use 1 or more, or leave it out",
                where=self.source,
            )
        started = self.provisioned and (self.provisioned.maximum or self.provisioned.minimum)
        if started and started > self.concurrency:
            refuse(
                f"Function {self.name}: {started} provisioned environments exceed concurrency={self.concurrency}.",
                fix="let concurrency be no less than what is provisioned",
                where=self.source,
            )
