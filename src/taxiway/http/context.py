"""The two raw things a handler may ask for: the event of the gateway and the context of Lambda."""

from typing import Any, Protocol, TypeAlias

Json: TypeAlias = dict[str, Any]


def strings(event: Json, member: str) -> dict[str, str]:
    """A member of the event that maps names to text, which the gateway leaves out where it would be empty."""
    return event.get(member) or {}


def method(event: Json) -> str:
    """The request's method; empty if the event is not from an HTTP API."""
    try:
        return event["requestContext"]["http"]["method"]
    except KeyError:
        return ""


class Context(Protocol):
    """The context object that Lambda passes with each invocation.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    @property
    def aws_request_id(self) -> str: ...
    @property
    def function_name(self) -> str: ...
    @property
    def function_version(self) -> str: ...
    @property
    def invoked_function_arn(self) -> str: ...
    @property
    def memory_limit_in_mb(self) -> str | int:
        """MB; the runtime passes it on as the text of the environment variable."""
        ...

    @property
    def log_group_name(self) -> str: ...
    @property
    def log_stream_name(self) -> str: ...
    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda stops the invocation."""
        ...
