"""The verbs that write one item, and the transactions that they become part of."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from taxiway.data.arguments import check_expected, check_item, check_key
from taxiway.data.conditions import Condition, condition_of
from taxiway.data.connection import CONFLICTS, Cancelled, ConditionNotMet, pause, where
from taxiway.data.encoding import ENTITY, EXPIRES, Codec, Field, moment, seconds
from taxiway.data.entity import Entity
from taxiway.data.errors import (
    AlreadyExists,
    ConditionFailed,
    Conflict,
    Contended,
    DataError,
    EntityError,
    Failure,
    HeldByAnother,
    ItemTooLarge,
    Missing,
    NotUnique,
    OutcomeUnknown,
    Refused,
    Throttled,
    TransactionFailed,
    TransactionInvalid,
)
from taxiway.data.evolution import SCHEMA
from taxiway.data.expressions import Expression, Named
from taxiway.data.fields import now
from taxiway.data.patterns import PARTITION, SORT, Key
from taxiway.data.reads import Reads
from taxiway.data.requests import CHECKED, Request, Write
from taxiway.data.rewriting import Rewriting
from taxiway.data.rows import label
from taxiway.data.updates import Changes, Unfit, Update, alive, basis_of, check_version, mismatch, own
from taxiway.data.write_ids import WRITE, is_of, new_write_id
from taxiway.sdk.dynamodb import CancellationReason, Item, ItemAnswer, actions, new_token

if TYPE_CHECKING:
    from contextvars import ContextVar  # 0.3 ms that a function without transactions doesn't pay

    from taxiway.data.transactions import Transaction

E = TypeVar("E", bound=Entity)

_PASSING = frozenset(("None", "TransactionConflict"))
"""The reasons of a cancelled transaction that may be gone the next time."""
_REASONS: dict[str, Callable[[str], DataError]] = {
    "TransactionConflict": Conflict,
    "ThrottlingError": Throttled,
    "ProvisionedThroughputExceeded": Throttled,
}


class Writes(Reads):
    """Inside `with table.transaction():` each of these becomes part of the transaction; outside it happens at once."""

    _transactions: "ContextVar[Transaction | None] | None" = None

    def create(self, item: E) -> E:
        """Store a new item, and return it with its timestamps and its version, 1. Raises AlreadyExists and NotUnique.

        One that has expired counts as none.
        """
        check_item("create", item)
        item = stamped(item, fresh=True)
        attributes = attributes_of(item)
        expression = Expression()
        absent = _absent(item.__codec__, expression, int(time.time()))
        taken = f"{type(item).__name__} at {attributes[PARTITION]!r} exists already."
        transaction = self._open()
        if transaction is not None or item.__uniques__:
            body = actions.put(self.name, attributes, **CHECKED, **expression.arguments([absent]))
            request = Request(body, lambda _: AlreadyExists(taken))
            self._carry_out(
                _write("create", item, attributes, [request, *_taken(self.name, item, attributes)]), transaction
            )
            return item
        write = attributes[WRITE] = new_write_id()
        try:
            self._put(attributes, [absent], expression)
        except ConditionNotMet as conflict:
            if not conflict.may_have_run:
                raise AlreadyExists(taken) from None
            if not is_of(conflict.stored, write):
                raise _unknown("create", _key_of(item)) from None
        return item

    def put(self, item: E, *, condition: Condition | bool | None = None, expect_version: int | None = None) -> E:
        """Store an item whether or not there is one, and return it as stored: updated now, its version one higher.

        The version is one higher than the object's, or than that of what it replaces where that is not lower: as long
        as the item is there no version is given twice, and an ETag that was read before fits nothing else.

        Raises ConditionFailed where `condition` isn't true of the item that it replaces, VersionMismatch where that is
        not at `expect_version`, and NotUnique. An item with unique values is read first, for those that it gives up; in
        a transaction one with a version too.
        """
        check_item("put", item)
        check_expected("put", type(item), expect_version)
        required = _condition(condition, type(item))
        item = stamped(item, after=expect_version)
        key = _key_of(item)
        transaction = self._open()
        if transaction is not None or item.__uniques__:
            return self._settle(
                key, transaction, lambda key: self._replacement(key, item, required, expected=expect_version)
            )
        write, ran = new_write_id(), False
        for attempt in range(CONFLICTS):
            attributes = attributes_of(item)
            expression = Expression()
            conditions = _put_conditions(item, expression, required, expect_version)
            if expect_version is None:
                conditions += _raises_version(item, expression)
            if conditions:
                attributes[WRITE] = write
            try:
                self._put(attributes, conditions, expression)
            except ConditionNotMet as conflict:
                ran = ran or conflict.may_have_run
                if ran and is_of(conflict.stored, write):
                    return item
                if ran and (required is not None or expect_version is not None):
                    raise _unknown("put", key) from None
                replacing = item if expect_version is not None else _raised(item, conflict.stored)
                if replacing is item:
                    raise self._put_failure(key, expect_version)(conflict.stored) from None
                item = replacing
                pause(attempt)
                continue
            return item
        raise Contended(f"{key} was changed by others {CONFLICTS} times while it was being written.")

    def update(
        self,
        key: Key[E],
        changes: Changes,
        *,
        condition: Condition | bool | None = None,
        expect_version: int | None = None,
    ) -> E:
        """Change fields of an item in one atomic write, index keys included, and return it as it then is.

        `changes` names fields as Python does; UNSET leaves one as it is, None removes it, and `add(1)`, `append([…])`,
        `add_to_set({…})` and the like change what is there. Raises Missing where there is no item, VersionMismatch
        where it is not at `expect_version`, ConditionFailed where `condition` isn't true of it or a counter would leave
        its bounds, NotUnique, and InvalidItem where a value doesn't fit its field.

        It reads first where the write depends on what doesn't change: another part of an index key, a Decimal (an
        update's answer has it as a float), a unique value that is given up, or in a transaction the whole item. Then
        the write holds only if that still is what was read, and else starts again; Contended after twenty times, or in
        a transaction at once.
        """
        check_key("update", key)
        check_expected("update", key.entity, expect_version)
        update = Update(key, changes, expect_version, _condition(condition, key.entity))
        transaction = self._open()
        if update.is_empty and condition is None:
            item = self._expected(key, expect_version)
            if transaction is not None and expect_version is not None:
                transaction.enqueue(_holding(self.name, key, expect_version))
            return item
        if transaction is not None or _moves(update, key.entity):
            return self._settle(key, transaction, partial(self._updating, update))
        ran = False
        for attempt in range(CONFLICTS):
            basis = self._basis(key, update.depends_on, present=True)
            if basis is None:
                raise _unknown("update", key) if ran else Missing(f"There is no {key}.")
            try:
                answer = self._updated(update, basis)
            except ConditionNotMet as conflict:
                ran = ran or conflict.may_have_run
                row = _made_by(update, conflict, sure=attempt == 0 and conflict.attempts == 2) if ran else None
                if row is not None:
                    return key.entity.__codec__.decode_written(row, str(key))
                self._judge(update, conflict.stored, basis)
                pause(attempt)
                continue
            if (ran or answer.may_have_run) and update.accumulates:
                raise _unknown("update", key, "it may have been made twice")
            return key.entity.__codec__.decode_written(answer.item or {}, str(key))
        raise Contended(f"{key} was changed by others {CONFLICTS} times while it was being updated.")

    def delete(
        self, key: Key[E], *, condition: Condition | bool | None = None, expect_version: int | None = None
    ) -> E | None:
        """Delete an item, and return what it was, or None where there was none, whatever was asked of it.

        Raises ConditionFailed where `condition` isn't true of it, VersionMismatch where it is not at `expect_version`,
        and StoredItemInvalid where it is another entity's or of a form that this code doesn't know: then it stays. An
        entity with Decimals or unique values is read first, and deleted only as it was read.
        """
        check_key("delete", key)
        check_expected("delete", key.entity, expect_version)
        required = _condition(condition, key.entity)
        codec: Codec = key.entity.__codec__
        transaction = self._open()
        if transaction is not None or key.entity.__uniques__:
            return self._settle(
                key, transaction, lambda key: self._deleting(key, required=required, expected=expect_version)
            )
        expression = Expression()
        conditions = [own(codec, expression), codec.evolution.knows(expression)]
        conditions += _requirements(key.entity, expression, required, expect_version)
        try:
            answer = self._write(
                self.core.delete_item,
                self.name,
                where(key),
                return_values="ALL_OLD",
                return_values_on_condition_check_failure="ALL_OLD",
                **expression.arguments(conditions),
            )
        except ConditionNotMet as conflict:
            if conflict.may_have_run:
                raise _unknown("delete", key) from None
            if conflict.stored is None or codec.has_expired(conflict.stored, time.time()):
                return None
            codec.check_readable(conflict.stored, str(key))
            check_version(key, expect_version, conflict.stored)
            raise self._condition_failed(key, conflict.stored) from None
        row = answer.item
        if row is None and answer.may_have_run:
            raise _unknown("delete", key, "there is none now")
        return None if row is None or codec.has_expired(row, time.time()) else codec.decode_written(row, str(key))

    def transaction(self, token: str | None = None, *, joinable: bool = False) -> "Transaction":
        """The writes of this client in a `with` block, done together at its end; an exception in it abandons them all.

        Reads go straight through and see nothing of it. It is of this thread (and of this task, in async code) alone.
        At its end it raises TransactionFailed, whose `failures` say what stood in its way; while it is open
        TransactionInvalid, for a second operation on an item or a 101st. A lost answer is made good by the core. With a
        `token` a repetition of one's own within ten minutes writes once too, if it writes the very same: a timestamp or
        an id that is made anew is another transaction, and TransactionInvalid. In a `joinable` one another block is
        part of it: it is done, and fails, at the outer end.
        """
        from contextvars import ContextVar

        from taxiway.data.transactions import Transaction

        # One for all threads: setdefault is atomic.
        current = self.__dict__.setdefault("_transactions", ContextVar("transaction", default=None))
        return Transaction(current, self._commit, token, joinable=joinable)

    def check(self, key: Key[Any], condition: Condition | bool | None = None, *, absent: bool = False) -> None:
        """In a transaction: do it only if there is an item that it doesn't write, and a condition is true of it.

        With `absent`, only if there is none; one that has expired is none. Raises TransactionInvalid outside of a
        transaction, and EntityError where both are asked for; the transaction fails by Missing, ConditionFailed or
        AlreadyExists.
        """
        transaction = self._open()
        if transaction is None:
            raise TransactionInvalid("check is for a transaction: with table.transaction(): …")
        check_key("check", key)
        required = _condition(condition, key.entity)
        if absent and required is not None:
            raise EntityError(key.entity.__name__, "check can't ask something of an item that is to be absent")
        expression, now, codec = Expression(), int(time.time()), key.entity.__codec__
        if absent:
            conditions = [_absent(codec, expression, now)]
        else:
            conditions = [f"attribute_exists({PARTITION})", *alive(codec, expression, now)]
            conditions += [] if required is None else [required.render(expression)]
        body = actions.check(self.name, where(key), **CHECKED, **expression.arguments(conditions))

        def explain(row: Item | None) -> DataError:
            if absent:
                return AlreadyExists(f"{key} exists already.")
            return Missing(f"There is no {key}.") if row is None else self._condition_failed(key, row)

        transaction.enqueue(Write("check", key.entity.__name__, str(key), [Request(body, explain, codec)]))

    def rewrite(self, entity: type[Entity], row: Item, *, indexes: Sequence[str] = ()) -> bool:
        """Bring a stored row up to its entity's declaration: its form, and its keys in the indexes.

        `row` is what `core` gives. Of `indexes` it leaves those that the entity has no pattern for. Its
        version and its timestamps stay. It is written only as it was read, and read anew where it has changed since;
        the result is whether it was written. Raises StoredItemInvalid where it can't be read as the entity, NotUnique
        where another has its unique value, and Contended after twenty times.
        """
        return self._rewrite(entity, row, indexes, claims=True)

    def _rewrite(
        self, entity: type[Entity], row: Item, indexes: Sequence[str], *, claims: bool, takes: bool = True
    ) -> bool:
        """`rewrite`; without `claims` an item that is as declared is left alone, whatever it holds.

        One that does not take its unique values is written without them.
        """
        key: Key[Any] = Key(entity, row[PARTITION], row[SORT], ())
        found: Item | None = row
        for attempt in range(CONFLICTS):
            if found is None or entity.__codec__.has_expired(found, time.time()):
                return False
            item, attributes, rewriting = _rewriting(entity, found, indexes)
            if rewriting.is_empty and not (claims and not self._has_claimed(item, attributes)):
                return False
            body = rewriting.request()
            try:
                if entity.__uniques__:
                    made = actions.check if rewriting.is_empty else actions.update
                    update = Request(made(self.name, where(key), **CHECKED, **body), lambda _: _overtaken(key))
                    taken = _taken(self.name, item, attributes) if takes else []
                    self._carry_out(_write("rewrite", item, attributes, [update, *taken]), None)
                else:
                    self._call(self.core.update_item, self.name, where(key), **body)
            except (ConditionNotMet, Contended):
                pause(attempt)
                found = self._row(key)
                continue
            return True
        raise Contended(f"{key} was changed by others {CONFLICTS} times while it was being rewritten.")

    def needs_rewrite(self, entity: type[Entity], row: Item, *, indexes: Sequence[str] = ()) -> bool:
        """Whether `rewrite` would write. Raises what it would: StoredItemInvalid, and NotUnique."""
        item, attributes, rewriting = _rewriting(entity, row, indexes)
        has_claimed = self._has_claimed(item, attributes)
        return not (rewriting.is_empty and has_claimed)

    def _has_claimed(self, item: Entity, attributes: Item) -> bool:
        """Whether an item holds its unique values; a field that has become unique holds none for what was there.

        Raises NotUnique where another item does.
        """
        for claim in item.__uniques__:
            sentinel = claim.sentinel(partial(getattr, item))
            if sentinel is not None:
                row = self._call(self.core.get_item, self.name, claim.place(sentinel), consistent_read=True).item
                if row is not None and claim.is_anothers(row, attributes):
                    raise claim.violated(f"{type(item).__name__} at {attributes[PARTITION]!r}, {attributes[SORT]!r}")
                if row is None or not claim.is_held_by(row, attributes):
                    return False
        return True

    def _open(self) -> "Transaction | None":
        return None if self._transactions is None else self._transactions.get()

    def _carry_out(self, write: Write, transaction: "Transaction | None") -> None:
        """Make a write part of the transaction, or do it; then the error is that of its first operation that failed."""
        if transaction is not None:
            transaction.enqueue(write)
            return
        try:
            self._commit([write], None)
        except TransactionFailed as failed:
            if failed.failures:
                # What is in the way for good, before what may be gone the next time.
                raise min((each.error for each in failed.failures), key=_passes) from None
            raise

    def _settle(
        self,
        key: Key[E],
        transaction: "Transaction | None",
        codec: "Callable[[Key[E]], tuple[Write | None, Any]]",
    ) -> Any:
        """Carry out a write that is planned on what is stored; again where that has changed in between.

        A value that it was to give up and that turns out to be another's, from before it was unique, stays theirs.
        """
        others: set[tuple[str, str]] = set()
        for attempt in range(CONFLICTS):
            write, result = codec(key)
            if write is None:
                return result
            kept = [request for request in write.requests if request.key not in others]
            try:
                self._carry_out(replace(write, requests=kept), transaction)
            except HeldByAnother as error:
                others.add(error.place)
            except Contended:
                pause(attempt)
            else:
                return result
        raise Contended(f"{key} was changed by others {CONFLICTS} times while it was being written.")

    def _commit(self, writes: list[Write], token: str | None) -> None:
        requests = [(index, request) for index, write in enumerate(writes) for request in write.requests]
        parts = [request.action for _, request in requests]
        token = token or new_token()  # one for all attempts: it is carried out once
        reasons: list[CancellationReason] = []
        for attempt in range(CONFLICTS):
            try:
                self._write(self.core.transact_write_items, parts, client_request_token=token)
            except Cancelled as error:
                reasons, text = error.reasons, str(error)
                if len(reasons) != len(requests):
                    raise TransactionFailed([], f" {text}") from None
                if not _PASSING.issuperset(reason.code for reason in reasons):
                    break
            else:
                return
            pause(attempt)
        failures: list[Failure] = []
        for reason, (index, request) in zip(reasons, requests, strict=True):
            if reason.code != "None":
                write = writes[index]
                failures.append(Failure(index, write.verb, write.entity, write.key, _error_of(reason, request)))
        raise TransactionFailed(failures)

    def _replacement(
        self, key: Key[E], item: E, required: Condition | None, *, expected: int | None
    ) -> tuple[Write, E]:
        """A put as a transaction does it, with the unique values that it takes and gives up, and the item as stored."""
        raises = expected is None and "version" in item.__roles__
        row = self._row(key) if raises or item.__uniques__ else None
        if raises:
            item = _raised(item, row)
        attributes = attributes_of(item)
        expression = Expression()
        conditions = _put_conditions(item, expression, required, expected)
        if raises:
            conditions += _raises_version(item, expression)
        claims: list[Request] = []
        seen: Item | None = None
        claimed = _claimed_fields(type(item))
        if item.__uniques__:
            conditions += expression.holds(row, claimed) if row else [f"attribute_not_exists({PARTITION})"]
            # What has expired has given its values up: another may have them by now.
            seen = None if row is None or item.__codec__.has_expired(row, time.time()) else row
            old = None if seen is None else item.__codec__.decode(dict(seen), str(key))
            claims += _taken(self.name, item, attributes, old, seen.get(EXPIRES) if seen else None)
            claims += _released(self.name, old, item, where(key)) if old is not None else []
        explained = self._put_failure(key, expected)

        def explain(current: Item | None) -> DataError:
            if (required is None and expected is None) or (raises and _raised(item, current) is not item):
                return _overtaken(key)
            if item.__uniques__ and not _unchanged(seen, current, claimed):
                return _overtaken(key)
            return explained(current)

        body = actions.put(self.name, attributes, **CHECKED, **expression.arguments(conditions))
        request = Request(body, explain, item.__codec__)
        return _write("put", item, attributes, [request, *claims]), item

    def _updating(self, update: Update, key: Key[E]) -> tuple[Write, E]:
        """An update as a transaction does it, and the item as it will be."""
        codec: Codec = key.entity.__codec__
        row = self._row(key)
        if row is None or codec.has_expired(row, time.time()):
            raise Missing(f"There is no {key}.")
        if self._brought_up(key, row):
            return self._updating(update, key)
        check_version(key, update.expected, row)
        old = codec.decode(dict(row), str(key))
        try:
            result, body = update.settled(row)
        except Unfit as error:
            raise self._unfit(key, error) from None
        item = codec.decode(dict(result), str(key))

        def explain(current: Item | None) -> DataError:
            if current is None:
                return Missing(f"There is no {key}.")
            stale = mismatch(key, update.expected, current)
            if stale is not None:
                return stale
            if update.condition is not None and _unchanged(row, current, basis_of(key.entity)):
                return self._condition_failed(key, current)
            return _overtaken(key)

        requests = [Request(actions.update(self.name, where(key), **CHECKED, **body), explain, codec, result=result)]
        if _moves(update, key.entity):
            requests += [
                *_taken(self.name, item, result, old, row.get(EXPIRES)),
                *_released(self.name, old, item, where(key)),
            ]
        return Write("update", codec.name, str(key), requests), item

    def _deleting(
        self, key: Key[E], *, required: Condition | None, expected: int | None
    ) -> tuple[Write | None, E | None]:
        """A delete as a transaction does it, and the item as it was."""
        codec: Codec = key.entity.__codec__
        row = self._row(key)
        if row is None or codec.has_expired(row, time.time()):
            return None, None
        check_version(key, expected, row)
        item = codec.decode(dict(row), str(key))
        expression = Expression()
        basis = basis_of(key.entity)
        conditions = [f"attribute_exists({PARTITION})", *expression.holds(row, basis)]
        if required is not None:
            conditions.append(required.render(expression))

        def explain(current: Item | None) -> DataError:
            stale = None if current is None else mismatch(key, expected, current)
            if stale is not None:
                return stale
            if required is not None and _unchanged(row, current, basis):
                return self._condition_failed(key, current)
            return _overtaken(key)

        body = actions.delete(self.name, where(key), **CHECKED, **expression.arguments(conditions))
        requests = [Request(body, explain, codec), *_released(self.name, item, None, where(key))]
        return Write("delete", codec.name, str(key), requests), item

    def _updated(self, update: Update, basis: Item) -> ItemAnswer:
        """What DynamoDB answers to an update, with the item as it is then."""
        try:
            return self._write(
                self.core.update_item,
                self.name,
                where(update.key),
                return_values="ALL_NEW",
                return_values_on_condition_check_failure="ALL_OLD",
                **update.request(basis),
            )
        except Unfit as error:
            raise self._unfit(update.key, error) from None
        except Refused:
            self._check_refusal(update, self._row(update.key))  # of a sum that has more digits than DynamoDB
            raise

    def _judge(self, update: Update, stored: Item | None, basis: Item) -> None:
        """Raise what stands in the way of an update for good; return where it may be made of what is stored now."""
        if self._brought_up(update.key, stored):
            return
        self._check_refusal(update, stored)
        if update.condition is not None and self._basis(update.key, update.depends_on) == basis:
            raise self._condition_failed(update.key, stored) from None

    def _check_refusal(self, update: Update, stored: Item | None) -> None:
        """Raise what the item itself says against an update that was refused: it is gone, or doesn't fit."""
        key = update.key
        if stored is not None:
            key.entity.__codec__.check_readable(stored, str(key))
        if stored is None or key.entity.__codec__.has_expired(stored, time.time()):
            raise Missing(f"There is no {key}.") from None
        check_version(key, update.expected, stored)
        try:
            update.check_fit(stored)
        except Unfit as error:
            raise self._unfit(key, error) from None

    def _expected(self, key: Key[E], expect_version: int | None) -> E:
        """The item, which must be there, and at that version."""
        row = self._row(key)
        if row is None or key.entity.__codec__.has_expired(row, time.time()):
            raise Missing(f"There is no {key}.")
        check_version(key, expect_version, row)
        return key.entity.__codec__.decode(row, str(key))

    def _basis(self, key: Key[Any], wanted: tuple[Named, ...], *, present: bool = False) -> Item | None:
        """What is stored in these fields, absent ones left out; None where there is no item. No fields, no call.

        With `present` an item of an older form is first brought up to the present one.
        """
        if not wanted:
            return {}
        codec: Codec = key.entity.__codec__
        expression = Expression()
        stored = dict.fromkeys((PARTITION, EXPIRES, SCHEMA, *(field.stored for field in wanted)))
        projection = ", ".join(expression.name(each) for each in stored)
        row = self._call(
            self.core.get_item,
            self.name,
            where(key),
            consistent_read=True,
            projection_expression=projection,
            expression_attribute_names=expression.names,
        ).item
        if row is None or codec.has_expired(row, time.time()):
            return None
        if present and self._brought_up(key, row):
            return self._basis(key, wanted, present=True)
        return {field.stored: row[field.stored] for field in wanted if field.stored in row}

    def _brought_up(self, key: Key[Any], stored: Item | None) -> bool:
        """Whether what is stored was of another form, and now is of the present one. Raises UnknownVersion."""
        codec: Codec = key.entity.__codec__
        if stored is None or not codec.evolution.is_other(stored) or codec.has_expired(stored, time.time()):
            return False
        row = self._row(key)
        if row is not None:
            try:
                self._rewrite(key.entity, row, (), claims=False)
            except NotUnique:  # another has its value, as migrate tells; what is to be written now may be another one
                self._rewrite(key.entity, row, (), claims=False, takes=False)
        return True

    def _put(self, attributes: Item, conditions: list[str], expression: Expression) -> None:
        self._write(
            self.core.put_item,
            self.name,
            attributes,
            return_values_on_condition_check_failure="ALL_OLD" if conditions else None,
            **expression.arguments(conditions),
        )

    def _put_failure(self, key: Key[Any], expected: int | None) -> Callable[[Item | None], DataError]:
        def explain(row: Item | None) -> DataError:
            if row is not None and key.entity.__codec__.has_expired(row, time.time()):
                row = None
            return mismatch(key, expected, row or {}) or self._condition_failed(key, row)

        return explain

    def _condition_failed(self, key: Key[Any], row: Item | None) -> ConditionFailed:
        """The error with the item as it is."""
        codec: Codec = key.entity.__codec__
        if row is not None and codec.has_expired(row, time.time()):
            row = None
        current = None if row is None else codec.decode(dict(row), str(key))
        return ConditionFailed(f"The condition on {key} doesn't hold.", current=current)

    def _unfit(self, key: Key[Any], error: Unfit) -> ConditionFailed:
        """The error of a change that can't be made to what is there."""
        text = f"{error}."
        return ConditionFailed(
            f"{key} can't be changed so: {text}", current=self.get(key, consistent=True), public_detail=text
        )


