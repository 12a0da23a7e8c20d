"""The error of what cannot be written."""

from taxiway.declare.errors import TaxiwayError


class ScaffoldError(TaxiwayError):
    """A project, an entity or a route that cannot be written. Nothing was changed."""

    code = "scaffold"
