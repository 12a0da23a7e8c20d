"""Who may call: a pair of credentials for each environment, made up when it starts and forgotten when it ends."""

import secrets
from collections.abc import Callable, Hashable

from msgspec import Struct

from taxiway.sdk.signing import Credentials


class Caller(Struct, frozen=True, eq=False):
    """Whom a pair of credentials was given to."""

    name: str
    """The function's name, for messages."""
    secrets: tuple[str, ...]
    """The ids of the secrets that it may read."""
    credentials: Credentials
    request_id: Callable[[], str]
    """Gives the request id of the invocation that runs in its environment; "" where none does."""


class Callers:
    """The callers that the gate knows, by their access keys."""

    def __init__(self) -> None:
        self._by_access_key: dict[str, Caller] = {}
        self._by_owner: dict[Hashable, Caller] = {}

    def admit(
        self,
        owner: Hashable,
        name: str,
        secrets: tuple[str, ...],
        request_id: Callable[[], str] = lambda: "",
    ) -> Caller:
        """Make up credentials for an owner, which has none yet."""
        caller = Caller(name, secrets, _credentials(), request_id)
        self._by_access_key[caller.credentials.access_key] = caller
        self._by_owner[owner] = caller
        return caller

    def dismiss(self, owner: Hashable) -> None:
        """Forget an owner's credentials. One that has none is left alone."""
        caller = self._by_owner.pop(owner, None)
        if caller is not None:
            del self._by_access_key[caller.credentials.access_key]

    def of(self, access_key: str) -> Caller | None:
        return self._by_access_key.get(access_key)


def _credentials() -> Credentials:
    """Temporary credentials in the form that AWS gives them."""
    return Credentials(f"ASIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30), secrets.token_urlsafe(48))
