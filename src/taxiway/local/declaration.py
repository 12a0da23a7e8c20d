"""Reads the declaration in a process of its own: `taxiway dev` never runs a user's code, and can read it again."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import msgspec

from taxiway import project
from taxiway.declare import DeclarationError
from taxiway.local import describe
from taxiway.local.manifest import Manifest


class DeclarationReader:
    """Reads a project's declaration as often as it is asked to.

    A process reads once. The next one is started ahead of time and waits with Taxiway imported, which is most of what
    reading takes. `output` gets each line that the project prints while it is read.
    """

    def __init__(self, directory: Path, stage: str, *, output: Callable[[str], None]) -> None:
        self._directory = directory
        self._stage = stage
        self._output = output
        self._next: asyncio.Task[Process] | None = None

    async def read(self) -> Manifest:
        """The plan of the declaration as it is on disk now. Raises DeclarationError."""
        process = await (self._next or self._start())
        self._next = None
        try:
            stdout, stderr = await process.communicate(b"\n")
        except BaseException:
            await _end(process)
            raise
        self._next = asyncio.create_task(self._start())
        printed = stderr.decode(errors="backslashreplace")
        try:
            answer = msgspec.json.decode(stdout, type=describe.Answer)
        except msgspec.DecodeError:
            raise DeclarationError(
                f"Reading {project.FILE} ended with exit status {process.returncode}:\n{printed}",
                fix="correct what ends the process while the module is imported",
                where=str(self._directory / project.FILE),
            ) from None
        for line in printed.splitlines():
            self._output(line)
        if answer.error is not None:
            raise DeclarationError(answer.error["problem"], fix=answer.error["fix"], where=answer.error["where"])
        assert answer.plan is not None
        return answer.plan

    async def close(self) -> None:
        if self._next is not None:
            await _end(await self._next)

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", describe.__name__, str(self._directory), self._stage),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,  # Ctrl-C in the terminal is for `taxiway dev` alone
        )


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()
