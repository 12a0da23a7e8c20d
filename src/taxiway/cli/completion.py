"""`taxiway completion`: prints a shell's completion script."""

from argparse import ArgumentParser, Namespace

SHELLS = ("bash", "zsh", "tcsh")


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that the script is for")


def run(options: Namespace) -> None:
    import shtab

    from taxiway.cli.main import whole_parser

    print(shtab.complete(whole_parser(), shell=options.shell))
