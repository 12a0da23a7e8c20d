"""One call of `update`: natively by DynamoDB, or on the whole item as it was read."""

import time
from typing import Any

from taxiway.data.changes import Changes, ChangeSet, Unfit
from taxiway.data.conditions import Condition
from taxiway.data.connection import Connection, where
from taxiway.data.encoding import ENTITY, EXPIRES, Codec
from taxiway.data.errors import ConditionFailed, Contended, DataError, Missing
from taxiway.data.evolution import SCHEMA
from taxiway.data.executor import unknown
from taxiway.data.expressions import Expression
from taxiway.data.guards import Guard, as_read, check_version, condition_failed
from taxiway.data.patterns import PARTITION, Key
from taxiway.data.requests import Done, Explain, Plan, Refusal, Request
from taxiway.data.rewriter import Rewriter
from taxiway.data.uniques import released, taken
from taxiway.data.write_ids import is_of
from taxiway.sdk.dynamodb import Item


class Modification:
    """An item whose fields change.

    DynamoDB makes the change itself, and the write depends on nothing that the change doesn't. It is made on the whole
    item as it was read where a unique value moves, and in a transaction where the caller wants to know the result.
    """

    verb = "update"

    def __init__(
        self,
        connection: Connection,
        rewriter: Rewriter,
        key: Key[Any],
        changes: Changes,
        required: Condition | None,
        expected: int | None,
        *,
        result: bool,
    ) -> None:
        self._connection = connection
        self._rewriter = rewriter
        self.key = key
        self._codec: Codec = key.entity.__codec__
        self._changes = ChangeSet(key, changes)
        self._required = required
        self._expected = expected
        self._result = result

    def plan(self, *, together: bool) -> Plan | Done:
        if self._changes.is_empty and self._required is None:
            return self._unchanged(together=together)
        if self._moves or (together and self._result):
            return self._as_read()
        basis = self._basis(together=together)
        if basis is None:
            raise Missing(f"There is no {self.key}.")
        if self._codec.checks:
            check_version(self.key, self._expected, basis)
        expression, guard = Expression(), self._guard(basis)
        conditions = guard.render(expression)
        try:
            text, more = self._changes.native(expression, basis)
        except Unfit as error:
            raise self._unfit(error, self._connection.row(self.key)) from None
        arguments = {"update_expression": text, **expression.arguments(conditions + more)}
        request = Request("update", where(self.key), arguments, self._explained(guard))
        return Plan(
            self.verb,
            self._codec.name,
            str(self.key),
            [request],
            returns="ALL_NEW" if self._result else "NONE",
            read=self._read,
            refused=self._refused,
            repeated=self._repeated,
            rejected=self._rejected,
        )

    @property
    def _moves(self) -> bool:
        """Whether it changes what a sentinel says: a unique value, or when the item expires."""
        entity = self.key.entity
        if not entity.__uniques__:
            return False
        expiry = entity.__roles__.get("ttl")
        fields = [name for claim in entity.__uniques__ for name in claim.template.fields]
        return self._changes.touches((*fields, expiry) if expiry else tuple(fields))

    def _guard(self, basis: Item) -> Guard:
        fields = as_read(self.key.entity) if self._codec.checks else self._changes.depends_on
        return Guard(
            self.key,
            "present",
            required=self._required,
            expected=self._expected,
            form="current",
            basis=fields,
            read=basis,
        )

    def _unchanged(self, *, together: bool) -> Plan | Done:
        """The item, which must be there at the version; in a transaction until its end.

        What holds it to that is an update, because that is what its caller may do.
        """
        row = self._connection.row(self.key)
        if row is None or self._codec.has_expired(row, time.time()):
            raise Missing(f"There is no {self.key}.")
        check_version(self.key, self._expected, row)
        item = self._codec.decode(row, str(self.key)) if self._result else None
        if not together or self._expected is None:
            return Done(item)
        expression = Expression()
        guard = Guard(self.key, "present", expected=self._expected, form="known")
        text = f"SET {expression.name(ENTITY)} = {expression.value(self._codec.name)}"
        arguments = {"update_expression": text, **guard.arguments(expression)}
        request = Request("update", where(self.key), arguments, guard.explain)
        return Plan(self.verb, self._codec.name, str(self.key), [request], item)

    def _as_read(self) -> Plan | Done:
        """The update of the whole item as it was read, with its unique values."""
        row = self._connection.row(self.key)
        if row is None or self._codec.has_expired(row, time.time()):
            raise Missing(f"There is no {self.key}.")
        if self._rewriter.bring_up(self.key, row):
            return self._as_read()
        check_version(self.key, self._expected, row)
        old = self._codec.decode(dict(row), str(self.key))
        expression = Expression()
        guard = Guard(
            self.key,
            "present",
            required=self._required,
            expected=self._expected,
            form="current",
            basis=as_read(self.key.entity),
            read=row,
        )
        try:
            text, changed = self._changes.settled(expression, row)
        except Unfit as error:
            raise self._unfit(error, row) from None
        item = self._codec.decode(dict(changed), str(self.key))
        arguments = {"update_expression": text, **guard.arguments(expression)}
        requests = [Request("update", where(self.key), arguments, guard.explain, changed)]
        if self._moves:
            requests += taken(item, changed, old, row.get(EXPIRES))
            requests += released(old, item, where(self.key))
        return Plan(self.verb, self._codec.name, str(self.key), requests, item if self._result else None)

    def _basis(self, *, together: bool) -> Item | None:
        """What is stored in the fields that the change depends on, absent ones left out; None where there is no item.

        Without such fields nothing is read, but in a transaction what may be of an older form: it is brought up first.
        """
        wanted = self._changes.depends_on
        if not wanted and not (together and self._codec.evolution.version > 1):
            return {}
        expression = Expression()
        fields = {field.stored for field in (*wanted, *(as_read(self.key.entity) if self._codec.checks else ()))}
        stored = dict.fromkeys((PARTITION, EXPIRES, SCHEMA, *sorted(fields)))
        projection = ", ".join(expression.name(each) for each in stored)
        row = self._connection.call(
            self._connection.core.get_item,
            self._connection.name,
            where(self.key),
            consistent_read=True,
            projection_expression=projection,
            expression_attribute_names=expression.names,
        ).item
        if row is None or self._codec.has_expired(row, time.time()):
            return None
        if self._rewriter.bring_up(self.key, row):
            return self._basis(together=together)
        return {name: row[name] for name in fields if name in row}

    def _explained(self, guard: Guard) -> Explain:
        def explain(row: Item | None) -> DataError:
            error = guard.explain(row)
            if row is None or not isinstance(error, Contended | ConditionFailed):
                return error
            return (None if self._codec.evolution.is_other(row) else self._misfit(row)) or error

        return explain

    def _read(self, row: Item | None) -> Any:
        return self._codec.decode_written(row or {}, str(self.key)) if self._result else None

    def _refused(self, refusal: Refusal) -> Done | None:
        """It may be its own doing that it was refused; else what is stored may have to be brought up first."""
        if refusal.ran:
            if is_of(refusal.stored, self._changes.write):
                if self._accumulates and not refusal.sure:
                    self._repeated(refusal.stored)
                return Done(self._read(refusal.stored))
            if self._expected is not None or self._required is not None or self._accumulates:
                raise unknown(self.verb, self.key) from None
        self._rewriter.bring_up(self.key, refusal.stored)
        return None

    @property
    def _accumulates(self) -> bool:
        return self._expected is None and self._changes.accumulates

    def _repeated(self, row: Item | None) -> None:
        del row
        if self._accumulates:
            raise unknown(self.verb, self.key, "it may have been made twice") from None

    def _rejected(self) -> None:
        """Raise what is wrong with a request that DynamoDB rejects, such as a sum of more digits than it has."""
        row = self._connection.row(self.key)
        error = Guard(self.key, "present", expected=self._expected, form="current").explain(row)
        if not isinstance(error, Contended):
            raise error from None
        misfit = None if row is None else self._misfit(row)
        if misfit is not None:
            raise misfit from None

    def _misfit(self, row: Item) -> ConditionFailed | None:
        """The error where a change that DynamoDB was to make would make what doesn't fit its field."""
        try:
            self._changes.check_fit(row)
        except Unfit as error:
            return self._unfit(error, row)
        return None

    def _unfit(self, error: Unfit, row: Item | None) -> ConditionFailed:
        return condition_failed(self.key, row, f"{error}.")
