"""Handlers that do what handlers should not do, and some that behave."""

# ruff: noqa: ARG001  a Lambda handler takes both, whatever it uses

import decimal
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

Event = Any
Context = Any

_count = 0


def echo(event: Event, context: Context) -> Any:
    return event


def whole_context(event: Event, context: Context) -> Any:
    names = (
        "aws_request_id function_name function_version invoked_function_arn memory_limit_in_mb "
        "log_group_name log_stream_name client_context"
    )
    values = {name: getattr(context, name) for name in names.split()}
    return values | {
        "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        "remaining": context.get_remaining_time_in_millis(),
        "trace": os.environ["_X_AMZN_TRACE_ID"],
    }


def process(event: Event, context: Context) -> Any:
    global _count
    _count += 1
    return {
        "pid": os.getpid(),
        "count": _count,
        "environment": dict(os.environ),
        "directory": str(Path.cwd()),
        "path": sys.path,
        "stdin": sys.stdin.read(),
        "modules": sorted(sys.modules),
    }


def sleeps(event: Event, context: Context) -> Any:
    time.sleep(event.get("seconds", 0))
    return os.getpid()


def waits(event: Event, context: Context) -> Any:
    """Say in one file that the request is being served, and wait for another to exist."""
    if event:
        Path(event["touch"]).write_text(str(os.getpid()))
        while not Path(event["until"]).exists():
            time.sleep(0.005)
    return os.getpid()


def spins(event: Event, context: Context) -> Any:
    Path(event["touch"]).write_text(str(os.getpid()))
    while True:
        pass


def allocates(event: Event, context: Context) -> Any:
    kept = []
    for _ in range(event["mb"] // 8):
        kept.append(b"x" * (8 << 20))
        time.sleep(0.002)
    time.sleep(event.get("seconds", 0))
    return len(kept)


def children_allocate(event: Event, context: Context) -> Any:
    program = f"import time; kept = b'x' * ({event['mb']} << 20); time.sleep(60)"
    return subprocess.Popen([sys.executable, "-c", program]).wait()


def leaks(event: Event, context: Context) -> Any:
    leaked.append(b"x" * (8 << 20))
    return len(leaked)


leaked: list[bytes] = []


def raises(event: Event, context: Context) -> Any:
    try:
        {}["the cause"]
    except KeyError as error:
        raise ValueError(event) from error


def raises_unprintable(event: Event, context: Context) -> Any:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    raise UnprintableError


def exits(event: Event, context: Context) -> Any:
    print("last words")
    os.write(1, b"no newline")
    os._exit(event)


def leaves(event: Event, context: Context) -> Any:
    sys.exit(event)


def segfaults(event: Event, context: Context) -> Any:
    import ctypes

    return ctypes.string_at(0)


def prints_binary(event: Event, context: Context) -> Any:
    os.write(1, b"\xff\xfe caf\xc3\xa9\n")
    os.write(2, b"\x00\n")


def prints_much(event: Event, context: Context) -> Any:
    os.write(2, b"start\n")
    print("é" * (event << 19))
    print("end")


def prints_without_end(event: Event, context: Context) -> Any:
    os.write(1, event.encode())


def prints_for_ever(event: Event, context: Context) -> Any:
    """Print lines, and note how many bytes that was so far."""
    count = 0
    while True:
        count += os.write(1, b"%099d\n" % 0 * 100)
        Path(event["written"]).write_text(str(count))


def daemonizes(event: Event, context: Context) -> Any:
    """Start a process that leaves session, process group, parent and working directory behind."""
    program = (
        "import os, sys, time\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        "os.chdir('/')\n"
        "with open(sys.argv[1] + '.new', 'w') as file: file.write(str(os.getpid()))\n"
        "os.rename(sys.argv[1] + '.new', sys.argv[1])\n"
        "os.closerange(0, 100)\n"
        "time.sleep(600)"
    )
    note = Path(event["note"])
    subprocess.run([sys.executable, "-c", program, str(note)], check=True)
    while not note.exists():
        time.sleep(0.005)
    if event.get("exit"):
        os._exit(1)
    return int(note.read_text())


def prints_from_child(event: Event, context: Context) -> Any:
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)


def closes_streams(event: Event, context: Context) -> Any:
    print("before")
    if event["objects"]:
        sys.stdout.close()
        sys.stderr.close()
    os.close(1)
    os.close(2)
    if event["raise"]:
        raise ValueError
    return "still here"


def spawns(event: Event, context: Context) -> Any:
    child = subprocess.Popen(["sleep", "600"], start_new_session=event.get("session", False))
    if event.get("seconds"):
        time.sleep(event["seconds"])
    if event.get("exit"):
        Path(event["touch"]).write_text(str(child.pid))
        os._exit(1)
    return child.pid


def answers(event: Event, context: Context) -> Any:
    return "x" * event


def answers_no_json(event: Event, context: Context) -> Any:
    circle: list[Any] = []
    circle.append(circle)
    return {"set": {1}, "object": object(), "circle": circle, "nested": [{"in": {1}}]}[event]


def answers_numbers(event: Event, context: Context) -> Any:
    return {"price": decimal.Decimal("19.90"), "large": decimal.Decimal(2**70), "int": 2**70, "text": "19.90"}


def answers_bytes(event: Event, context: Context) -> Any:
    return b'{"as": "is"}'


def logs(event: Event, context: Context) -> Any:
    logging.warning("careful: %s", event)
    logging.getLogger("quiet").info("not shown")


def calls_runtime_api(event: Event, context: Context) -> Any:
    """What a child of this process is answered by the Runtime API; its own event, which is not answered yet."""
    url = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/next"
    ask = f"import urllib.request; print(urllib.request.urlopen({url!r}).read().decode())"
    return {
        "address": os.environ["AWS_LAMBDA_RUNTIME_API"],
        "child": subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.strip(),
    }
