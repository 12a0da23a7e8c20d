"""Typed settings of a function: environment variables and keys of secrets, all checked at its cold start.

    class Config(Struct):
        page_size: int = 20  # PAGE_SIZE
        support_email: str  # SUPPORT_EMAIL
        stripe_key: str = secret("stripeKey")  # of the secret whose id is in SECRETS_ID

    config = settings(Config)

`config()` is a Config, wherever it is called.
"""

import os
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from taxiway import secrets
from taxiway.secrets import SecretMissing

T = TypeVar("T", bound=Struct)

_FIX = "Fix: set a variable in the environment of the function, in backend.py; a secret by `taxiway secrets set ID KEY`"


class SettingsInvalid(Exception):  # noqa: N818  named for what is wrong, as the errors of `taxiway.data` are
    """Settings are missing or invalid. The message names every one of them, and no value of a secret."""

    http_status = 500
    public_detail = "The request could not be served."


class _FromSecret:
    """The default of a field that a secret has."""

    def __init__(self, key: str, variable: str, default: object) -> None:
        self.key = key
        self.variable = variable
        self.default = default


def secret(key: str, *, id: str = "SECRETS_ID", default: Any = NODEFAULT) -> Any:
    """A field that comes from a key of a secret. `id` names the environment variable with the secret's id.

    Without a `default`, the key must be in the secret.
    """
    return _FromSecret(key, id, default)


class Settings(Generic[T]):
    """Settings of one type, read when they are called for."""

    def __init__(self, type: type[T]) -> None:  # noqa: A002  the word that the call reads best with
        self._type = type
        self._fields = fields(type)
        self._variables = sorted({f.default.variable for f in self._fields if isinstance(f.default, _FromSecret)})
        self._read: tuple[dict[str, str | None], T] | None = None

    def __call__(self) -> T:
        """The settings. A function keeps them until a secret changes (taxiway.secrets says when it looks).

        Raises SettingsInvalid, and SecretUnavailable where Secrets Manager does not answer.
        """
        texts = {variable: _text(variable) for variable in self._variables}
        if self._read is not None and self._read[0] == texts and _in_a_function():
            return self._read[1]
        made = self._make(texts)
        self._read = texts, made
        return made

    def _make(self, texts: dict[str, str | None]) -> T:
        problems: list[str] = []
        values: dict[str, Any] = {}
        for field in self._fields:
            if isinstance(field.default, _FromSecret):
                _take_from_secret(field, field.default, texts[field.default.variable], values, problems)
            else:
                _take_from_environment(field, values, problems)
        if not problems:
            try:
                return self._type(**values)
            except (TypeError, ValueError) as error:  # a check of the type's own, in its __post_init__
                problems.append(str(error))
        lines = [
            f"Settings of {self._type.__name__} are missing or invalid:",
            *(f"  {each}" for each in problems),
            _FIX,
        ]
        raise SettingsInvalid("\n".join(lines))


def settings(type: type[T]) -> Settings[T]:  # noqa: A002  the word that the call reads best with
    """Settings of a Struct: field `page_size` from the variable PAGE_SIZE, or from a `secret`.

    In a function they are read now, so that it does not start without them. Elsewhere (`backend.py` is read, a test is
    collected) they are read at each call. Raises what the call raises.
    """
    made = Settings(type)
    if _in_a_function():
        made()
    return made


def _in_a_function() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def _take_from_environment(field: FieldInfo, values: dict[str, Any], problems: list[str]) -> None:
    name = field.name.upper()
    text = os.environ.get(name)
    if text is None:
        if field.required:
            problems.append(f"{name}: missing")
        return
    try:
        values[field.name] = msgspec.convert(text, field.type, strict=False)
    except msgspec.ValidationError as error:
        problems.append(f"{name}: {error}")


def _take_from_secret(
    field: FieldInfo, source: _FromSecret, text: str | None, values: dict[str, Any], problems: list[str]
) -> None:
    secret_id = os.environ.get(source.variable)
    where = f"{source.key} of the secret {secret_id or f'in {source.variable}'}"
    if secret_id is None:
        problems.append(f"{where}: {source.variable} is missing")
        return
    try:
        found = None if text is None else msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        problems.append(f"{where}: the secret is not a JSON object")
        return
    if found is None or source.key not in found:
        if source.default is NODEFAULT:
            problems.append(
                f"{where}: {'missing' if found is not None else 'the secret does not exist, or may not be read'}"
            )
        else:
            values[field.name] = source.default
        return
    try:
        values[field.name] = msgspec.convert(found[source.key], field.type, strict=False)
    except msgspec.ValidationError:  # its message may have the value
        problems.append(f"{where}: not a valid {getattr(field.type, '__name__', field.type)}")


def _text(variable: str) -> str | None:
    """The text of the secret whose id a variable has; None where there is no such secret."""
    secret_id = os.environ.get(variable)
    if secret_id is None:
        return None
    try:
        return secrets.get(secret_id, str)
    except SecretMissing:
        return None
