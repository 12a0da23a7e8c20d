"""Followed logs show each line once, whatever the clocks say and however late it comes: on MiniStack's CloudWatch."""

import time
import uuid
from collections.abc import Callable, Sequence

import pytest

from taxiway.aws.deploying import log_tail
from taxiway.aws.deploying.account import Account
from taxiway.aws.deploying.log_tail import Tail

pytestmark = pytest.mark.synth

Write = Callable[..., None]


@pytest.fixture
def group(account: Account) -> str:
    name = f"/aws/lambda/{uuid.uuid4()}"
    account.client("logs").create_log_group(logGroupName=name)
    return name


@pytest.fixture
def write(account: Account, group: str) -> Write:
    """Write messages at a time (seconds since the epoch), as a new environment of the function would."""
    client = account.client("logs")

    def write(*messages: str, at: float) -> None:
        stream = str(uuid.uuid4())
        client.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": int(at * 1000), "message": message} for message in messages]
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    return write


def news(tail: Tail) -> Sequence[str]:
    return [event["message"] for event in tail.news()]


def test_lines_are_followed_by_awss_clock_and_not_by_this_machines(account: Account, group: str, write: Write) -> None:
    behind = time.time() - 200  # what AWS says the time is
    followed = Tail(account.client("logs"), group, since=behind - 100)
    write("first", at=behind)
    assert news(followed) == ["first"]

    write("second", at=behind + 1)
    assert news(followed) == ["second"]
    assert news(followed) == []


def test_lines_of_one_millisecond_are_each_shown_once(account: Account, group: str, write: Write) -> None:
    now = time.time()
    followed = Tail(account.client("logs"), group, since=now - 100)
    write("first", "second", at=now)
    assert news(followed) == ["first", "second"]

    write("third", at=now)
    assert news(followed) == ["third"]
    assert news(followed) == []


def test_a_line_that_is_shown_late_is_not_missed(account: Account, group: str, write: Write) -> None:
    now = time.time()
    followed = Tail(account.client("logs"), group, since=now - 100)
    write("new", at=now)
    assert news(followed) == ["new"]

    write("late", at=now - 25)
    assert news(followed) == ["late"]
    assert news(followed) == []


def test_a_busy_function_does_not_hide_the_lines_of_a_quiet_one(account: Account, group: str, write: Write) -> None:
    """Their looks are apart in time, so what one has shown says nothing of the other."""
    now = time.time()
    quiet, busy = f"{group}-quiet", group
    account.client("logs").create_log_group(logGroupName=quiet)
    account.client("logs").create_log_stream(logGroupName=quiet, logStreamName="one")
    followed = log_tail.lines(account, {"busy": busy, "quiet": quiet}, since=now - 100, follow=True)
    write("hello", at=now)
    assert next(followed).endswith("[busy] hello")

    event = {"timestamp": int((now - 60) * 1000), "message": "world"}
    account.client("logs").put_log_events(logGroupName=quiet, logStreamName="one", logEvents=[event])
    assert next(followed).endswith("[quiet] world")


def test_a_group_that_is_not_there_yet_has_no_lines(account: Account, group: str) -> None:
    assert list(log_tail.lines(account, {"new": f"{group}-new"}, since=time.time() - 100, follow=False)) == []
