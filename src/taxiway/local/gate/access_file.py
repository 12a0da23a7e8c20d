"""The file in which a running `taxiway dev` leaves a person's own access to the gate, for `taxiway aws-env`."""

import os
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

_NAME = "access.json"
_TIMEOUT = 1.0  # seconds


class Access(Struct, frozen=True):
    """Where the gate is, and credentials for it. The secrets are in no repr."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str
    token: str

    def __repr__(self) -> str:
        return f"Access({self.endpoint!r}, {self.access_key!r})"

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables by which AWS's tools and SDKs find and use it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
        }


def write(data: Path, access: Access) -> None:
    """Leave it beside the database, readable by its owner alone. Raises OSError."""
    data.mkdir(parents=True, exist_ok=True)
    new = data / f"{_NAME}.{os.getpid()}"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(access))
    new.replace(data / _NAME)


def remove(data: Path, access: Access) -> None:
    """Take it away, unless another `taxiway dev` has replaced it."""
    if _read(data) == access:
        (data / _NAME).unlink(missing_ok=True)


def find(data: Path) -> Access | None:
    """The access to the gate that runs on a data directory; None where none runs."""
    access = _read(data)
    if access is None:
        return None
    url = urlsplit(access.endpoint)
    with suppress(OSError), socket.create_connection((url.hostname or "", url.port or 0), _TIMEOUT):
        return access
    return None


def _read(data: Path) -> Access | None:
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode((data / _NAME).read_bytes(), type=Access)
    return None