def stamped(item: E, *, fresh: bool = False, after: int | None = None) -> E:
    """A copy with the fields that a write sets, and its expiry in whole seconds.

    The version is one higher than the item's own, or than the one `after` which it comes.
    """
    roles = item.__roles__
    if not roles:
        return item
    stamp = now()
    stamps: dict[str, Any] = {}
    if "updated" in roles:
        stamps[roles["updated"]] = stamp
    if "version" in roles:
        before = getattr(item, roles["version"]) if after is None else after
        stamps[roles["version"]] = 1 if fresh else before + 1
    if fresh and "created" in roles:
        stamps[roles["created"]] = stamp
    if "ttl" in roles and getattr(item, roles["ttl"]) is not None:
        try:
            stamps[roles["ttl"]] = moment(seconds(getattr(item, roles["ttl"])))
        except ValueError as error:
            raise item.__codec__.invalid(item.__codec__.fields[roles["ttl"]], error) from None
    try:
        return replace(item, **stamps)
    except (ValueError, TypeError) as error:  # of a class that checks its objects
        raise item.__codec__.invalid(None, error) from None


def _raises_version(item: Entity, expression: Expression) -> list[str]:
    """The condition that an item's version is higher than what is stored; none for an entity without one."""
    if "version" not in item.__roles__:
        return []
    own = item.__roles__["version"]
    version = expression.name(item.__codec__.fields[own].stored)
    return [f"(attribute_not_exists({version}) OR {version} < {expression.value(getattr(item, own))})"]


