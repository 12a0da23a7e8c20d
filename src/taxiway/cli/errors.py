"""The errors of commands themselves: something was not found, or was not confirmed."""

from taxiway.declare.errors import TaxiwayError


class CommandError(TaxiwayError):
    """Something that the command line names was not found or can't be used."""

    code = "command"


class NotConfirmed(TaxiwayError):  # noqa: N818  named for what happened, as the errors of `taxiway.data` are
    """The question before data is lost was not answered with yes."""

    code = "not-confirmed"
