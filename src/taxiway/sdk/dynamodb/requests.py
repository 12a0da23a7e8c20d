"""DynamoDB's requests, one class for each operation of the data plane, in the wire form.

A field is the API's parameter in snake case; what is None is not sent. Items, keys and values are in the wire form
(`values.item_to_wire`), or any msgspec struct that encodes to it.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Wire: TypeAlias = Mapping[str, Any] | Struct
Names: TypeAlias = Mapping[str, str]
Capacity: TypeAlias = Literal["TOTAL", "INDEXES"]
"""How much of the consumed capacity an answer shows: the sum, or each index's as well."""
OnFailure: TypeAlias = Literal["ALL_OLD"]
"""Has the item that a condition was checked against come with the error."""


class GetItem(Struct, omit_defaults=True, rename="pascal"):
    table_name: str
    key: Wire
    consistent_read: bool = False
    projection_expression: str | None = None
    expression_attribute_names: Names | None = None
    return_consumed_capacity: Capacity | None = None


class PutItem(Struct, omit_defaults=True, rename="pascal"):
    table_name: str
    item: Wire
    condition_expression: str | None = None
    expression_attribute_names: Names | None = None
    expression_attribute_values: Wire | None = None
    return_values: Literal["ALL_OLD"] | None = None
    return_values_on_condition_check_failure: OnFailure | None = None
    return_consumed_capacity: Capacity | None = None


class UpdateItem(Struct, omit_defaults=True, rename="pascal"):
    table_name: str
    key: Wire
    update_expression: str | None = None
    condition_expression: str | None = None
    expression_attribute_names: Names | None = None
    expression_attribute_values: Wire | None = None
    return_values: Literal["ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"] | None = None
    return_values_on_condition_check_failure: OnFailure | None = None
    return_consumed_capacity: Capacity | None = None


class DeleteItem(Struct, omit_defaults=True, rename="pascal"):
    table_name: str
    key: Wire
    condition_expression: str | None = None
    expression_attribute_names: Names | None = None
    expression_attribute_values: Wire | None = None
    return_values: Literal["ALL_OLD"] | None = None
    return_values_on_condition_check_failure: OnFailure | None = None
    return_consumed_capacity: Capacity | None = None


class Query(Struct, omit_defaults=True, rename="pascal"):
    table_name: str
    key_condition_expression: str
    expression_attribute_names: Names | None = None
    expression_attribute_values: Wire | None = None
    index_name: str | None = None
    filter_expression: str | None = None
    projection_expression: str | None = None
    select: Literal["ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"] | None = None
    consistent_read: bool = False
    scan_index_forward: bool = True
    limit: int | None = None
    exclusive_start_key: Wire | None = None
    return_consumed_capacity: Capacity | None = None


class Scan(Struct, omit_defaults=True, rename="pascal"):
    table_name: str
    index_name: str | None = None
    filter_expression: str | None = None
    projection_expression: str | None = None
    expression_attribute_names: Names | None = None
    expression_attribute_values: Wire | None = None
    select: Literal["ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"] | None = None
    consistent_read: bool = False
    segment: int | None = None
    total_segments: int | None = None
    limit: int | None = None
    exclusive_start_key: Wire | None = None
    return_consumed_capacity: Capacity | None = None


class KeysAndAttributes(Struct, omit_defaults=True, rename="pascal"):
    """What a BatchGetItem reads of one table."""

    keys: Sequence[Wire]
    consistent_read: bool = False
    projection_expression: str | None = None
    expression_attribute_names: Names | None = None


class BatchGetItem(Struct, omit_defaults=True, rename="pascal"):
    request_items: Mapping[str, KeysAndAttributes]
    return_consumed_capacity: Capacity | None = None


class PutRequest(Struct, rename="pascal"):
    item: Wire


class DeleteRequest(Struct, rename="pascal"):
    key: Wire


class WriteRequest(Struct, omit_defaults=True, rename="pascal"):
    """One write of a BatchWriteItem: one of the two."""

    put_request: PutRequest | None = None
    delete_request: DeleteRequest | None = None


class BatchWriteItem(Struct, omit_defaults=True, rename="pascal"):
    request_items: Mapping[str, Sequence[WriteRequest]]
    return_consumed_capacity: Capacity | None = None


class Get(Struct, omit_defaults=True, rename="pascal"):
    """One read of a TransactGetItems."""

    table_name: str
    key: Wire
    projection_expression: str | None = None
    expression_attribute_names: Names | None = None


class Put(Struct, omit_defaults=True, rename="pascal"):
    """One write of a TransactWriteItems."""

    table_name: str
    item: Wire
    condition_expression: str | None = None
    expression_attribute_names: Names | None = None
    expression_attribute_values: Wire | None = None
    return_values_on_condition_check_failure: OnFailure | None = None


class Update(Struct, omit_defaults=True, rename="pascal"):
    """One write of a TransactWriteItems."""

    table_name: str
    key: Wire
    update_expression: str
    condition_expression: str | None = None
    expression_attribute_names: Names | None = None
    expression_attribute_values: Wire | None = None
    return_values_on_condition_check_failure: OnFailure | None = None


class Delete(Struct, omit_defaults=True, rename="pascal"):
    """One write of a TransactWriteItems."""

    table_name: str
    key: Wire
    condition_expression: str | None = None
    expression_attribute_names: Names | None = None
    expression_attribute_values: Wire | None = None
    return_values_on_condition_check_failure: OnFailure | None = None


class ConditionCheck(Struct, omit_defaults=True, rename="pascal"):
    """A condition that a TransactWriteItems depends on, and that changes nothing."""

    table_name: str
    key: Wire
    condition_expression: str
    expression_attribute_names: Names | None = None
    expression_attribute_values: Wire | None = None
    return_values_on_condition_check_failure: OnFailure | None = None


Action: TypeAlias = Put | Update | Delete | ConditionCheck


class TransactGetItems(Struct, omit_defaults=True, rename="pascal"):
    transact_items: Sequence[Mapping[Literal["Get"], Get]]
    return_consumed_capacity: Capacity | None = None


class TransactWriteItems(Struct, omit_defaults=True, rename="pascal"):
    """The token makes a repetition within ten minutes safe; it has 1 to 36 characters."""

    transact_items: Sequence[Mapping[str, Action]]
    client_request_token: str
    return_consumed_capacity: Capacity | None = None
