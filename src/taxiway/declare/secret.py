"""A secret in Secrets Manager, named by its id and never by its value."""

from dataclasses import dataclass, field

from taxiway.declare import arns
from taxiway.declare._environment import check_variable
from taxiway.declare._source import caller
from taxiway.declare.errors import refuse


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """Changes a secret's value every `days` (1 to 1000), by an existing Lambda function (`function`, its ARN)."""

    function: str
    days: int = 30

    def __post_init__(self) -> None:
        if not arns.LAMBDA_FUNCTION.fullmatch(self.function):
            refuse(
                f"Invalid rotation function {self.function!r}: it must be the ARN of a Lambda function.",
                fix="write it like arn:aws:lambda:eu-west-1:123456789012:function:rotate",
            )
        if not 1 <= self.days <= 1000:
            refuse(f"Rotation(days={self.days}) is out of range.", fix="use 1 to 1000 (days)")


@dataclass(frozen=True)
class Secret:
    """A secret: a JSON object of strings, under an id of Secrets Manager.

    With no id (an optional variable that the stage leaves out) the secret is absent: nothing is granted and no
    function sees it. A function that `uses` it finds the id in the environment variable `variable`. `generate` names
    one field that gets a random value when the secret is created, locally and on AWS (`GenerateSecretString` of
    AWS::SecretsManager::Secret). On AWS, a secret with `generate` is created by the stage's stack, with this id; one
    without must exist. `encryption_key` is the ARN of a KMS key, instead of the account's own key for Secrets Manager.
    """

    id: str | None
    variable: str = field(default="SECRETS_ID", kw_only=True)
    generate: str | None = field(default=None, kw_only=True)
    rotation: Rotation | None = field(default=None, kw_only=True)
    encryption_key: str | None = field(default=None, kw_only=True)
    source: str = field(default_factory=caller, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        check_variable(self.variable, f"The secret {self.id!r}", where=self.source)
        if self.id is not None and not arns.SECRET_ID.fullmatch(self.id):
            refuse(
                f"Invalid secret id {self.id!r}.",
                fix="use at most 512 letters, digits and /_+=.@- as in shop/prod, or a whole ARN of Secrets Manager",
                where=self.source,
            )
        if self.encryption_key is not None and not arns.KMS_KEY.fullmatch(self.encryption_key):
            refuse(
                f"The encryption key of the secret {self.id!r} must be the ARN of a KMS key: {self.encryption_key!r}.",
                fix="write it like arn:aws:kms:eu-west-1:123456789012:key/1234-…",
                where=self.source,
            )
        if self.generate is not None and self.id is not None and self.id.startswith("arn:"):
            refuse(
                f"The secret {self.id!r} is named by its ARN, so it must exist, but generate={self.generate!r} would "
                "create it.",
                fix="name it by its id, as in shop/prod, or leave generate and rotation out",
                where=self.source,
            )
        if self.generate == "":
            refuse(
                f"The secret {self.id!r} has generate='', which does not name a field.",
                fix='name the field that is generated: generate="key"',
                where=self.source,
            )
        if self.rotation is not None and self.generate is None:
            refuse(
                f"The secret {self.id!r} is created outside of the declaration, so it can't be rotated from here.",
                fix="rotate it where it is created, or create it here: generate=…",
                where=self.source,
            )
