"""Reads the declaration in a process of its own: `taxiway dev` never runs a user's code, and can read it anew."""

import asyncio
import sys
from pathlib import Path

import msgspec
from taxiway import project
from taxiway.declare import DeclarationError
from taxiway.local import describe
from taxiway.local.plan import Plan


async def read_plan(directory: Path, stage: str) -> Plan:
    """The plan of a project's stage, read anew from disk. Raises DeclarationError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        describe.__name__,
        str(directory),
        stage,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        answer = msgspec.json.decode(stdout, type=describe.Answer)
    except msgspec.DecodeError:
        raise DeclarationError(
            f"Reading {project.FILE} ended with exit status {process.returncode}:\n{stderr.decode(errors='replace')}",
            fix="mend what ends the process while the module is imported",
            where=str(directory / project.FILE),
        ) from None
    if answer.plan is None:
        raise DeclarationError(answer.problem, fix=answer.fix, where=answer.where)
    return answer.plan
