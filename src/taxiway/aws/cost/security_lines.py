"""What secrets, encryption keys and a private network are billed."""

from collections.abc import Iterable, Iterator

from taxiway.aws.cost.function_lines import environments
from taxiway.aws.cost.month import Line, Month, tiered
from taxiway.aws.cost.prices import HOURS
from taxiway.aws.cost.traffic import Load

_SECRET_READS = 4  # in an hour: `taxiway.secrets` keeps a value for 15 minutes
_KEY_READS = 12  # in an hour: https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html


def of_secrets(month: Month, loads: Iterable[Load]) -> Iterator[Line]:
    count = len({secret.id for secret in month.backend.secrets if secret.id is not None})
    if not count:
        return
    yield Line("Secrets Manager", "secrets", count, "", count * month.prices.secrets)
    calls = sum(
        environments(load, month.assumptions) * len(load.function.secrets) * _SECRET_READS * HOURS for load in loads
    )
    yield Line("Secrets Manager", "calls", calls, "", calls * month.prices.secret_calls)


def of_keys(month: Month, loads: Iterable[Load]) -> Iterator[Line]:
    """Customer managed keys: DynamoDB calls KMS for each caller every 5 minutes, Secrets Manager for each read."""
    backend = month.backend
    table = backend.table and backend.table.encryption_key
    reading = {id(each.function) for each in backend.table.consumers} if backend.table else set[int]()
    keys = {secret.encryption_key for secret in backend.secrets if secret.id is not None} | {table}
    count = len(keys - {None})
    if not count:
        return
    yield Line("KMS", "keys", count, "", count * month.prices.keys)
    callers = sum(bool(function.grants) or id(function) in reading for function in backend.functions)
    calls = callers * _KEY_READS * HOURS if table else 0
    for load in loads:
        secrets = sum(secret.encryption_key is not None for secret in load.function.secrets)
        calls += environments(load, month.assumptions) * secrets * _SECRET_READS * HOURS
    yield tiered("KMS", "calls", calls, "", ((0, month.prices.key_calls),), month.free.key_calls)


def of_network(month: Month) -> Iterator[Line]:
    """The endpoint for secrets, in each zone. That for the table is free.

    https://aws.amazon.com/privatelink/pricing/
    """
    network = month.backend.network
    reads_secrets = any(function.secrets for function in month.backend.functions)
    if network is not None and not network.exists and reads_secrets:
        hours = network.zone_count * HOURS
        yield Line("VPC", "interface endpoint", hours, "h", hours * month.prices.endpoint_hours)
