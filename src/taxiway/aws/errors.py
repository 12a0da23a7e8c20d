"""The error of every command that works on AWS."""

from taxiway.declare.errors import TaxiwayError


class AwsError(TaxiwayError):
    """An operation on AWS failed, or was refused."""

    code = "aws"
