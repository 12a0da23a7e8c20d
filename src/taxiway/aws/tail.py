"""The logs of a stage's functions, as they come."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from taxiway.aws.account import Account

_PAUSE = 2.0  # seconds between two looks
_LATE = 30.0  # seconds: CloudWatch may show a line that much after it was written


def lines(account: Account, groups: Mapping[str, str], *, since: float, follow: bool) -> Iterator[str]:
    """Each line from `since` (seconds since the epoch) on, oldest first; with `follow` those to come, without end.

    `groups` are log groups by the functions' names. A group that is not there yet has no lines.
    """
    client = account.client("logs")
    seen: dict[str, float] = {}
    start = since
    while True:
        found: list[tuple[float, str, str]] = []
        for function, group in groups.items():
            for event in _events(client, group, start):
                if (identity := _identity(event)) not in seen:
                    seen[identity] = event["timestamp"] / 1000
                    found.append((event["timestamp"], function, event["message"]))
        for timestamp, function, message in sorted(found):
            yield line(function, timestamp / 1000, message)
        if not follow:
            return
        start = max(since, time.time() - _LATE)
        seen = {event: written for event, written in seen.items() if written >= start - _LATE}
        time.sleep(_PAUSE)


def line(function: str, timestamp: float, message: str) -> str:
    """One line for a person: when (UTC), which function, and what it said, without characters that steer a terminal."""
    at = datetime.fromtimestamp(timestamp, UTC).strftime("%H:%M:%S.%f")[:-3]
    text = "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in message.rstrip())
    return f"{at} [{function}] {text}"


def _identity(event: Mapping[str, Any]) -> str:
    """Its id; an emulator may give none."""
    return event.get("eventId") or f"{event['logStreamName']} {event['timestamp']} {event['message']}"


def _events(client: Any, group: str, start: float) -> Iterator[dict[str, Any]]:
    try:
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=int(start * 1000))
        for page in pages:
            yield from page["events"]
    except client.exceptions.ResourceNotFoundException:
        return
