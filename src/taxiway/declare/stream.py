"""The consumers of the table's stream of changes."""

from dataclasses import dataclass, field
from typing import NoReturn

from taxiway.declare._source import caller
from taxiway.declare.errors import refuse
from taxiway.declare.function import Function
from taxiway.declare.handler_path import LambdaHandler, handler_path
from taxiway.declare.handler_signature import check_signature


def _no_function() -> NoReturn:
    refuse(
        "A StreamConsumer has no function.",
        fix="name the function that runs its handler: StreamConsumer(handler, Function(name=…))",
    )


@dataclass(frozen=True)
class StreamConsumer:
    """A handler that gets the table's changes, in batches of up to `batch` (1 to 10,000), through a DynamoDB stream.

    A batch that fails is tried `attempts` times in total, and halved each time; a queue gets a message about what still
    fails. The records contain the old and the new item.
    """

    handler: LambdaHandler
    function: Function = field(default_factory=_no_function)
    batch: int = field(default=100, kw_only=True)
    attempts: int = field(default=5, kw_only=True)
    source: str = field(default_factory=caller, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= 10_000 or not 1 <= self.attempts <= 10_000:
            refuse(
                f"The consumer {self.function.name} has batch={self.batch} and attempts={self.attempts}.",
                fix="use 1 to 10000 for each",
                where=self.source,
            )
        check_signature(self.handler, self.handler_path, where=self.source)

    @property
    def handler_path(self) -> str:
        return handler_path(self.handler, where=self.source)
