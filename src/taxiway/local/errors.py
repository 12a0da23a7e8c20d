"""The base of every error of local development."""

from taxiway.declare.errors import TaxiwayError


class LocalError(TaxiwayError):
    """The backend can't be served on this machine."""

    code = "local"
