"""Where a function's credentials come from: its environment, or the endpoint that SnapStart and containers have.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import os
import socket
import threading
import time

import msgspec

from taxiway.sdk.connections import Pool, TransportError
from taxiway.sdk.endpoints import parse_url
from taxiway.sdk.errors import CredentialsUnavailable, text_of
from taxiway.sdk.forks import tell_after_fork
from taxiway.sdk.signing import Credentials

AHEAD = 900.0
"""Seconds before they expire from which credentials are refreshed; those at hand serve on where that fails."""
LATEST = 600.0
"""Seconds before they expire from which a call waits for new ones, and fails without."""
TIMEOUT = 2.0
ATTEMPTS = 3
PAUSE = 1.0
"""Seconds between attempts, and at least between refreshes that failed while they could."""

_CONTAINER = "http://169.254.170.2"
_CONTAINER_HOSTS = frozenset({"169.254.170.2", "169.254.170.23", "localhost"})
_CONTAINER_IPV6 = "fd00:ec2::23"
_LARGEST = 65_536


class ContainerAnswer(msgspec.Struct):
    """What a container's endpoint answers. The secrets are in no repr."""

    access_key: str = msgspec.field(name="AccessKeyId")
    secret_key: str = msgspec.field(name="SecretAccessKey")
    expiration: str = msgspec.field(name="Expiration", default="")
    token: str = msgspec.field(name="Token", default="")

    def __repr__(self) -> str:
        return f"ContainerAnswer({self.access_key!r})"


class EnvironmentCredentials:
    """AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: Lambda sets them for an environment's life."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def get(self, _now: float, _deadline: float | None) -> Credentials:
        return self._credentials


class ContainerCredentials:
    """Those of AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI, refreshed ahead of their end."""

    def __init__(self) -> None:
        self._current: Credentials | None = None
        self._expires = 0.0
        self._again = 0.0
        self._lock = threading.Lock()
        tell_after_fork(self)

    def get(self, now: float, deadline: float | None) -> Credentials:
        """The credentials at `now`, in epoch seconds. Raises CredentialsUnavailable."""
        current = self._current
        if current is not None and now < self._again:
            return current
        waits = current is None or now >= self._expires - LATEST
        limit = 0.0 if not waits else -1 if deadline is None else max(deadline - time.monotonic(), 0)
        if not self._lock.acquire(timeout=limit):
            if current is None or waits:
                raise CredentialsUnavailable("No credentials came in time: another thread is still asking for them")
            return current  # another thread is refreshing them
        try:
            return self._refresh(now, deadline)
        finally:
            self._lock.release()

    def after_fork(self) -> None:
        """Replace the lock, which a thread that the child does not have may hold."""
        self._lock = threading.Lock()

    def _refresh(self, now: float, deadline: float | None) -> Credentials:
        current = self._current
        if current is not None and now < self._again:
            return current  # another thread has done it meanwhile
        may_fail = current is not None and now < self._expires - LATEST
        try:
            answer = _fetch(1 if may_fail else ATTEMPTS, deadline)
        except CredentialsUnavailable:
            if current is None or not may_fail:
                raise
            self._again = now + PAUSE
            return current
        self._current = current = Credentials(answer.access_key, answer.secret_key, answer.token)
        self._expires = _epoch(answer.expiration)
        self._again = max(self._expires - AHEAD, now + PAUSE)
        return current


def provider() -> EnvironmentCredentials | ContainerCredentials:
    """The credentials that the environment names. Raises CredentialsUnavailable where it names none."""
    access_key = os.environ.get("AWS_ACCESS_KEY_ID")
    secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        token = os.environ.get("AWS_SESSION_TOKEN", "")
        if not _is_printable(access_key + token):
            raise CredentialsUnavailable(
                "AWS_ACCESS_KEY_ID or AWS_SESSION_TOKEN has a character that no credentials have",
                fix="set both again, without spaces or line breaks",
            )
        return EnvironmentCredentials(Credentials(access_key, secret_key, token))
    if os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") or os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return ContainerCredentials()
    raise CredentialsUnavailable(
        "AWS credentials are missing: the environment has neither a key nor a container's endpoint",
        fix="export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… "
        "(of a profile: eval $(aws configure export-credentials --format env))",
    )


def _fetch(attempts: int, deadline: float | None) -> ContainerAnswer:
    """Ask the container's endpoint, up to `attempts` times."""
    url, where = _container_url()
    endpoint, path = parse_url(url, where)
    if not endpoint.secure and not _is_container_host(endpoint.name):
        raise CredentialsUnavailable(
            f"{text_of(endpoint.name)} may not be asked for credentials over plain HTTP",
            where=f"in {where}",
            fix="use https, a loopback address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]",
        )
    head = f"GET {path} HTTP/1.1\r\nhost: {endpoint.host}\r\naccept: application/json\r\n{_authorization()}\r\n"
    pool = Pool(endpoint, connect_timeout=TIMEOUT, read_timeout=TIMEOUT, largest=_LARGEST)
    try:
        for attempt in range(1, attempts + 1):
            try:
                return _ask(pool, head.encode("latin-1"), deadline)
            except CredentialsUnavailable:
                if attempt == attempts or (deadline is not None and time.monotonic() + PAUSE >= deadline):
                    raise
            time.sleep(PAUSE)
    finally:
        pool.close()
    raise AssertionError("the last attempt returns or raises")


