"""Structured logs of a function: one JSON object a line on stdout, which CloudWatch and `taxiway dev` both read.

    from taxiway import log

    log.info("item created", id=item.id)

LOG_LEVEL (DEBUG, INFO, WARN, ERROR; INFO by default) sets the minimum level. The standard `logging` is not used: AWS's
formatter for it drops extra fields, and a call costs several times as much. Lambda filters by the same level names:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

import os
import sys
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

Invocation: TypeAlias = dict[str, str]

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARN": 30, "WARNING": 30, "ERROR": 40}
_UNPUBLISHED = "$LATEST"
_OWN = frozenset(
    {"timestamp", "level", "message", "function", "functionVersion", "requestId", "awsRequestId", "exception"}
)

_invocation: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


def debug(message: str, /, **fields: object) -> None:
    _log("DEBUG", message, fields)


def info(message: str, /, **fields: object) -> None:
    _log("INFO", message, fields)


def warning(message: str, /, **fields: object) -> None:
    _log("WARN", message, fields)


def error(message: str, /, **fields: object) -> None:
    _log("ERROR", message, fields)


def exception(message: str, /, error: BaseException | None = None, **fields: object) -> None:
    """Log at ERROR with the whole traceback of `error`, or of the exception that is being handled."""
    _log("ERROR", message, fields, error or sys.exception())


def begin(request_id: str | None, context: Any) -> Token[Invocation | None]:
    """Name the invocation in every line until `end`: the gateway's request id, and Lambda's own from the context."""
    ids: Invocation = {}
    if request_id:
        ids["requestId"] = request_id
    if context is not None:
        ids["awsRequestId"] = getattr(context, "aws_request_id", "")
        ids["function"] = getattr(context, "function_name", "")
    return _invocation.set(ids)


def end(token: Token[Invocation | None]) -> None:
    _invocation.reset(token)


def _log(level: str, message: str, fields: dict[str, object], error: BaseException | None = None) -> None:
    if _LEVELS[level] < _LEVELS.get(os.environ.get("LOG_LEVEL", "").upper(), _LEVELS["INFO"]):
        return
    record: dict[str, object] = {"timestamp": datetime.now(UTC), "level": level, "message": message}
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    if function:
        record["function"] = function
    record.update(_invocation.get() or {})
    for name, value in fields.items():
        record[name + "_" if name in _OWN else name] = value
    if level == "ERROR":
        version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", _UNPUBLISHED)
        if version != _UNPUBLISHED:  # by which a release is rolled back
            record["functionVersion"] = version
    if error is not None:
        record["exception"] = _describe(error)
    sys.stdout.write(_line(record))
    sys.stdout.flush()


def _describe(error: BaseException) -> dict[str, str]:
    import traceback  # costs 3 ms, and most functions never fail

    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "message": _text(error, str),
        "stack": "".join(traceback.format_exception(error)),
    }


def _line(record: dict[str, object]) -> str:
    try:
        line = _encoder.encode(record)
    except Exception:  # whatever a field holds (a cycle, half a surrogate pair), its line is written
        line = _encoder.encode({name: _text(value, ascii) for name, value in record.items()})
    return line.decode() + "\n"


def _text(value: object, render: Any = repr) -> str:
    try:
        return render(value)
    except Exception:  # a broken __repr__ must not fail the request that logs it
        return object.__repr__(value)


_encoder = msgspec.json.Encoder(enc_hook=_text, decimal_format=float)
