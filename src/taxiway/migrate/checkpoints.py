"""The progress of a migration: a record in the table itself for each segment of the scan.

The records are in the table that they describe: they can't be confused with those of another table, any machine can
continue from them, and an acknowledged write survives whatever happens to the process. They are deleted when the
migration is complete.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from msgspec import Struct, structs

from taxiway.data import Entity, TableClient

KEY = "MIGRATION"


class Counts(Struct):
    """Items that were looked at, those of them that were rewritten, and those that could not be."""

    seen: int = 0
    written: int = 0
    failed: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*(a + b for a, b in zip(structs.astuple(self), structs.astuple(other), strict=True)))


class Checkpoint(Struct):
    """The progress of one segment: the last key that was read, or None before the first, and the counts."""

    counts: Counts
    last: dict[str, Any] | None = None
    done: bool = False


class Checkpoints:
    """The records of one migration: of these entities and indexes as they are declared now, in so many segments."""

    def __init__(
        self, table: TableClient, entities: Sequence[type[Entity]], indexes: Sequence[str], segments: int
    ) -> None:
        self._table = table
        self._target = _target(entities, indexes, segments)

    def read(self) -> dict[int, Checkpoint]:
        """The progress to continue from, by segment; records of a different migration are ignored."""
        return {
            row["segment"]: Checkpoint(
                Counts(seen=row["seen"], written=row["written"], failed=row["failed"]), row.get("last"), row["done"]
            )
            for row in self._rows()
            if row["target"] == self._target
        }

    def write(self, segment: int, checkpoint: Checkpoint) -> None:
        """Store the progress of a segment. It is durable once this returns."""
        row: dict[str, Any] = {
            "pk": KEY,
            "sk": f"{segment:04}",
            "entity": "Migration",
            "target": self._target,
            "segment": segment,
            "done": checkpoint.done,
            **structs.asdict(checkpoint.counts),
        }
        if checkpoint.last is not None:
            row["last"] = checkpoint.last
        self._table.core.put_item(self._table.name, row)

    def clear(self) -> None:
        """Delete the records of every migration of the table."""
        for row in self._rows():
            self._table.core.delete_item(self._table.name, {"pk": row["pk"], "sk": row["sk"]})

    def _rows(self) -> list[dict[str, Any]]:
        table = self._table
        values = {":pk": KEY}
        return table.core.query(table.name, "pk = :pk", expression_attribute_values=values, consistent_read=True).items


def _target(entities: Sequence[type[Entity]], indexes: Sequence[str], segments: int) -> str:
    """A short digest of the declaration that is migrated to: another declaration is another migration."""
    parts = [str(segments), *sorted(indexes)]
    for entity in sorted(entities, key=lambda entity: entity.__codec__.name):
        parts.append(f"{entity.__codec__.name} {entity.__codec__.evolution.version}")
        parts += [f"{field.name} {field.stored} {field.type}" for field in entity.__codec__.fields.values()]
        parts += [f"unique {claim.template.text}" for claim in entity.__uniques__]
        for pattern in entity.__indexed__:
            shards = pattern.sharding and pattern.sharding.layouts
            parts.append(f"{pattern.index} {pattern.partition.text} {pattern.sort.text} {shards}")
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()