def _raised(item: E, row: Item | None) -> E:
    """The item itself where its version is higher than what is stored, or else one whose version is."""
    own = item.__roles__.get("version")
    if own is None or row is None:
        return item
    stored = row.get(item.__codec__.fields[own].stored)
    return replace(item, **{own: stored + 1}) if isinstance(stored, int) and stored >= getattr(item, own) else item


def attributes_of(item: Entity) -> Item:
    """Everything that is stored of an item: its fields, its key, and its keys in the indexes that it is in."""
    attributes = item.__codec__.encode(item)
    get = partial(getattr, item)
    attributes[PARTITION] = item.__primary__.partition.render(get)
    attributes[SORT] = item.__primary__.sort.render(get)
    for pattern in item.__indexed__:
        own = attributes[PARTITION], attributes[SORT]
        partition, sort = pattern.written(pattern.partition.render(get), own), pattern.sort.render(get)
        if partition is not None and sort is not None:
            attributes[pattern.partition_attribute] = partition
            attributes[pattern.sort_attribute] = sort
    return attributes


def _rewriting(entity: type[Entity], row: Item, indexes: Sequence[str]) -> tuple[Entity, Item, Rewriting]:
    codec, place = entity.__codec__, label(row)
    upcast = codec.evolution.upcast(row, place) if codec.evolution.is_other(row) else row
    item = codec.decode(dict(upcast), place)
    attributes = attributes_of(item)
    return item, attributes, Rewriting(entity, row, upcast, attributes, place, indexes)


