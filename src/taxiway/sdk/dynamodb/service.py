"""DynamoDB among AWS's services: its host, its protocol, its retries."""

from taxiway.sdk.dynamodb.errors import contention, error_of
from taxiway.sdk.services import Service

SERVICE = Service(
    name="dynamodb",
    host_prefix="dynamodb",
    variable="DYNAMODB",
    target_prefix="DynamoDB_20120810",
    content_type="application/x-amz-json-1.0",
    attempts=4,
    scale=0.025,
    error=error_of,
    also_retried=contention,
)
