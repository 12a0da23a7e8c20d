"""The table of a backend for tests in this process: an engine that starts once, and is emptied between tests."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from taxiway import project as projects
from taxiway.data import TableClient
from taxiway.declare import DeclarationError
from taxiway.local import dynamodb, tables
from taxiway.local.manifest import ServedTable, to_manifest
from taxiway.sdk import Credentials

T = TypeVar("T")

_CREDENTIALS = Credentials("local", "local")


class LocalTable:
    """A table, and the client that reads and writes it."""

    def __init__(self, declared: ServedTable) -> None:
        self.client = TableClient(table_name=declared.name)
        self._keys = (declared.partition_key, declared.sort_key)

    def empty(self) -> None:
        """Delete every item: one call where there is none."""
        core, name = self.client.core, self.client.name
        start = None
        while True:
            page = core.scan(name, exclusive_start_key=start, consistent_read=True)
            for item in page.items:
                core.delete_item(name, {key: item[key] for key in self._keys})
            start = page.last_key
            if start is None:
                return


@contextmanager
def open_table(project: Path, *, stage: str = "dev") -> Generator[LocalTable]:
    """Create the table that a project declares, in an engine of its own, while the block runs.

    TABLE_NAME and the AWS_* variables of this process name it, so that the project's own code uses it too: import that
    code and call it. Nothing else of the backend runs. Raises TaxiwayError where the project can't be read, declares no
    table, or the engine does not start.
    """
    read = projects.read_stage(project, stage, local=True)
    manifest = to_manifest(projects.read_backend(project, read), read)
    if manifest.table is None:
        raise DeclarationError("The backend has no table.", fix="declare one: Backend(…, table=Table())")
    with _engine(project) as endpoint:
        region = manifest.region
        tables.bring_up_to_date(manifest.table, endpoint, region=region, note=_ignore, credentials=_CREDENTIALS)
        variables = {
            "TABLE_NAME": manifest.table.name,
            "AWS_REGION": region,
            "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
            "AWS_ACCESS_KEY_ID": _CREDENTIALS.access_key,
            "AWS_SECRET_ACCESS_KEY": _CREDENTIALS.secret_key,
        }
        with _environment(variables):
            yield LocalTable(manifest.table)


@contextmanager
def _engine(project: Path) -> Generator[str]:
    """The endpoint of an engine on an empty database, supervised by a thread."""
    binary = dynamodb.find(project, _ignore) or dynamodb.install(project, print)
    engine = dynamodb.Engine(binary, None, note=print, host=dynamodb.hidden_host())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="taxiway-engine", daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    try:
        run(engine.start())
        try:
            yield engine.endpoint
        finally:
            run(engine.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _ignore(_: str) -> None:
    """Drop what the engine reports of itself: it is not part of a test's output."""
