"""Waits while DynamoDB creates or deletes indexes."""

import json
import time
from collections.abc import Iterable
from typing import Any

from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.deployed_stack import Say
from taxiway.aws.deploying.outcomes import going_on
from taxiway.aws.errors import AwsError

_SOON, _LATE = 0.5, 10.0  # seconds between two looks
_SILENCE = 20.0  # seconds after which is said what is waited for


def wait(account: Account, tables: Iterable[str], say: Say) -> None:
    """Wait until these tables can be changed and their indexes queried; tables that don't exist are skipped.

    Filling an index from the table takes minutes to hours, and CloudFormation doesn't wait for it:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
    """
    client = account.client("dynamodb")
    for table in tables:
        if unsettled := _unsettled(client, table):
            with going_on(
                say, f"DynamoDB continues with {table}; deploy again to wait for it and to finish the deployment."
            ):
                _wait_for(client, table, unsettled, say)
            say(f"  ready       table {table}")


def check_absent(account: Account, table: str, index: str) -> None:
    """Raise AwsError if a table already has an index that its stack is going to create.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
    """
    described = account.client("dynamodb").describe_table(TableName=table)["Table"]
    if any(found["IndexName"] == index for found in described.get("GlobalSecondaryIndexes", [])):
        delete = json.dumps([{"Delete": {"IndexName": index}}])
        raise AwsError(
            f"The table {table} has an index {index} that is not part of its stack, probably from a cancelled update. "
            "Nothing was changed.",
            fix=f"delete it, and deploy again: aws dynamodb update-table --table-name {table} "
            f"--region {account.region} --global-secondary-index-updates '{delete}'",
        )


def _wait_for(client: Any, table: str, unsettled: str, say: Say) -> None:
    began = said = time.monotonic()
    pause, seen = _SOON, ""
    while unsettled:
        now = time.monotonic()
        if now - said > _SILENCE or unsettled != seen:
            so_far = f", {now - began:.0f} s so far" if now - said > _SILENCE else ""
            say(f"  …           waiting for {unsettled}{so_far}")
            said, seen = now, unsettled
        time.sleep(pause)
        pause = min(pause * 1.5, _LATE)
        unsettled = _unsettled(client, table)


def _unsettled(client: Any, table: str) -> str:
    """Describes what is being created, changed or deleted in a table; empty if nothing is."""
    try:
        described = client.describe_table(TableName=table)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return ""
    busy = sorted(
        f"the index {index['IndexName']} of {table} ({index['IndexStatus'].lower()})"
        for index in described.get("GlobalSecondaryIndexes", [])
        if index.get("IndexStatus", "ACTIVE") != "ACTIVE"  # emulators leave it out
    )
    if not busy and described["TableStatus"] in ("CREATING", "UPDATING"):
        return f"the table {table} ({described['TableStatus'].lower()})"
    return " and ".join(busy)
