"""`taxiway completion`: prints a shell's completion script."""

from argparse import ArgumentParser, Namespace

from taxiway.cli.errors import CommandError

SHELLS = ("bash", "zsh", "tcsh")


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that the script is for")


def run(options: Namespace) -> None:
    from taxiway.cli.main import whole_parser

    try:
        import shtab
    except ModuleNotFoundError:
        raise CommandError(
            "Completion needs the package shtab.", fix='install it: pip install "taxiway[local]"'
        ) from None
    print(shtab.complete(whole_parser(), shell=options.shell))
