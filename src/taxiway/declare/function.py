"""A Lambda function: its size, what it may use, and the handler or handlers that it runs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from taxiway.declare import _environment
from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError
from taxiway.declare.grants import Grant
from taxiway.declare.secret import Secret

Use: TypeAlias = Grant | Secret
LambdaHandler: TypeAlias = Callable[[Any, Any], Any]

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
            raise DeclarationError(
                f"Provisioned(minimum={self.minimum}, maximum={self.maximum}, target={self.target}) can't be had.",
                fix="use a minimum of 1 or more, a maximum no less than that, and a target from 0.1 to 0.9",
                where=caller(),
            )
        if self.maximum is None and self.target != _TARGET:
            raise DeclarationError(
                f"Provisioned(minimum={self.minimum}, target={self.target}) has nothing that follows its target.",
                fix="say the maximum too, or leave target out",
                where=caller(),
            )


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function that one route has to itself, or that several routes share.

    `memory` is in MB (128 to 10,240), `timeout` in seconds (1 to 30: an HTTP API waits no longer), `concurrency` the
    number of environments kept for it (reserved concurrency), or None for as many as there is demand. `provisioned`
    keeps environments started; the laptop starts them on demand all the same.
    A shared function runs the handler of the route that the gateway matched, by the event's `routeKey`.
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
            self._refuse(f"{self.name!r} is not a name for a function", "use at most 64 letters, digits, '-' and '_'")
        if self.memory not in _MEMORY:
            self._refuse(f"memory={self.memory} is out of range", "Lambda takes 128 to 10240 (MB)")
        if self.timeout not in _TIMEOUT:
            self._refuse(
                f"timeout={self.timeout} is out of range",
                "use 1 to 30 (seconds): an HTTP API answers 503 after 30 s whatever the function does",
            )
        self._check_concurrency()
        for use in self.uses:
            if not isinstance(use, Grant | Secret):  # pyright: ignore[reportUnnecessaryIsInstance]  the user may not run a checker
                self._refuse(
                    f"uses={use!r} is no grant",
                    "name what it may do, as in allow.get(Item) or allow.query(Item.by_category), or a Secret",
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
            if refusal := _environment.refused(variable):
                self._refuse(*refusal)
            if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]  the user may not run a checker
                self._refuse(f"the environment variable {variable} is no string", "write it as a string")
        for secret in self.secrets:
            if secret.variable in self.environment:
                self._refuse(
                    f"the environment variable {secret.variable} would be what its environment says, and the id of the "
                    f"secret {secret.id!r}",
                    'give one of the two another: Secret(…, variable="KEYS_ID")',
                )

    def _check_concurrency(self) -> None:
        if self.concurrency is None:
            return
        if self.concurrency < 1:
            self._refuse(f"concurrency={self.concurrency} is out of range", "use 1 or more, or leave it out")
        started = self.provisioned and (self.provisioned.maximum or self.provisioned.minimum)
        if started and started > self.concurrency:
            self._refuse(
                f"{started} environments are to be kept started, with concurrency={self.concurrency}",
                "let concurrency be no less than what is provisioned",
            )

    def _refuse(self, problem: str, fix: str) -> None:
        raise DeclarationError(f"Function {self.name}: {problem}.", fix=fix, where=self.source)


def handler_path(handler: LambdaHandler, *, where: str) -> str:
    """`module.name`, as Lambda writes a function's handler. Raises DeclarationError where there is no such path."""
    module = getattr(handler, "__module__", None)
    name = getattr(handler, "__qualname__", None)
    if not callable(handler) or not module or not name:
        raise DeclarationError(
            f"{handler!r} is no handler.",
            fix="name a function of your handlers: one under @handler, or (event, context)",
            where=where,
        )
    if "<" in name or "." in name or module == "__main__":
        raise DeclarationError(
            f"The handler {module}.{name} can't be imported by name.",
            fix="define it at the top level of a module",
            where=where,
        )
    return f"{module}.{name}"
