"""Carries out what the verbs plan: one request as itself, several as a transaction, or all in the caller's own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from taxiway.data.connection import Cancelled, ConditionNotMet, Connection
from taxiway.data.contention import CONFLICTS, tries
from taxiway.data.errors import (
    Conflict,
    Contended,
    DataError,
    Failure,
    HeldByAnother,
    ItemTooLarge,
    Missing,
    OutcomeUnknown,
    Refused,
    Throttled,
    TransactionFailed,
)
from taxiway.data.requests import Done, Plan, Refusal, Request
from taxiway.sdk.dynamodb import CancellationReason, new_token

if TYPE_CHECKING:
    from contextvars import ContextVar  # 0.3 ms that a function without transactions doesn't pay

    from taxiway.data.transactions import Transaction

_PASSING = frozenset(("None", "TransactionConflict"))
"""The reasons of a cancelled transaction that may be gone the next time."""
_REASONS: dict[str, Callable[[str], DataError]] = {
    "TransactionConflict": Conflict,
    "ThrottlingError": Throttled,
    "ProvisionedThroughputExceeded": Throttled,
}


class _Tried:
    """What became of the tries of one call: whether one may have been carried out, and whose unique values stay."""

    def __init__(self) -> None:
        self.count = 0
        self.ran = False
        self.others: set[tuple[str, str]] = set()


class Planner(Protocol):
    """One call of a verb. It plans anew each time that another writer came between."""

    verb: str
    key: Any

    def plan(self, *, together: bool) -> Plan | Done:
        """What to do, given what is stored now. `together` is whether it will be part of a transaction."""
        ...


class Executor:
    """Carries out plans at once, or makes them part of the transaction that is open."""

    _transactions: "ContextVar[Transaction | None] | None" = None

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def open(self) -> "Transaction | None":
        """The transaction that this thread or task is in."""
        return None if self._transactions is None else self._transactions.get()

    @property
    def transactions(self) -> "ContextVar[Transaction | None]":
        """Where each thread and task keeps its transaction."""
        from contextvars import ContextVar

        # One for all threads: setdefault is atomic.
        return self.__dict__.setdefault("_transactions", ContextVar("transaction", default=None))

    def settle(self, planner: Planner, *, at_once: bool = False) -> Any:
        """Carry out what a verb plans, and plan again where another writer came between.

        A unique value that it was to give up and that turns out to be another's, from before it was unique, stays
        theirs. What is done `at_once` is no part of the transaction that is open.
        """
        transaction = None if at_once else self.open
        if transaction is not None:
            plan = planner.plan(together=True)
            if isinstance(plan, Plan):
                transaction.enqueue(plan)
            return plan.result
        tried = _Tried()
        for _ in tries():
            try:
                return self._try(planner, tried)
            except HeldByAnother as error:
                tried.others.add(error.place)
            except Contended:
                continue
        raise Contended(f"{planner.key} was changed by others {CONFLICTS} times while it was being written.")

    def _try(self, planner: Planner, tried: _Tried) -> Any:
        """Carry out a plan once. Raises Contended where another writer came between."""
        tried.count += 1
        try:
            plan = planner.plan(together=False)
        except Missing:
            if tried.ran:
                raise unknown(planner.verb, planner.key) from None
            raise
        if isinstance(plan, Done):
            return plan.result
        if plan.read is None:
            requests = [each for each in plan.requests if each.key not in tried.others]
            self._commit_one(replace(plan, requests=requests))
            return plan.result
        refusal = self._alone(plan, ran=tried.ran)
        if isinstance(refusal, Done):
            return refusal.result
        tried.ran = tried.ran or refusal.may_have_run
        found = plan.refused(Refusal(refusal.stored, tried.ran, tried.count == 1 and refusal.attempts == 2))
        if found is None:
            raise plan.requests[0].explain(refusal.stored)
        return found.result

    def _commit_one(self, plan: Plan) -> None:
        """Do a plan as a transaction of its own. The error is that of its first request that failed."""
        try:
            self.commit([plan], None)
        except TransactionFailed as failed:
            if failed.failures:
                # What is in the way for good, before what may be gone the next time.
                raise min((each.error for each in failed.failures), key=_passes) from None
            raise

    def commit(self, plans: list[Plan], token: str | None) -> None:
        """Do plans as one transaction. Raises TransactionFailed, which names what stood in the way."""
        requests = [(index, request) for index, plan in enumerate(plans) for request in plan.requests]
        parts = [request.action(self._connection.name) for _, request in requests]
        token = token or new_token()  # one for all attempts: it is carried out once
        reasons: list[CancellationReason] = []
        for _ in tries():
            try:
                self._connection.write(self._connection.core.transact_write_items, parts, client_request_token=token)
            except Cancelled as error:
                reasons, text = error.reasons, str(error)
                if len(reasons) != len(requests):
                    raise TransactionFailed([], f" {text}") from None
                if not _PASSING.issuperset(reason.code for reason in reasons):
                    break
            else:
                return
        failures: list[Failure] = []
        for reason, (index, request) in zip(reasons, requests, strict=True):
            if reason.code != "None":
                plan = plans[index]
                error = _error_of(reason, request)
                failures.append(Failure(index, plan.verb, plan.entity, plan.key, error))
        raise TransactionFailed(failures)

    def _alone(self, plan: Plan, *, ran: bool) -> Done | ConditionNotMet:
        """Send a plan of one request as that request."""
        request, connection = plan.requests[0], self._connection
        arguments: dict[str, Any] = {} if plan.returns == "NONE" else {"return_values": plan.returns}
        if "condition_expression" in request.arguments:
            arguments["return_values_on_condition_check_failure"] = "ALL_OLD"
        try:
            answer = connection.write(
                request.call(connection.core), connection.name, request.target, **request.arguments, **arguments
            )
        except ConditionNotMet as refusal:
            return refusal
        except Refused:
            if plan.rejected is not None:
                plan.rejected()
            raise
        if ran or answer.may_have_run:
            plan.repeated(answer.item)
        assert plan.read is not None
        return Done(plan.read(answer.item))


def unknown(verb: str, key: object, what: str = "") -> OutcomeUnknown:
    """The error where nobody can tell whether a write was carried out."""
    return OutcomeUnknown(
        f"It is not known whether the {verb} of {key} was carried out: the answer to it was lost, and what is stored "
        f"now doesn't tell{what and f' ({what})'}.\nFix: read it, or write it in a transaction, which is never in doubt"
    )


def _passes(error: DataError) -> bool:
    """Whether what failed may not fail the next time."""
    return isinstance(error, Conflict | Throttled | Contended | HeldByAnother)


def _error_of(reason: CancellationReason, request: Request) -> DataError:
    """Why an operation of a transaction failed, from the item that its condition was checked against."""
    if reason.code == "ValidationError" and (request.is_too_large or "Item size" in reason.message):
        return ItemTooLarge("DynamoDB: the item would be larger than 400 KB.")
    if reason.code != "ConditionalCheckFailed":
        return _REASONS.get(reason.code, Refused)(f"DynamoDB: {reason.code}.")
    return request.explain(reason.item)
