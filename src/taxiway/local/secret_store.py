"""The local secrets: a file that only its owner can read, changed whole or not at all."""

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from uuid import uuid4

import msgspec
from msgspec import Struct

from taxiway.declare import arns
from taxiway.local.errors import LocalError
from taxiway.local.manifest import ServedSecret
from taxiway.local.state_directory import make_private

_MAX_SIZE = 65_536  # bytes of a secret's JSON: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html


class SecretStoreError(LocalError):
    """The local secrets can't be read or changed. No message holds a value."""

    code = "local-secrets"


class SecretVersion(Struct, frozen=True):
    """The present version of one secret. Its repr shows the names of its keys alone."""

    values: dict[str, str]
    version_id: str
    created: float
    """Seconds since the epoch."""

    @property
    def secret_string(self) -> str:
        """The JSON object that GetSecretValue gives as SecretString."""
        return msgspec.json.encode(self.values).decode()

    def __repr__(self) -> str:
        return f"SecretVersion({sorted(self.values)}, {self.version_id!r})"


class SecretStore:
    """Secrets by id, each a JSON object of strings, in one file of mode 600.

    Every call reads the file again, so what another process sets is seen at once. Writers wait for each other; a writer
    that is killed leaves the file as it was. Every method raises SecretStoreError where the file is damaged, and then
    changes nothing. `note` reports it when a file that others could read is put right.
    """

    def __init__(self, path: Path, *, note: Callable[[str], None]) -> None:
        self.path = path
        self._note = note

    def list(self) -> dict[str, tuple[str, ...]]:
        """The ids, and the names of the keys that each has; never a value."""
        return {secret_id: tuple(sorted(version.values)) for secret_id, version in sorted(self._read().items())}

    def get(self, secret_id: str) -> SecretVersion | None:
        return self._read().get(secret_id)

    def set(self, secret_id: str, values: Mapping[str, str]) -> None:
        """Set some keys of a secret and keep its others; makes the secret where there is none.

        Raises SecretStoreError where the id or a key is malformed, or the secret would be over 64 KB.
        """
        if not arns.SECRET_ID.fullmatch(secret_id):
            raise SecretStoreError(
                f"Invalid secret id {secret_id!r}.", fix="use 1 to 512 letters, digits and /_+=.@-, as in items/dev"
            )
        if not values or not all(values):
            raise SecretStoreError(
                f"The secret {secret_id} needs a key for each value.",
                fix=f"name it: taxiway secrets set {secret_id} KEY",
            )
        if not all(_is_text(text) for text in (*values, *values.values())):
            raise SecretStoreError(
                f"What is set for the secret {secret_id} is not UTF-8.", fix="encode it, say as base64"
            )
        with self._change() as stored:
            before = stored[secret_id].values if secret_id in stored else {}
            version = SecretVersion({**before, **values}, str(uuid4()), time())
            size = len(version.secret_string.encode())
            if size > _MAX_SIZE:
                raise SecretStoreError(
                    f"The secret {secret_id} would have {size} bytes, and Secrets Manager takes {_MAX_SIZE}.",
                    fix="divide it into several secrets",
                )
            stored[secret_id] = version

    def unset(self, secret_id: str, key: str | None = None) -> bool:
        """Remove one key of a secret, or the whole secret; False where there was none. A secret may have no keys."""
        with self._change() as stored:
            version = stored.get(secret_id)
            if version is None or (key is not None and key not in version.values):
                return False
            if key is None:
                del stored[secret_id]
            else:
                rest = {name: value for name, value in version.values.items() if name != key}
                stored[secret_id] = SecretVersion(rest, str(uuid4()), time())
            return True

    def ensure(self, plans: Iterable[ServedSecret]) -> tuple[str, ...]:
        """Give each declared secret that generates a key a random value for it where it has none.

        Returns what was made, as `id key`. A declared secret that generates nothing is left to `set`.
        """
        missing = [plan for plan in plans if plan.generate and not self._has(plan.id, plan.generate)]
        made: tuple[str, ...] = ()
        if missing:
            with self._change() as stored:
                for plan in missing:
                    before = stored[plan.id].values if plan.id in stored else {}
                    if plan.generate and plan.generate not in before:  # another process may have been first
                        values = {**before, plan.generate: secrets.token_urlsafe(32)}
                        stored[plan.id] = SecretVersion(values, str(uuid4()), time())
                        made = (*made, f"{plan.id} {plan.generate}")
        return made

    def _has(self, secret_id: str, key: str) -> bool:
        version = self.get(secret_id)
        return version is not None and key in version.values

    def _read(self) -> dict[str, SecretVersion]:
        try:
            with self.path.open("rb") as file:
                self._keep_private(file.fileno())
                content = file.read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._inaccessible(error) from None
        try:
            return msgspec.json.decode(content, type=dict[str, SecretVersion])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            reason = error if isinstance(error, msgspec.DecodeError) else "it is not UTF-8"
            raise SecretStoreError(
                f"The file of local secrets is damaged: {reason}. Nothing was changed.",
                fix="repair the file, or move it away and set the secrets again",
                where=str(self.path),
            ) from None

    def _inaccessible(self, error: OSError) -> SecretStoreError:
        return SecretStoreError(
            f"Cannot read or write the local secrets: {error.strerror}.",
            fix=f"make {self.path.parent} and {self.path.name} yours",
            where=str(error.filename or self.path),
        )

    def _keep_private(self, file: int) -> None:
        mode = stat.S_IMODE(os.fstat(file).st_mode)
        if mode & 0o077:
            os.fchmod(file, 0o600)
            self._note(f"{self.path} could be read by others (mode {mode:o}); it is 600 now. Change what it holds.")

    @contextmanager
    def _change(self) -> Generator[dict[str, SecretVersion], None, None]:
        """What is stored, to change in place; written when the block ends without an error."""
        try:
            make_private(self.path.parent)
            with suppress(FileExistsError), self.path.with_name(".gitignore").open("x") as ignore:
                ignore.write(f"{self.path.name}*\n")
            lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._inaccessible(error) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stored = self._read()
            before = dict(stored)
            yield stored
            if stored != before:
                self._write(msgspec.json.format(msgspec.json.encode(stored)))
        finally:
            os.close(lock)

    def _write(self, content: bytes) -> None:
        new = self.path.with_name(f"{self.path.name}.new")
        new.unlink(missing_ok=True)  # of a writer that was killed; the lock is ours
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as writer:
            writer.write(content)
            writer.flush()
            os.fsync(file)
        new.replace(self.path)


def _is_text(text: str) -> bool:
    """Whether it can be encoded: what a terminal passes on that is not UTF-8 can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
