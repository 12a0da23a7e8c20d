"""`taxiway new`: writes a new project."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from taxiway.scaffold import new_project, taxiway_source


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR", help="directory of the project: new or empty")
    parser.add_argument("--name", metavar="NAME", help="name of the backend (default: that of the directory)")
    parser.add_argument("--bare", action="store_true", help="one handler and its route, in place of the whole template")
    parser.add_argument(
        "--taxiway",
        type=Path,
        metavar="PATH",
        help="checkout or wheel of Taxiway that the project uses (default: the one that this command came from)",
    )


def run(options: Namespace) -> None:
    directory = Path(os.path.abspath(options.directory))  # noqa: PTH100  resolve() would follow a link to another name
    named = options.taxiway
    source = taxiway_source.of_this_installation() if named is None else taxiway_source.checked(named)
    name = options.name or new_project.name_for(directory)
    count = new_project.create(directory, name, bare=options.bare, source=source)
    print(f"Created {name} in {directory} ({count} files).\n")
    if directory != Path.cwd():
        print(f"  cd {os.path.relpath(directory)}")
    print("  make dev     set everything up, and serve it on http://127.0.0.1:8000")
    print("  make test    set everything up, and run its tests")
