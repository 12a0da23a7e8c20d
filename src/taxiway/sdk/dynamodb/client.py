"""DynamoDB's data plane: one method for each operation, with Python values.

`send` takes a request of the wire form and gives the answer's bytes, for callers with a codec of their own.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from taxiway.sdk import client
from taxiway.sdk.attempts import Answer
from taxiway.sdk.client import CONNECT_TIMEOUT, READ_TIMEOUT
from taxiway.sdk.codec import decode, encode
from taxiway.sdk.dynamodb import answers, requests
from taxiway.sdk.dynamodb.answers import (
    BatchGetAnswer,
    BatchWriteAnswer,
    ItemAnswer,
    Page,
    TransactGetAnswer,
    TransactWriteAnswer,
)
from taxiway.sdk.dynamodb.requests import Action, Capacity, Names, OnFailure
from taxiway.sdk.dynamodb.service import SERVICE
from taxiway.sdk.dynamodb.values import item_from_wire, item_to_wire
from taxiway.sdk.errors import InvalidAnswer
from taxiway.sdk.signing import Credentials

Attributes = Mapping[str, object]
Select = Literal["ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"]


class DynamoDB:
    """A client of DynamoDB, which threads may share.

    Region, endpoint and credentials are those of the environment where they are not given. Time-outs are in seconds;
    each method's `timeout` holds for the whole call, and `deadline`, a time of `time.monotonic()`, for every call.
    Every method raises the errors of `Client.call`, as `DynamoDBError` where DynamoDB refuses, and InvalidValue where
    an argument can't be stored.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        endpoint: str | None = None,
        credentials: Credentials | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        max_attempts: int | None = None,
    ) -> None:
        self.client = client.Client(
            SERVICE,
            region=region,
            endpoint=endpoint,
            credentials=credentials,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_attempts=max_attempts,
        )

    @property
    def deadline(self) -> float | None:
        return self.client.deadline

    @deadline.setter
    def deadline(self, deadline: float | None) -> None:
        self.client.deadline = deadline

    def close(self) -> None:
        """Close the connections that are idle."""
        self.client.close()

    def send(self, request: Struct, *, timeout: float | None = None) -> Answer:
        """Send a request of `requests`, or any struct that is named like an operation and encodes to its request."""
        return self.client.call(type(request).__name__, encode(request), timeout=timeout)

    def get_item(
        self,
        table_name: str,
        key: Attributes,
        *,
        consistent_read: bool = False,
        projection_expression: str | None = None,
        expression_attribute_names: Names | None = None,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> ItemAnswer:
        request = requests.GetItem(
            table_name,
            item_to_wire(key),
            consistent_read,
            projection_expression,
            expression_attribute_names,
            return_consumed_capacity,
        )
        return self._item(request, timeout)

    def put_item(
        self,
        table_name: str,
        item: Attributes,
        *,
        condition_expression: str | None = None,
        expression_attribute_names: Names | None = None,
        expression_attribute_values: Attributes | None = None,
        return_values: Literal["ALL_OLD"] | None = None,
        return_values_on_condition_check_failure: OnFailure | None = None,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> ItemAnswer:
        request = requests.PutItem(
            table_name,
            item_to_wire(item),
            condition_expression,
            expression_attribute_names,
            _values(expression_attribute_values),
            return_values,
            return_values_on_condition_check_failure,
            return_consumed_capacity,
        )
        return self._item(request, timeout)

    def update_item(
        self,
        table_name: str,
        key: Attributes,
        *,
        update_expression: str | None = None,
        condition_expression: str | None = None,
        expression_attribute_names: Names | None = None,
        expression_attribute_values: Attributes | None = None,
        return_values: Literal["ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"] | None = None,
        return_values_on_condition_check_failure: OnFailure | None = None,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> ItemAnswer:
        request = requests.UpdateItem(
            table_name,
            item_to_wire(key),
            update_expression,
            condition_expression,
            expression_attribute_names,
            _values(expression_attribute_values),
            return_values,
            return_values_on_condition_check_failure,
            return_consumed_capacity,
        )
        return self._item(request, timeout)

    def delete_item(
        self,
        table_name: str,
        key: Attributes,
        *,
        condition_expression: str | None = None,
        expression_attribute_names: Names | None = None,
        expression_attribute_values: Attributes | None = None,
        return_values: Literal["ALL_OLD"] | None = None,
        return_values_on_condition_check_failure: OnFailure | None = None,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> ItemAnswer:
        request = requests.DeleteItem(
            table_name,
            item_to_wire(key),
            condition_expression,
            expression_attribute_names,
            _values(expression_attribute_values),
            return_values,
            return_values_on_condition_check_failure,
            return_consumed_capacity,
        )
        return self._item(request, timeout)

    def query(
        self,
        table_name: str,
        key_condition_expression: str,
        *,
        expression_attribute_names: Names | None = None,
        expression_attribute_values: Attributes | None = None,
        index_name: str | None = None,
        filter_expression: str | None = None,
        projection_expression: str | None = None,
        select: Select | None = None,
        consistent_read: bool = False,
        scan_index_forward: bool = True,
        limit: int | None = None,
        exclusive_start_key: Attributes | None = None,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> Page:
        """One page; the next begins at its `last_key`."""
        request = requests.Query(
            table_name,
            key_condition_expression,
            expression_attribute_names,
            _values(expression_attribute_values),
            index_name,
            filter_expression,
            projection_expression,
            select,
            consistent_read,
            scan_index_forward,
            limit,
            _values(exclusive_start_key),
            return_consumed_capacity,
        )
        return self._page(request, timeout)

    def scan(
        self,
        table_name: str,
        *,
        index_name: str | None = None,
        filter_expression: str | None = None,
        projection_expression: str | None = None,
        expression_attribute_names: Names | None = None,
        expression_attribute_values: Attributes | None = None,
        select: Select | None = None,
        consistent_read: bool = False,
        segment: int | None = None,
        total_segments: int | None = None,
        limit: int | None = None,
        exclusive_start_key: Attributes | None = None,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> Page:
        """One page; the next begins at its `last_key`."""
        request = requests.Scan(
            table_name,
            index_name,
            filter_expression,
            projection_expression,
            expression_attribute_names,
            _values(expression_attribute_values),
            select,
            consistent_read,
            segment,
            total_segments,
            limit,
            _values(exclusive_start_key),
            return_consumed_capacity,
        )
        return self._page(request, timeout)

    def batch_get_item(
        self,
        keys: Mapping[str, Sequence[Attributes]],
        *,
        consistent_read: bool = False,
        projection_expression: str | None = None,
        expression_attribute_names: Names | None = None,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> BatchGetAnswer:
        """Up to 100 items of up to 16 MB, by the keys of each table."""
        asked = {
            table: requests.KeysAndAttributes(
                [item_to_wire(key) for key in each],
                consistent_read,
                projection_expression,
                expression_attribute_names,
            )
            for table, each in keys.items()
        }
        answer = self.send(requests.BatchGetItem(asked, return_consumed_capacity), timeout=timeout)
        told = decode(answer.body, answers.WireBatchGet)
        return BatchGetAnswer(
            {table: [item_from_wire(item) for item in items] for table, items in told.responses.items()},
            {table: [item_from_wire(key) for key in each.keys] for table, each in told.unprocessed_keys.items()},
            told.consumed_capacity,
            answer.attempts,
            answer.may_have_run,
        )

    def batch_write_item(
        self,
        writes: Mapping[str, Sequence[requests.PutRequest | requests.DeleteRequest]],
        *,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> BatchWriteAnswer:
        """Up to 25 puts and deletes (`actions.put_request`, `actions.delete_request`), each for itself."""
        asked = {table: [_write(each) for each in listed] for table, listed in writes.items()}
        answer = self.send(requests.BatchWriteItem(asked, return_consumed_capacity), timeout=timeout)
        told = decode(answer.body, answers.WireBatchWrite)
        return BatchWriteAnswer(
            {table: [_unprocessed(each) for each in listed] for table, listed in told.unprocessed_items.items()},
            told.consumed_capacity,
            answer.attempts,
            answer.may_have_run,
        )

    def transact_get_items(
        self,
        gets: Sequence[requests.Get],
        *,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> TransactGetAnswer:
        """Up to 100 items as they are at one moment (`actions.get`)."""
        request = requests.TransactGetItems([{"Get": each} for each in gets], return_consumed_capacity)
        answer = self.send(request, timeout=timeout)
        told = decode(answer.body, answers.WireTransaction)
        return TransactGetAnswer(
            [item_from_wire(each.item) if each.item else None for each in told.responses],
            told.consumed_capacity,
            answer.attempts,
            answer.may_have_run,
        )

    def transact_write_items(
        self,
        writes: Sequence[Action],
        *,
        client_request_token: str | None = None,
        return_consumed_capacity: Capacity | None = None,
        timeout: float | None = None,
    ) -> TransactWriteAnswer:
        """Up to 100 writes, all or none (`actions.put`, `update`, `delete`, `check`).

        With the token a repetition changes nothing more, for ten minutes; a call without one gets a token of its own,
        which its retries share.
        """
        request = requests.TransactWriteItems(
            [{type(each).__name__: each} for each in writes],
            client_request_token or new_token(),
            return_consumed_capacity,
        )
        answer = self.send(request, timeout=timeout)
        told = decode(answer.body, answers.WireTransaction)
        return TransactWriteAnswer(told.consumed_capacity, answer.attempts, answer.may_have_run)

    def _item(self, request: Struct, timeout: float | None) -> ItemAnswer:
        answer = self.send(request, timeout=timeout)
        if answer.body == b"{}":
            return ItemAnswer(None, None, answer.attempts, answer.may_have_run)
        told = decode(answer.body, answers.WireItemAnswer)
        wire = told.item or told.attributes
        item = item_from_wire(wire) if wire else None
        return ItemAnswer(item, told.consumed_capacity, answer.attempts, answer.may_have_run)

    def _page(self, request: Struct, timeout: float | None) -> Page:
        answer = self.send(request, timeout=timeout)
        told = decode(answer.body, answers.WirePage)
        return Page(
            [item_from_wire(item) for item in told.items],
            told.count,
            told.scanned_count,
            item_from_wire(told.last_evaluated_key) if told.last_evaluated_key else None,
            told.consumed_capacity,
            answer.attempts,
            answer.may_have_run,
        )


def new_token() -> str:
    """A ClientRequestToken that nobody else has."""
    return os.urandom(16).hex()


def _values(values: Attributes | None) -> Mapping[str, object] | None:
    return None if values is None else item_to_wire(values)


def _write(each: requests.PutRequest | requests.DeleteRequest) -> requests.WriteRequest:
    if isinstance(each, requests.PutRequest):
        return requests.WriteRequest(put_request=each)
    return requests.WriteRequest(delete_request=each)


def _unprocessed(each: answers.WireWrite) -> requests.PutRequest | requests.DeleteRequest:
    if each.put_request is not None:
        return requests.PutRequest(each.put_request["Item"])
    if each.delete_request is not None:
        return requests.DeleteRequest(each.delete_request["Key"])
    raise InvalidAnswer("An unprocessed write is neither a put nor a delete")
