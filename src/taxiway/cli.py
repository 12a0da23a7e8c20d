"""The `taxiway` command."""

import argparse
import os
import sys
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from taxiway import project as projects
from taxiway.aws import commands as on_aws
from taxiway.declare.errors import TaxiwayError

if TYPE_CHECKING:
    from taxiway.local.secret_store import SecretStore


def main(arguments: list[str] | None = None) -> None:
    """Run one command; exits with 0, with 1 where it failed, with 2 where the command line is wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.project = projects.find((options.project or Path.cwd()).resolve())
        options.command(options)
        sys.stdout.flush()
    except TaxiwayError as error:
        sys.exit(f"\n{error}\n")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # whoever read the output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--project", type=Path, metavar="DIR", help="where backend.py is (default: here or above)")
    common.add_argument("--stage", default="dev", metavar="NAME", help="dev, test, prod or another (default: dev)")

    parser = argparse.ArgumentParser(prog="taxiway", description="A Python serverless backend, declared once.")
    commands = parser.add_subparsers(required=True, metavar="command")

    dev = commands.add_parser("dev", parents=[common], help="serve the backend on this machine")
    dev.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    dev.add_argument(
        "--port", type=_port, default=8000, help="the port to listen on; 0 takes a free one (default: 8000)"
    )
    storage = dev.add_mutually_exclusive_group()
    storage.add_argument("--data", type=Path, metavar="DIR", help="where the database is kept (default: .taxiway)")
    storage.add_argument("--ephemeral", action="store_true", help="start with an empty database and throw it away")
    storage.add_argument(
        "--dynamodb-endpoint", metavar="URL", help="use this DynamoDB API in place of the laptop's own"
    )
    dev.add_argument(
        "--environments", type=_at_least_one, default=8, metavar="N", help="the most of a function (default: 8)"
    )
    dev.add_argument("--inline", action="store_true", help="run the handlers in this process, for a debugger")
    dev.add_argument(
        "--awslambdaric",
        action="store_true",
        help="run functions under AWS's own runtime client, once installed",
    )
    dev.set_defaults(command=_dev)

    routes = commands.add_parser("routes", parents=[common], help="list the routes and the functions that answer them")
    routes.set_defaults(command=_routes)

    patterns = commands.add_parser(
        "patterns", parents=[common], help="show the access patterns and their costs, and check the keys"
    )
    patterns.add_argument("--markdown", action="store_true", help="write Markdown")
    patterns.add_argument(
        "--item-size", type=_at_least_one, default=1024, metavar="BYTES", help="the size of an item (default: 1024)"
    )
    patterns.add_argument(
        "--page", type=_at_least_one, default=20, metavar="ITEMS", help="the items that a query finds (default: 20)"
    )
    patterns.add_argument(
        "--check", action="store_true", help="show the warnings alone, and exit with 1 where there is one"
    )
    patterns.set_defaults(command=_patterns)

    migrate = commands.add_parser(
        "migrate", parents=[common], help="bring stored items up to their entities' declarations"
    )
    migrate.add_argument(
        "--entity", action="append", default=[], metavar="NAME", help="one entity alone; may be repeated (default: all)"
    )
    migrate.add_argument(
        "--rate", type=_at_least_one, metavar="N", help="look at no more than N items a second (default: no limit)"
    )
    migrate.add_argument("--dry-run", action="store_true", help="count what would be rewritten, and write nothing")
    again = migrate.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with an unfinished migration, or fail")
    again.add_argument(
        "--restart", action="store_true", help="start from the beginning (default: resume if unfinished)"
    )
    place = migrate.add_mutually_exclusive_group()
    place.add_argument("--data", type=Path, metavar="DIR", help="where the database is kept (default: .taxiway)")
    place.add_argument("--dynamodb-endpoint", metavar="URL", help="use this DynamoDB API in place of the laptop's own")
    migrate.set_defaults(command=_migrate)

    reset = commands.add_parser("reset", parents=[common], help="delete the local database")
    reset.add_argument("--data", type=Path, metavar="DIR", help="where the database is kept (default: .taxiway)")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(command=_reset)

    secrets = commands.add_parser("secrets", help="the values of secrets: the laptop's, or with --stage a stage's")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--project", type=Path, metavar="DIR", help="where backend.py is (default: here or above)")
    where.add_argument("--stage", metavar="NAME", help="a stage on AWS, in Secrets Manager (default: the laptop)")
    verbs = secrets.add_subparsers(required=True, metavar="verb")
    put = verbs.add_parser(
        "set", parents=[where], help="set a key of a secret; the value is asked for or read from a pipe"
    )
    put.add_argument("id", help="the secret's id, as in SECRETS_ID")
    put.add_argument("key", help="the key inside the secret")
    put.set_defaults(command=_secrets_set)
    listing = verbs.add_parser("list", parents=[where], help="list the secrets and their keys, never a value")
    listing.set_defaults(command=_secrets_list)
    unset = verbs.add_parser("unset", parents=[where], help="remove a secret, or one key of it")
    unset.add_argument("id", help="the secret's id")
    unset.add_argument("key", nargs="?", help="the key; the whole secret where it is left out")
    unset.add_argument("--yes", action="store_true", help="do not ask before a whole secret of a stage is removed")
    unset.set_defaults(command=_secrets_unset)
    on_aws.add(commands, common)
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (0 to 65535)")
    return int(text)


def _at_least_one(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


# A command imports what it needs itself: `taxiway routes` must not wait for a web server.


def _dev(options: argparse.Namespace) -> None:
    from taxiway.local.local_backend import Options
    from taxiway.local.serve import serve

    serve(
        Options(
            project=options.project,
            stage=options.stage,
            host=options.host,
            port=options.port,
            data=options.data and options.data.resolve(),
            ephemeral=options.ephemeral,
            dynamodb_endpoint=options.dynamodb_endpoint,
            environments=options.environments,
            inline=options.inline,
            awslambdaric=options.awslambdaric,
        )
    )


def _routes(options: argparse.Namespace) -> None:
    from taxiway.local.manifest import to_manifest
    from taxiway.local.route_table import rows

    stage = projects.read_stage(options.project, options.stage, local=True)
    for row in rows(to_manifest(projects.read_backend(options.project, stage), stage)):
        print(row)


def _patterns(options: argparse.Namespace) -> None:
    from taxiway.patterns import lint, matrix, report

    stage = projects.read_stage(options.project, options.stage, local=True)
    backend = projects.read_backend(options.project, stage)
    findings = lint(backend)
    if not options.check:
        shown = matrix(backend, item_size=options.item_size, page=options.page)
        print(f"{shown.markdown() if options.markdown else shown.text()}\n")
    print((report.markdown if options.markdown else report.text)(findings, Path.cwd()))
    if options.check and any(finding.acknowledged is None for finding in findings):
        sys.exit(1)


def _migrate(options: argparse.Namespace) -> None:
    from asyncio import Runner

    from taxiway.local import dynamodb
    from taxiway.migrate import running

    if options.dynamodb_endpoint:
        _migrate_at(options, options.dynamodb_endpoint)
        return
    data: Path = (options.data or options.project / projects.STATE).resolve()
    if not (data / dynamodb.DATABASE).exists():
        sys.exit(f"There is no database in {data}: nothing to migrate.")
    endpoint = running(data / dynamodb.DATABASE)
    if endpoint is not None:
        _migrate_at(options, endpoint)
        return
    binary = dynamodb.find(options.project, print) or dynamodb.install(options.project, print)
    engine = dynamodb.Engine(binary, data, note=print)
    with Runner() as runner:
        runner.run(engine.start())
        try:
            _migrate_at(options, engine.endpoint)
        finally:
            runner.run(engine.close())


def _migrate_at(options: argparse.Namespace, endpoint: str) -> None:
    from taxiway import migrate
    from taxiway.data import DataError, TableClient
    from taxiway.local.manifest import to_manifest
    from taxiway.local.tables import credentials_for

    stage = projects.read_stage(options.project, options.stage, local=True)
    backend = projects.read_backend(options.project, stage)
    planned = to_manifest(backend, stage)
    if planned.table is None:
        sys.exit("The backend has no table.")
    entities = migrate.choose(migrate.entities_of(backend), options.entity)
    if not entities:
        sys.exit("No function of the backend uses an entity: nothing to migrate.")
    credentials = credentials_for(endpoint)
    os.environ |= {
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_REGION": planned.region,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token,
    }
    table = TableClient(table_name=planned.table.name)
    if not table.core.sync_table_exists(table.name):
        sys.exit(f"There is no table {table.name} at {endpoint}: nothing to migrate.")
    names = ", ".join(entity.__name__ for entity in entities)
    total = migrate.count(table, entities) if sys.stdout.isatty() and options.rate is None else None
    progress = migrate.Progress(sys.stdout, total=total)
    backfill = migrate.Backfill(
        table,
        entities,
        indexes=[index.name for index in backend.table.indexes] if backend.table else [],
        rate=options.rate,
        dry_run=options.dry_run,
        progress=progress.show,
        problem=progress.line,
    )
    try:
        found = None if options.restart or options.dry_run else backfill.resumable()
        if options.resume and found is None:
            sys.exit(f"There is no unfinished migration of {names} to go on with.")
        progress.line(f"Migrating {names} in {table.name} at {endpoint}.")
        if found is not None:
            progress.line(f"Going on where a migration was left, after {found.seen} items.")
        done = backfill.run(resume=found is not None)
    except DataError as error:
        sys.exit(f"\n{error}\nFix: mend that, and run the same again: it goes on from here.\n")
    finally:
        progress.close()
    verb = "would be rewritten" if options.dry_run else "rewritten"
    print(f"{done.seen} items: {done.written} {verb}, {done.failed} can't be.")
    if done.failed:
        sys.exit(1)


def _reset(options: argparse.Namespace) -> None:
    from taxiway.local.dynamodb import DATABASE, erase

    data: Path = options.data or options.project / projects.STATE
    if not (data / DATABASE).exists():
        print(f"There is no database in {data}.")
        return
    if not options.yes and not _confirmed(f"Delete the database in {data}, with all that is in it?"):
        sys.exit("Nothing was deleted. (Without a terminal to ask on, pass --yes.)")
    erase(data)
    print(f"Deleted the database in {data}.")


def _confirmed(question: str) -> bool:
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _secrets_set(options: argparse.Namespace) -> None:
    if sys.stdin.isatty():
        value = getpass(f"Value of {options.key} in {options.id}: ")
    else:
        value = sys.stdin.read().removesuffix("\n")
    if options.stage is not None:
        on_aws.set_secret(options, value)
        return
    _store(options).set(options.id, {options.key: value})
    print(f"Set {options.key} of {options.id}.")


def _secrets_list(options: argparse.Namespace) -> None:
    if options.stage is not None:
        on_aws.list_secrets(options)
        return
    for secret_id, keys in _store(options).list().items():
        print(f"{secret_id}  {' '.join(keys)}")


def _secrets_unset(options: argparse.Namespace) -> None:
    if options.stage is not None:
        on_aws.unset_secret(options)
        return
    name = f"{options.key} of {options.id}" if options.key else options.id
    if not _store(options).unset(options.id, options.key):
        sys.exit(f"There is no {name}. `taxiway secrets list` says what there is.")
    print(f"Removed {name}.")


def _store(options: argparse.Namespace) -> "SecretStore":
    from taxiway.local.secret_store import SecretStore

    return SecretStore(options.project / projects.STATE / "secrets.json", note=print)


if __name__ == "__main__":
    main()
