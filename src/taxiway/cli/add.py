"""`taxiway add`: writes an entity or a route, with its test, and declares it in backend.py."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from taxiway.cli.declaration import project_of, read_locally
from taxiway.cli.flags import add_stage
from taxiway.scaffold import addition, entity, fields, route
from taxiway.scaffold.addition import Addition
from taxiway.scaffold.backend_file import UnknownShape


def add_flags(parser: ArgumentParser) -> None:
    kinds = parser.add_subparsers(required=True, metavar="kind")
    new = kinds.add_parser("entity", help="a model, its data access, the route that creates it, and their tests")
    add_stage(new)
    new.add_argument("name", help="name of the entity: Order, OrderLine")
    new.add_argument(
        "field",
        nargs="*",
        help=f"fields, such as price:Decimal or note:str? (default: name); types: {', '.join(fields.TYPES)}",
    )
    new.add_argument("--plural", metavar="WORD", help="plural for the module and the path (default: orders of Order)")
    new.set_defaults(addition=_entity)
    new_route = kinds.add_parser("route", help="a handler, its route, and a test")
    add_stage(new_route)
    new_route.add_argument("route", help='method and path: "GET /orders/{id}"')
    new_route.add_argument("--name", metavar="NAME", help="name of the handler (default: get_order, say)")
    new_route.set_defaults(addition=_route)


def run(options: Namespace) -> int:
    project = project_of(options)
    wanted: Addition = options.addition(options, project)
    addition.check(project, wanted)
    try:
        written = addition.write(project, wanted)
    except UnknownShape as reason:
        print(addition.to_paste(wanted, reason))
        return 1
    declared = wanted.declared
    print(f"Added {declared.method} {declared.path}:", *(f"  {path}" for path in written), sep="\n")
    return 0


def _entity(options: Namespace, project: Path) -> Addition:
    names = entity.names_of(options.name, options.plural)
    given = fields.parse(options.field)
    read_locally(options)  # what is added to works so far
    return entity.addition(project, names, given)


def _route(options: Namespace, project: Path) -> Addition:
    key = route.parse(options.route)
    backend, _ = read_locally(options)
    return route.addition(project, backend, key, options.name)
