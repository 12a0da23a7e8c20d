"""Runs every benchmark and prints its figures; `make bench ARGS=functions` runs one."""

import sys

from benchmarks import data, functions, laptop

BENCHMARKS = {"data": data.run, "functions": functions.run, "laptop": laptop.run}


def main() -> None:
    chosen = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}: there are {', '.join(BENCHMARKS)}")
    for name in chosen:
        BENCHMARKS[name]()


main()