def _condition(given: Condition | bool | None, entity: type[Entity]) -> Condition | None:
    return None if given is None else condition_of(given, entity.__name__)


def _holding(table: str, key: Key[Any], expected: int) -> Write:
    """What holds a transaction to an item's version and changes nothing: an update, which is what its caller may do."""
    codec, expression = key.entity.__codec__, Expression()
    conditions = _requirements(key.entity, expression, None, expected)
    conditions += [own(codec, expression), *alive(codec, expression, int(time.time()))]
    change = f"SET {expression.name(ENTITY)} = {expression.value(codec.name)}"

    def explain(row: Item | None) -> DataError:
        return Missing(f"There is no {key}.") if row is None else mismatch(key, expected, row) or _overtaken(key)

    body = actions.update(table, where(key), change, **CHECKED, **expression.arguments(conditions))
    return Write("update", codec.name, str(key), [Request(body, explain, codec)])


def _requirements(
    entity: type[Entity], expression: Expression, required: Condition | None, expected: int | None
) -> list[str]:
    """What the caller asks of the item that there is."""
    conditions: list[str] = []
    if expected is not None:
        version = expression.name(entity.__codec__.fields[entity.__roles__["version"]].stored)
        conditions.append(f"{version} = {expression.value(expected)}")
    if required is not None:
        conditions.append(required.render(expression))
    return conditions


