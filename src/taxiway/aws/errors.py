"""The error of every command that works on AWS."""

from taxiway.declare.errors import TaxiwayError


class AwsError(TaxiwayError):
    """AWS can't do what is asked, or must not."""

    code = "aws"
