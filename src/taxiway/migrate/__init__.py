"""`taxiway migrate`: brings every stored item up to its entity's declaration, while the backend is in use."""

from taxiway.migrate.backfill import Backfill, count
from taxiway.migrate.checkpoints import Checkpoints, Counts
from taxiway.migrate.endpoint import running
from taxiway.migrate.entities import choose, entities_of
from taxiway.migrate.progress import Progress

__all__ = ["Backfill", "Checkpoints", "Counts", "Progress", "choose", "count", "entities_of", "running"]
