"""`taxiway routes`: lists the routes and the functions that answer them."""

from argparse import ArgumentParser, Namespace

from taxiway.cli.declaration import read_locally
from taxiway.cli.flags import add_json, add_stage
from taxiway.cli.printing import print_json
from taxiway.local.manifest import to_manifest
from taxiway.local.route_table import rows


def add_flags(parser: ArgumentParser) -> None:
    add_stage(parser)
    add_json(parser)


def run(options: Namespace) -> None:
    manifest = to_manifest(*read_locally(options))
    if not options.json:
        print(*rows(manifest), sep="\n")
        return
    functions = {function.name: function for function in manifest.functions}
    print_json(
        [
            {
                "method": route.method,
                "path": route.path,
                "function": route.function,
                "handler": route.handler,
                "memory": functions[route.function].memory,
                "timeout": functions[route.function].timeout,
            }
            for route in manifest.routes
        ]
    )
