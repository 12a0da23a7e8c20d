"""`taxiway dev`: a backend served in the foreground, from the first line it prints to the last process it stops."""

import asyncio
import os
import resource
import signal
import time

import psutil
from uvloop import run

from taxiway import __version__
from taxiway.local import orphans
from taxiway.local.dynamodb import VERSION
from taxiway.local.local_backend import LocalBackend, Options
from taxiway.local.route_table import rows
from taxiway.local.terminal import Console

_DESCRIPTORS = 8192  # an environment takes some six, and 256 are allowed on a Mac


def serve(options: Options) -> None:
    """Serve until Ctrl-C, SIGTERM or SIGHUP. Raises what entering a LocalBackend raises."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _DESCRIPTORS <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, hard))
    orphans.adopt()
    try:
        run(_serve(options))
    finally:
        orphans.end_descendants()


async def _serve(options: Options) -> None:
    console = Console(project=options.project)
    serving = asyncio.create_task(_until_cancelled(options, console))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, _stop, serving)
    try:
        await serving
    except asyncio.CancelledError:
        console.note("Stopped.")


def _stop(serving: asyncio.Task[None]) -> None:
    """Stop in order at the first signal, and at once at the second."""
    if serving.cancelling():
        orphans.end_descendants()
        os._exit(130)
    serving.cancel()


async def _until_cancelled(options: Options, console: Console) -> None:
    reload = "an edit needs a restart" if options.inline else "an edit is served by the next request"
    async with LocalBackend(options, console) as backend:
        console.banner(
            f"taxiway {__version__} · {backend.plan.backend} · stage {backend.plan.stage}",
            backend.url,
            _sections(backend),
            f"ready in {time.time() - psutil.Process().create_time():.2f} s · {reload} · Ctrl-C stops",
        )
        await asyncio.Event().wait()


def _sections(backend: LocalBackend) -> list[tuple[str, list[str]]]:
    plan, options = backend.plan, backend.options
    sections = [("routes", rows(plan))]
    if plan.table is not None:
        if options.dynamodb_endpoint:
            where = f"at {options.dynamodb_endpoint}"
        elif options.ephemeral:
            where = f"thrown away at the end (Dynoxide {VERSION})"
        else:
            where = f"in {os.path.relpath(options.database)} (Dynoxide {VERSION})"
        sections.append(("table", [f"{plan.table.name}  {where}"]))
    if plan.secrets:
        ids = ", ".join(secret.id for secret in plan.secrets)
        sections.append(("secrets", [f"{ids}  in .taxiway/secrets.json"]))
    sections.append(("aws", [f"{backend.endpoint}  for the functions; your own tools: taxiway aws-env"]))
    guarded = [route.key for route in plan.routes if route.authorizer is not None]
    if guarded:
        state = "OPEN to everybody (--open)" if options.open else "501: authorizers run only on AWS; --open serves them"
        sections.append(("behind an authorizer", [f"{', '.join(guarded)}  {state}"]))
    if plan.only_on_aws:
        sections.append(("only on AWS", list(plan.only_on_aws)))
    if options.inline:
        sections.append(("inline", ["handlers run in this process: no timeout, no memory limit, no reload"]))
    return sections
