"""Records of requests in the table: who serves one, and how it was answered, so that it is carried out once.

A record is first a claim: a conditional put that one of several takers wins, good until `expiresAt`. The taker's writes
and the answer are then stored in one transaction, on the condition that the claim still is the taker's own. So a taker
that crashed blocks nobody for longer than its claim, and one that was given up for dead can't commit any more.
"""

import os
import time
from math import ceil
from typing import TYPE_CHECKING

from taxiway.data.client import TableClient
from taxiway.data.encoding import ENTITY, EXPIRES
from taxiway.data.errors import Conflict, Unavailable, translate
from taxiway.data.patterns import PARTITION, SORT
from taxiway.sdk.dynamodb import ConditionalCheckFailed, Item
from taxiway.sdk.dynamodb.actions import put
from taxiway.sdk.errors import SdkError

if TYPE_CHECKING:
    from taxiway.data.transactions import Transaction

PARTITION_KEY, SORT_KEY = "IDEMPOTENCY#{request}", "IDEMPOTENCY"
"""Templates of the keys, as an entity would have them."""

_NAMES = {"#claim": "claim", "#answer": "answer"}
_OWN = "#claim = :claim AND attribute_not_exists(#answer)"


class Kept:
    """A record that another request has left: `answer` is None while that one is being served."""

    def __init__(self, stored: Item) -> None:
        self.fingerprint: bytes = stored["fingerprint"]
        self.answer: Item | None = stored.get("answer")


class Claim:
    """A request that is this taker's to serve. `token` names the claim."""

    def __init__(self, table: TableClient, row: Item, lifetime: int) -> None:
        self.token: str = row["claim"]
        self._table = table
        self._row = row
        self._lifetime = lifetime

    def keep(self, answer: Item, transaction: "Transaction") -> None:
        """Make the answer part of the transaction, which then fails where the claim is no longer ours."""
        kept = put(
            self._table.name,
            self._row | {"answer": answer, EXPIRES: int(time.time()) + self._lifetime},
            condition_expression=_OWN,
            expression_attribute_names=_NAMES,
            expression_attribute_values={":claim": self.token},
        )
        overtaken = Unavailable(f"The request at {self._row[PARTITION]!r} was taken over when its claim had expired.")
        transaction.add(kept, label="the record of the request", failed=overtaken)

    def release(self) -> bool:
        """Give the claim up, after which its transaction can't succeed any more; whether it has already.

        Both in one call, because a transaction whose answer was lost may have been carried out, or yet be on its way.
        Where the table doesn't answer, the claim ends by itself.
        """
        key = {PARTITION: self._row[PARTITION], SORT: SORT_KEY}
        try:
            self._table.core.delete_item(
                self._table.name,
                key,
                condition_expression=_OWN,
                expression_attribute_names=_NAMES,
                expression_attribute_values={":claim": self.token},
                return_values_on_condition_check_failure="ALL_OLD",
            )
        except ConditionalCheckFailed as error:
            return (error.item or {}).get("claim") == self.token
        except SdkError:
            return False
        return False


class Records:
    """The records in a table. `lifetime` is how long an answer is kept, in seconds."""

    def __init__(self, table: TableClient, *, lifetime: int) -> None:
        self._table = table
        self._lifetime = lifetime

    def claim(self, request: str, fingerprint: bytes, *, lease: float) -> Claim | Kept:
        """Take a request on for `lease` seconds, or find who did. Raises DataError.

        A record that has expired is none, whether or not DynamoDB has deleted it yet.
        """
        now = time.time()
        row: Item = {
            PARTITION: PARTITION_KEY.replace("{request}", request),
            SORT: SORT_KEY,
            ENTITY: "Idempotency",
            "claim": os.urandom(16).hex(),
            "fingerprint": fingerprint,
            EXPIRES: ceil(now + lease),
        }
        try:
            self._table.core.put_item(
                self._table.name,
                row,
                condition_expression=f"attribute_not_exists({PARTITION}) OR {EXPIRES} <= :now",
                expression_attribute_values={":now": int(now)},
                return_values_on_condition_check_failure="ALL_OLD",
            )
        except ConditionalCheckFailed as error:
            stored = error.item
            if not stored:
                raise Unavailable(
                    f"DynamoDB refused to write {row[PARTITION]!r}, and not for what is there."
                ) from error
            if stored["claim"] != row["claim"]:  # else the answer was lost, and its repetition found our own
                return Kept(stored)
        except SdkError as error:
            meaning = translate(error)
            if isinstance(meaning, Conflict):  # its answer is being kept at this moment
                return Kept({"fingerprint": fingerprint})
            raise meaning from error
        return Claim(self._table, row, self._lifetime)
