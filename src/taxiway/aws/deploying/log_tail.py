"""Reads the logs of a stage's functions, and follows new lines."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from taxiway.aws.deploying.account import Account

_PAUSE = 2.0  # seconds between two looks
_LATE = 30.0  # seconds: CloudWatch may show a line that much after it was written


def lines(account: Account, groups: Mapping[str, str], *, since: float, follow: bool) -> Iterator[str]:
    """Each line from `since` (seconds since the epoch) on, oldest first; with `follow` those to come, without end.

    `groups` are log groups by the functions' names. A group that is not there yet has no lines.
    """
    client = account.client("logs")
    tails = {function: Tail(client, group, since) for function, group in groups.items()}
    while True:
        found = [
            (event["timestamp"], function, event["message"])
            for function, tail in tails.items()
            for event in tail.news()
        ]
        for timestamp, function, message in sorted(found):
            yield line(function, timestamp / 1000, message)
        if not follow:
            return
        time.sleep(_PAUSE)


class Tail:
    """The end of one log group: yields each event once, although CloudWatch delivers some late.

    It looks back from the newest event that it has seen, never from this machine's clock: the clocks may differ, and
    an event may take longer to appear than the time between two reads.
    """

    def __init__(self, client: Any, group: str, since: float) -> None:
        self._client = client
        self._group = group
        self._start = since
        self._seen: dict[str, float] = {}

    def news(self) -> list[dict[str, Any]]:
        """The events that were not there at the last look."""
        found: list[dict[str, Any]] = []
        for event in _events(self._client, self._group, self._start):
            if (identity := _identity(event)) not in self._seen:
                self._seen[identity] = event["timestamp"] / 1000
                found.append(event)
        self._start = max([self._start, *(written - _LATE for written in self._seen.values())])
        self._seen = {event: written for event, written in self._seen.items() if written >= self._start - 1}
        return found


def line(function: str, timestamp: float, message: str) -> str:
    """One line of text: the time (UTC), the function and the message, without terminal control characters."""
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