def _ask(pool: Pool, request: bytes, deadline: float | None) -> ContainerAnswer:
    problem = "The container's endpoint gave no credentials"
    try:
        response = pool.exchange(request, deadline)
    except TransportError as error:
        raise CredentialsUnavailable(f"{problem}: {error}") from None
    if response.status != 200:
        raise CredentialsUnavailable(f"{problem}: it answered with status {response.status}")
    try:
        answer = msgspec.json.decode(response.body, type=ContainerAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CredentialsUnavailable(f"{problem}: its answer is not valid") from None  # the cause would show a secret
    if not answer.access_key or not answer.secret_key or not _is_printable(answer.access_key + answer.token):
        raise CredentialsUnavailable(f"{problem}: its answer is not valid")
    return answer


def _container_url() -> tuple[str, str]:
    """The endpoint's URL, and the variable that names it."""
    relative = os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    if relative:
        return f"{_CONTAINER}{relative}", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    return os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", ""), "AWS_CONTAINER_CREDENTIALS_FULL_URI"


def _authorization() -> str:
    """The header line with the endpoint's token, which is sent as it is; the file goes before the variable."""
    path = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if path:
        from pathlib import Path  # slow to import, and few need it

        try:
            token = Path(path).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise CredentialsUnavailable(
                f"Cannot read the container's token: {type(error).__name__}",
                where=f"in {path}",
                fix="let AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE be the path of a readable file",
            ) from None
    else:
        token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    if not token:
        return ""
    if "\r" in token or "\n" in token or not token.isascii():
        raise CredentialsUnavailable(
            "The container's token is not valid: it has a line break or a character outside ASCII",
            fix="write the token alone, without a line break at its end",
        )
    return f"authorization: {token}\r\n"


def _is_container_host(name: str) -> bool:
    if name in _CONTAINER_HOSTS:
        return True
    try:
        if ":" in name:
            packed = socket.inet_pton(socket.AF_INET6, name)
            return packed in (bytes(15) + b"\x01", socket.inet_pton(socket.AF_INET6, _CONTAINER_IPV6))
        return socket.inet_pton(socket.AF_INET, name)[0] == 127
    except OSError:
        return False


def _is_printable(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _epoch(expiration: str) -> float:
    """Epoch seconds of an RFC 3339 time. Without one, the credentials never expire."""
    if not expiration:
        return float("inf")
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(expiration)
    except ValueError:
        raise CredentialsUnavailable(f"The credentials expire at {text_of(expiration)}, which is not a time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
