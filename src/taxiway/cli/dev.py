"""`taxiway dev`: serves the backend locally until Ctrl-C."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from taxiway.cli.argument_types import at_least_one, port, seconds
from taxiway.cli.declaration import project_of
from taxiway.cli.flags import DATA_HELP, ENDPOINT_HELP, add_stage


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=port, default=8000, help="port to listen on; 0 chooses a free one (default: 8000)"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another host name that the API answers under, as of a tunnel; `.example.com` allows all below it; "
        "may be repeated (default: loopback names and --host)",
    )
    storage = parser.add_mutually_exclusive_group()
    storage.add_argument("--data", type=Path, metavar="DIR", help=DATA_HELP)
    storage.add_argument("--ephemeral", action="store_true", help="start with an empty database, discarded at the end")
    storage.add_argument("--dynamodb-endpoint", metavar="URL", help=ENDPOINT_HELP)
    parser.add_argument(
        "--environments",
        type=at_least_one,
        default=8,
        metavar="N",
        help="maximum environments per function (default: 8)",
    )
    parser.add_argument(
        "--keep-warm",
        type=seconds,
        default=600.0,
        metavar="TIME",
        help="end an environment that was idle for so long: 30s, 10m, 2h (default: 10m)",
    )
    parser.add_argument(
        "--open",
        action="store_true",
        help="serve routes with an authorizer to everybody, because authorizers do not run locally (default: 501)",
    )
    parser.add_argument("--inline", action="store_true", help="run the handlers in this process, for a debugger")
    parser.add_argument(
        "--awslambdaric", action="store_true", help="run functions under AWS's own runtime client, once installed"
    )


def run(options: Namespace) -> None:
    from taxiway.local.local_backend import Options
    from taxiway.local.serve import serve

    serve(
        Options(
            project=project_of(options),
            stage=options.stage,
            host=options.host,
            port=options.port,
            allowed_hosts=tuple(options.allow_host),
            data=options.data and options.data.resolve(),
            ephemeral=options.ephemeral,
            dynamodb_endpoint=options.dynamodb_endpoint,
            environments=options.environments,
            keep_warm=options.keep_warm,
            open=options.open,
            inline=options.inline,
            awslambdaric=options.awslambdaric,
        )
    )
