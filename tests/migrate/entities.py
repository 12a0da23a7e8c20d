"""An entity as it was, and as it is: more shards, another form. A process of its own migrates it, to be killed."""

import os
from typing import Any

from taxiway.data import Entity, Shards, TableClient, key, pattern, upcaster
from taxiway.migrate import Backfill, Counts


def before() -> Any:
    class Book(Entity):
        id: str
        shelf: str = "s"
        name: str
        reads: int = 0

        @key(pk="BOOK#{id}", sk="BOOK")
        def by_id(self, id: str) -> None:
            """One book."""

        @pattern("gsi1", pk="BOOKS#{shelf}", sk="{id}")
        def of_shelf(self, shelf: str) -> None:
            """Books of a shelf."""

    return Book


class Book(Entity):
    id: str
    shelf: str = "s"
    title: str
    reads: int = 0

    @upcaster(from_version=1)
    @staticmethod
    def title_for_name(stored: dict[str, Any]) -> dict[str, Any]:
        stored["title"] = stored.pop("name")
        return stored

    @key(pk="BOOK#{id}", sk="BOOK")
    def by_id(self, id: str) -> None:
        """One book."""

    @pattern("gsi1", pk="BOOKS#{shelf}", sk="{id}", shards=Shards(4, was=1))
    def of_shelf(self, shelf: str) -> None:
        """Books of a shelf."""


def _print(counts: Counts) -> None:
    print(counts.seen, flush=True)


if __name__ == "__main__":
    rate = os.environ.get("RATE")
    Backfill(TableClient(), [Book], rate=float(rate) if rate else None, progress=_print, problem=print).run()
