"""`taxiway migrate`: rewrites stored items to match their entities' declarations."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from taxiway.cli.argument_types import at_least_one
from taxiway.cli.declaration import project_of, read_locally, state_of
from taxiway.cli.errors import CommandError
from taxiway.cli.flags import DATA_HELP, ENDPOINT_HELP, add_stage

if TYPE_CHECKING:
    from taxiway.data import Entity, TableClient
    from taxiway.declare import Table
    from taxiway.migrate import Counts


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    parser.add_argument(
        "--entity",
        action="append",
        default=[],
        metavar="NAME",
        help="migrate this entity only; repeatable (default: all)",
    )
    parser.add_argument(
        "--rate", type=at_least_one, metavar="N", help="maximum items to read per second (default: no limit)"
    )
    parser.add_argument("--dry-run", action="store_true", help="count what would be rewritten, and write nothing")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--resume", action="store_true", help="continue an unfinished migration, or fail")
    start.add_argument(
        "--restart", action="store_true", help="start from the beginning (default: resume if unfinished)"
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    place.add_argument("--dynamodb-endpoint", metavar="URL", help=ENDPOINT_HELP)


def run(options: Namespace) -> int:
    with _endpoint(options) as endpoint:
        done = _migrate(options, endpoint)
    verb = "would be rewritten" if options.dry_run else "rewritten"
    print(f"{done.seen} items: {done.written} {verb}, {done.failed} failed.")
    return int(done.failed > 0)


@contextmanager
def _endpoint(options: Namespace) -> Generator[str]:
    """The named DynamoDB, or the local one: the running engine, or one that is started for the migration."""
    from asyncio import Runner

    from taxiway.local import dynamodb
    from taxiway.migrate import running

    if options.dynamodb_endpoint:
        yield options.dynamodb_endpoint
        return
    data: Path = (options.data or state_of(options)).resolve()
    if not (data / dynamodb.DATABASE).exists():
        raise CommandError(
            f"There is no database in {data}: nothing to migrate.",
            fix="start `taxiway dev` first, or name the database's directory: --data DIR",
        )
    if endpoint := running(data / dynamodb.DATABASE):
        yield endpoint
        return
    project = project_of(options)
    engine = dynamodb.Engine(dynamodb.find(project, print) or dynamodb.install(project, print), data, note=print)
    with Runner() as runner:
        runner.run(engine.start())
        try:
            yield engine.endpoint
        finally:
            runner.run(engine.close())


def _migrate(options: Namespace, endpoint: str) -> "Counts":
    from taxiway import migrate

    backend, stage = read_locally(options)
    if backend.table is None:
        raise CommandError("The backend has no table.", fix="declare one in backend.py: Backend(…, table=Table(…))")
    entities = migrate.choose(migrate.entities_of(backend), options.entity)
    if not entities:
        raise CommandError(
            "No function of the backend uses an entity: nothing to migrate.",
            fix="grant a function access to it in backend.py: uses=[allow.get(…)]",
        )
    table = _table(endpoint, backend.table_name(stage), stage.region)
    return _rewrite(options, table, endpoint, backend.table, entities)


def _table(endpoint: str, name: str, region: str) -> "TableClient":
    from taxiway.data import TableClient
    from taxiway.local.tables import credentials_for
    from taxiway.sdk.dynamodb.tables import Tables

    credentials = credentials_for(endpoint)
    os.environ |= {
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token,
    }
    table = TableClient(table_name=name)
    if name not in Tables(table.core).names():
        raise CommandError(
            f"There is no table {name} at {endpoint}: nothing to migrate.",
            fix="name another stage or endpoint: --stage NAME, --dynamodb-endpoint URL",
        )
    return table


def _rewrite(
    options: Namespace,
    table: "TableClient",
    endpoint: str,
    declared: "Table",
    entities: "tuple[type[Entity], ...]",
) -> "Counts":
    from taxiway import migrate
    from taxiway.data import DataError

    total = migrate.count(table, entities) if sys.stdout.isatty() and options.rate is None else None
    progress = migrate.Progress(sys.stdout, total=total)
    backfill = migrate.Backfill(
        table,
        entities,
        indexes=[index.name for index in declared.indexes],
        rate=options.rate,
        dry_run=options.dry_run,
        progress=progress.show,
        problem=progress.line,
    )
    names = ", ".join(entity.__name__ for entity in entities)
    try:
        found = None if options.restart or options.dry_run else backfill.resumable()
        if options.resume and found is None:
            raise CommandError(
                f"There is no unfinished migration of {names} to resume.", fix="leave --resume out to start one"
            )
        progress.line(f"Migrating {names} in {table.name} at {endpoint}.")
        if found is not None:
            progress.line(f"Resuming after {found.seen} items.")
        return backfill.run(resume=found is not None)
    except DataError as error:
        raise CommandError(
            str(error), fix="correct that, and run the same command again: it resumes where it stopped"
        ) from error
    finally:
        progress.close()
