"""The event loop of `async def` handlers, kept between invocations; imported only where there is such a handler."""

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")


class _Loop:
    """A runner that closes its loop with the thread that owns it."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()

    def close(self) -> None:
        self.runner.close()

    __del__ = close


_local = threading.local()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end on this thread's loop; tasks and clients that it leaves behind find the same loop next time."""
    loop: _Loop | None = getattr(_local, "loop", None)
    if loop is None:
        loop = _local.loop = _Loop()
        if threading.current_thread() is threading.main_thread():
            atexit.register(loop.close)
    return loop.runner.run(coroutine, context=copy_context())