def _put_conditions(
    item: Entity, expression: Expression, required: Condition | None, expected: int | None
) -> list[str]:
    if expected is None and required is None:
        return []
    now = int(time.time())
    if expected is not None:
        wanted = _requirements(type(item), expression, required, expected)
        return wanted + alive(item.__codec__, expression, now)
    assert required is not None
    return _unless_expired(item.__codec__, expression, required, now)


def _absent(codec: Codec, expression: Expression, now: int) -> str:
    """The condition that there is no item, or one that has expired."""
    text = f"attribute_not_exists({PARTITION})"
    return f"({text} OR {expression.name(EXPIRES)} <= {expression.value(now)})" if codec.expires else text


def _unless_expired(codec: Codec, expression: Expression, required: Condition, now: int) -> list[str]:
    """A condition on what is there, where what has expired is nothing."""
    text = required.render(expression)
    if not codec.expires or not required.of_nothing:
        return [text, *alive(codec, expression, now)]
    return [f"({text} OR {expression.name(EXPIRES)} <= {expression.value(now)})"]


def _key_of(item: E) -> Key[E]:
    get = partial(getattr, item)
    primary = item.__primary__
    return Key(type(item), str(primary.partition.render(get)), str(primary.sort.render(get)), ())


def _write(verb: str, item: Entity, attributes: Item, requests: list[Request]) -> Write:
    name = type(item).__name__
    return Write(verb, name, f"{name} at {attributes[PARTITION]!r}, {attributes[SORT]!r}", requests)


