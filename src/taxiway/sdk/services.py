"""What tells one of AWS's JSON services from another."""

from collections.abc import Callable

from msgspec import Struct

from taxiway.sdk.errors import ServiceError
from taxiway.sdk.retries import Kind


class Service(Struct, frozen=True):
    """A service: where it is, how it is spoken to, and when its calls are tried again."""

    name: str
    """As signatures have it."""
    host_prefix: str
    variable: str
    """As AWS_ENDPOINT_URL_<SERVICE> ends."""
    target_prefix: str
    content_type: str
    attempts: int = 3
    scale: float = 0.05
    """Seconds: the bound of the first pause after a transient error."""
    error: Callable[..., ServiceError] = ServiceError
    """Makes the error of a call; it takes what ServiceError does."""
    also_retried: Callable[[str, bytes], Kind | None] = lambda _code, _body: None
    """Of an error's code and body: why it may be tried again, beside what the standard mode does."""
