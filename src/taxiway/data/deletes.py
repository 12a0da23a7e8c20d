"""One call of `delete`."""

import time
from typing import Any

from taxiway.data.conditions import Condition
from taxiway.data.connection import Connection, where
from taxiway.data.encoding import Codec
from taxiway.data.errors import DataError
from taxiway.data.executor import unknown
from taxiway.data.expressions import Expression
from taxiway.data.guards import Guard, absent, as_read, check_version, overtaken
from taxiway.data.patterns import Key
from taxiway.data.requests import Done, Explain, Plan, Refusal, Request
from taxiway.data.uniques import released
from taxiway.sdk.dynamodb import Item


class Deletion:
    """An item that is to go. Where its unique values go too, or a transaction tells what it was, it is read first."""

    verb = "delete"

    def __init__(
        self,
        connection: Connection,
        key: Key[Any],
        required: Condition | None,
        expected: int | None,
        *,
        result: bool,
    ) -> None:
        self._connection = connection
        self.key = key
        self._codec: Codec = key.entity.__codec__
        self._required = required
        self._expected = expected
        self._result = result

    def plan(self, *, together: bool) -> Plan | Done:
        if self.key.entity.__uniques__ or (together and self._result):
            return self._as_read()
        expression = Expression()
        guard = Guard(self.key, "either", required=self._required, expected=self._expected, form="known", lives=False)
        conditions = guard.render(expression)
        if together:  # without an item the rest of the transaction is still done, as outside one
            none = absent(self._codec, expression, int(time.time()))
            conditions = [f"({none} OR ({' AND '.join(conditions)}))"]
        return Plan(
            self.verb,
            self._codec.name,
            str(self.key),
            [Request("delete", where(self.key), expression.arguments(conditions), guard.explain)],
            returns="ALL_OLD",
            read=self._read,
            refused=self._refused,
            repeated=self._repeated,
        )

    def _as_read(self) -> Plan | Done:
        row = self._connection.row(self.key)
        if row is None or self._codec.has_expired(row, time.time()):
            return Done(None)
        check_version(self.key, self._expected, row)
        item = self._codec.decode(dict(row), str(self.key))
        guard = Guard(
            self.key,
            "present",
            required=self._required,
            expected=self._expected,
            lives=False,
            basis=as_read(self.key.entity),
            read=row,
        )
        request = Request("delete", where(self.key), guard.arguments(Expression()), self._explained(guard))
        requests = [request, *released(item, None, where(self.key))]
        return Plan(self.verb, self._codec.name, str(self.key), requests, item if self._result else None)

    def _explained(self, guard: Guard) -> Explain:
        """What was there and is gone was changed by another, and a delete of what isn't there succeeds."""

        def explain(row: Item | None) -> DataError:
            is_there = row is not None and not self._codec.has_expired(row, time.time())
            return guard.explain(row) if is_there else overtaken(self.key)

        return explain

    def _read(self, row: Item | None) -> Any:
        if not self._result or row is None or self._codec.has_expired(row, time.time()):
            return None
        return self._codec.decode_written(row, str(self.key))

    def _refused(self, refusal: Refusal) -> Done | None:
        if refusal.ran:
            raise unknown(self.verb, self.key) from None
        is_there = refusal.stored is not None and not self._codec.has_expired(refusal.stored, time.time())
        return None if is_there else Done(None)

    def _repeated(self, row: Item | None) -> None:
        if row is None:
            raise unknown(self.verb, self.key, "there is none now")