def _moves(update: Update, entity: type[Entity]) -> bool:
    """Whether an update changes what a sentinel says: a unique value, or when the item expires."""
    if not entity.__uniques__:
        return False
    expiry = entity.__roles__.get("ttl")
    fields = [name for claim in entity.__uniques__ for name in claim.template.fields]
    return update.touches((*fields, expiry) if expiry else tuple(fields))


def _taken(
    table: str, item: Entity, attributes: Item, old: Entity | None = None, until: int | None = None
) -> list[Request]:
    """What makes an item's unique values its own; not those that the item as it was has `until` the same moment."""
    requests: list[Request] = []
    key = f"{type(item).__name__} at {attributes[PARTITION]!r}, {attributes[SORT]!r}"
    expires = attributes.get(EXPIRES) if item.__codec__.expires else None
    for claim in item.__uniques__:
        sentinel = claim.sentinel(partial(getattr, item))
        held = None if old is None or until != expires else claim.sentinel(partial(getattr, old))
        if sentinel is not None and sentinel != held:
            body = claim.take(table, sentinel, attributes, expires, int(time.time()))
            error = claim.violated(key)
            requests.append(Request(body, lambda _, error=error: error, takes=True))
    return requests


def _released(table: str, old: Entity, new: Entity | None, holder: Item) -> list[Request]:
    """What frees the unique values that an item had and doesn't have any more."""
    requests: list[Request] = []
    for claim in old.__uniques__:
        sentinel = claim.sentinel(partial(getattr, old))
        kept = None if new is None else claim.sentinel(partial(getattr, new))
        if sentinel is not None and sentinel != kept:
            requests.append(claim.released(table, sentinel, holder, f"{type(old).__name__} at {holder[PARTITION]!r}"))
    return requests


