"""Splits an update of a stack into steps, where a single step would do harm. Pure.

- A new index is created before the code that queries it: CloudFormation starts it and continues while DynamoDB fills
  it, and until then queries fail. A removed index is deleted after the code that queried it. Each is an update of its
  own, because DynamoDB creates or deletes one index per update (docs/decisions/0015). The scaling of an index of a
  provisioned table exists for as long as the index: an index with too little capacity throttles the table.
- A new table is protected against deletion last. CloudFormation can't roll back a protected table, which would then
  block the next deployment (docs/decisions/0014).

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

Template: TypeAlias = Mapping[str, Any]

_TABLE = "AWS::DynamoDB::Table"
_PROTECTED = "DeletionProtectionEnabled"
_INDEXES = "GlobalSecondaryIndexes"
_THROUGHPUT = "ProvisionedThroughput"
_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"


class Step(Struct, frozen=True):
    """One update of a stack."""

    template: Template
    when: Literal["before the rest", "the rest", "after the rest"] = "the rest"
    what: str = ""
    """What it does, unless it is the main update: `the index gsi1 of items-prod is created`."""
    makes: tuple[str, str] | None = None
    """The table and the index that it makes, where that is what it does."""

    @property
    def says(self) -> str:
        return f"{self.when.capitalize()}: {self.what}."


class _Index(Struct, frozen=True):
    """An index of a table that comes or goes."""

    table: str
    """The logical id."""
    index: Mapping[str, Any]
    definitions: Sequence[Mapping[str, Any]]
    """The attributes that are defined by the template that has the index."""
    scaling: Mapping[str, Any]
    """The resources of that template, by logical id, that scale the capacity of the index."""


class _Protection(Struct, frozen=True):
    """The protection of a new table."""

    table: str


def steps(before: Template, after: Template) -> tuple[Step, ...]:
    """The steps from one whole template to the other; usually there is only one."""
    come: list[_Index] = []
    later: list[_Index | _Protection] = []
    for logical, old, new in _tables(before, after):
        if old is None:
            later += [_Protection(logical)] if new.get(_PROTECTED) else []
            continue
        had, has = _indexes(old), _indexes(new)
        come += [_index(after, logical, has[name]) for name in has if name not in had]
        later += [_index(before, logical, had[name]) for name in had if name not in has]
    names = {logical: new["TableName"] for logical, _, new in _tables(before, after)}
    first = [
        Step(
            _with_indexes(_with_scaling(before, come[:count]), come[: count + 1]),
            "before the rest",
            f"the index {each.index['IndexName']} of {names[each.table]} is created, and waited for",
            makes=(names[each.table], each.index["IndexName"]),
        )
        for count, each in enumerate(come)
    ]
    last = [
        Step(_without(after, later[count + 1 :]), "after the rest", _what(each, names[each.table]))
        for count, each in enumerate(later)
    ]
    return *first, Step(_without(after, later)), *last


def table_names(template: Template) -> list[str]:
    """The tables of a template, as DynamoDB calls them."""
    return [each["Properties"]["TableName"] for each in template["Resources"].values() if each["Type"] == _TABLE]


def _tables(before: Template, after: Template) -> Iterable[tuple[str, Mapping[str, Any] | None, Mapping[str, Any]]]:
    """The tables that are wanted, and what they were; None for one that is made, by a name of its own too."""
    for logical, resource in after["Resources"].items():
        if resource["Type"] == _TABLE:
            new = resource["Properties"]
            old = before.get("Resources", {}).get(logical, {}).get("Properties")
            yield logical, old if old and old["TableName"] == new["TableName"] else None, new


def _index(template: Template, table: str, index: Mapping[str, Any]) -> _Index:
    """An index of a template's table, with what belongs to it there."""
    properties, resources = _properties(template, table), template["Resources"]
    place = f"table/{properties['TableName']}/index/{index['IndexName']}"
    targets = {
        logical: resource
        for logical, resource in resources.items()
        if resource["Type"] == _TARGET and resource["Properties"]["ResourceId"] == place
    }
    of_these = [{"Ref": logical} for logical in targets]
    policies = {
        logical: resource
        for logical, resource in resources.items()
        if resource["Type"] == _POLICY and resource["Properties"].get("ScalingTargetId") in of_these
    }
    return _Index(table, index, properties["AttributeDefinitions"], {**targets, **policies})


def _what(later: _Index | _Protection, table: str) -> str:
    if isinstance(later, _Protection):
        return f"the new table {table} is protected against deletion"
    return f"the index {later.index['IndexName']} of {table} is deleted"


def _without(template: Template, later: Sequence[_Index | _Protection]) -> Template:
    """The template before these steps: with indexes that are deleted later, and tables without protection."""
    go = [each for each in later if isinstance(each, _Index)]
    result = _with_scaling(_with_indexes(template, go), go)
    for each in later:
        if isinstance(each, _Protection):
            result = _with_table(result, each.table, {**_properties(result, each.table), _PROTECTED: False})
    return result


def _with_indexes(template: Template, more: Sequence[_Index]) -> Template:
    """The template, with these indexes on its tables too."""
    for each in more:
        table = _properties(template, each.table)
        indexes = [*_indexes(table).values(), _paid_as(table, each.index)]
        keys = [*table["KeySchema"], *(key for index in indexes for key in index["KeySchema"])]
        used = {key["AttributeName"] for key in keys}
        # DynamoDB refuses attributes that are defined and in no key.
        defined = {one["AttributeName"]: one for one in (*table["AttributeDefinitions"], *each.definitions)}
        definitions = [one for name, one in defined.items() if name in used]
        changed = {**table, "AttributeDefinitions": definitions, _INDEXES: indexes}
        template = _with_table(template, each.table, changed)
    return template


def _with_scaling(template: Template, indexes: Sequence[_Index]) -> Template:
    """The template, with what scales these indexes, which are there, as far as their tables are provisioned in it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
    """
    scaling: dict[str, Any] = {}
    for each in indexes:
        if _THROUGHPUT in _properties(template, each.table):
            scaling |= each.scaling
    return {**template, "Resources": {**template["Resources"], **scaling}} if scaling else template


def _paid_as(table: Mapping[str, Any], index: Mapping[str, Any]) -> Mapping[str, Any]:
    """The index, paid for in the way of a table that may have changed it: provisioned, or by the request."""
    unpaid = {key: value for key, value in index.items() if key != _THROUGHPUT}
    if _THROUGHPUT not in table:
        return unpaid
    return {**unpaid, _THROUGHPUT: index.get(_THROUGHPUT, table[_THROUGHPUT])}


def _with_table(template: Template, logical: str, properties: Mapping[str, Any]) -> Template:
    resources: Mapping[str, Any] = template["Resources"]
    return {**template, "Resources": {**resources, logical: {**resources[logical], "Properties": properties}}}


def _properties(template: Template, logical: str) -> Mapping[str, Any]:
    return template["Resources"][logical]["Properties"]


def _indexes(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {index["IndexName"]: index for index in table.get(_INDEXES, ())}
