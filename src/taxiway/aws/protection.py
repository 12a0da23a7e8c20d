"""The protection of new tables, which waits until the deployment that makes them is through. Pure.

Of a deployment that fails CloudFormation takes back what it has made, and can't take back a table that is protected
against deletion: it would stay, and be in the way of the next deployment (docs/decisions/0014).
"""

from collections.abc import Mapping
from typing import Any

_TABLE = "AWS::DynamoDB::Table"
_PROTECTED = "DeletionProtectionEnabled"


def postponed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    """The template in which tables that were not there before are not protected yet; None where there is none of them.

    Both are whole templates. Changed later, the property interrupts nothing:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
    """
    resources: Mapping[str, Any] = after["Resources"]
    new = {
        logical: resource
        for logical, resource in resources.items()
        if resource["Type"] == _TABLE
        and resource["Properties"].get(_PROTECTED)
        and logical not in before.get("Resources", {})
    }
    if not new:
        return None
    unprotected = {
        logical: {**table, "Properties": {**table["Properties"], _PROTECTED: False}} for logical, table in new.items()
    }
    return {**after, "Resources": {**resources, **unprotected}}
