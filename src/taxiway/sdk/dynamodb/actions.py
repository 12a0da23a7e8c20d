"""The parts of transactions and batches, made from Python values. Each raises InvalidValue as `item_to_wire` does."""

from collections.abc import Mapping

from taxiway.sdk.dynamodb.requests import (
    ConditionCheck,
    Delete,
    DeleteRequest,
    Get,
    Names,
    OnFailure,
    Put,
    PutRequest,
    Update,
    Wire,
)
from taxiway.sdk.dynamodb.values import item_to_wire

Attributes = Mapping[str, object]


def get(
    table_name: str,
    key: Attributes,
    *,
    projection_expression: str | None = None,
    expression_attribute_names: Names | None = None,
) -> Get:
    return Get(table_name, item_to_wire(key), projection_expression, expression_attribute_names)


def put(
    table_name: str,
    item: Attributes,
    *,
    condition_expression: str | None = None,
    expression_attribute_names: Names | None = None,
    expression_attribute_values: Attributes | None = None,
    return_values_on_condition_check_failure: OnFailure | None = None,
) -> Put:
    return Put(
        table_name,
        item_to_wire(item),
        condition_expression,
        expression_attribute_names,
        _values(expression_attribute_values),
        return_values_on_condition_check_failure,
    )


def update(
    table_name: str,
    key: Attributes,
    update_expression: str,
    *,
    condition_expression: str | None = None,
    expression_attribute_names: Names | None = None,
    expression_attribute_values: Attributes | None = None,
    return_values_on_condition_check_failure: OnFailure | None = None,
) -> Update:
    return Update(
        table_name,
        item_to_wire(key),
        update_expression,
        condition_expression,
        expression_attribute_names,
        _values(expression_attribute_values),
        return_values_on_condition_check_failure,
    )


def delete(
    table_name: str,
    key: Attributes,
    *,
    condition_expression: str | None = None,
    expression_attribute_names: Names | None = None,
    expression_attribute_values: Attributes | None = None,
    return_values_on_condition_check_failure: OnFailure | None = None,
) -> Delete:
    return Delete(
        table_name,
        item_to_wire(key),
        condition_expression,
        expression_attribute_names,
        _values(expression_attribute_values),
        return_values_on_condition_check_failure,
    )


def check(
    table_name: str,
    key: Attributes,
    condition_expression: str,
    *,
    expression_attribute_names: Names | None = None,
    expression_attribute_values: Attributes | None = None,
    return_values_on_condition_check_failure: OnFailure | None = None,
) -> ConditionCheck:
    return ConditionCheck(
        table_name,
        item_to_wire(key),
        condition_expression,
        expression_attribute_names,
        _values(expression_attribute_values),
        return_values_on_condition_check_failure,
    )


def put_request(item: Attributes) -> PutRequest:
    return PutRequest(item_to_wire(item))


def delete_request(key: Attributes) -> DeleteRequest:
    return DeleteRequest(item_to_wire(key))


def _values(values: Attributes | None) -> Wire | None:
    return None if values is None else item_to_wire(values)