def _claimed_fields(entity: type[Entity]) -> tuple[Field, ...]:
    """The fields that an item's sentinels follow from, with when it expires, as they do then."""
    names = dict.fromkeys(name for claim in entity.__uniques__ for name in claim.template.fields)
    if "ttl" in entity.__roles__:
        names[entity.__roles__["ttl"]] = None
    return tuple(entity.__codec__.fields[name] for name in names)


def _unchanged(before: Item | None, after: Item | None, fields: tuple[Field, ...]) -> bool:
    """Whether an item is as it was read, in these fields."""
    if before is None or after is None:
        return before is after
    return all(before.get(field.stored) == after.get(field.stored) for field in fields)


def _error_of(reason: CancellationReason, request: Request) -> DataError:
    """Why an operation of a transaction failed, from the item that its condition was checked against."""
    if reason.code == "ValidationError" and request.is_too_large:
        return ItemTooLarge("DynamoDB: the item would be larger than 400 KB.")
    if reason.code != "ConditionalCheckFailed":
        return _REASONS.get(reason.code, Refused)(f"DynamoDB: {reason.code}.")
    row = reason.item
    if row is not None and request.codec is not None and request.codec.has_expired(row, time.time()):
        row = None
    return request.explain(row)


def _passes(error: DataError) -> bool:
    """Whether what failed may not fail the next time."""
    return isinstance(error, Conflict | Throttled | Contended)


def _made_by(update: Update, conflict: ConditionNotMet, *, sure: bool) -> Item | None:
    """What is stored, where it is this update's doing and nothing more; None where it may be made again.

    `sure` is whether it can't have been made more than once. Raises OutcomeUnknown where neither can be said.
    """
    if is_of(conflict.stored, update.write):
        if update.accumulates and not sure:
            raise _unknown("update", update.key, "it may have been made twice") from None
        return conflict.stored
    if not update.may_be_made_again:
        raise _unknown("update", update.key) from None
    return None


def _unknown(verb: str, key: object, what: str = "") -> OutcomeUnknown:
    return OutcomeUnknown(
        f"It is not known whether the {verb} of {key} was carried out: the answer to it was lost, and what is stored "
        f"now doesn't tell{what and f' ({what})'}.\nFix: read it, or write it in a transaction, which is never in doubt"
    )


def _overtaken(key: object) -> Contended:
    return Contended(f"{key} was changed by another writer in the meantime.")
