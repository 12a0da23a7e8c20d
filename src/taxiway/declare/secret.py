"""A secret in Secrets Manager, named by its id and never by its value."""

import re
from dataclasses import dataclass, field

from taxiway.declare import _environment
from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError

# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
_ID = re.compile(
    r"[A-Za-z0-9/_+=.@-]{1,512}|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+"
)
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9-_]+")
KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """Changes a secret's value every `days` (1 to 1000), by an existing Lambda function (`function`, its ARN)."""

    function: str
    days: int = 30

    def __post_init__(self) -> None:
        if not _FUNCTION.fullmatch(self.function) or not 1 <= self.days <= 1000:
            raise DeclarationError(
                f"Rotation(function={self.function!r}, days={self.days}) can't be.",
                fix="name a function as in arn:aws:lambda:eu-west-1:123456789012:function:rotate, and 1 to 1000 days",
                where=caller(),
            )


@dataclass(frozen=True)
class Secret:
    """A secret: a JSON object of strings, under an id of Secrets Manager.

    With no id (an optional variable that the stage leaves out) the secret is absent: nothing is granted and no
    function sees it. A function that `uses` it finds the id in the environment variable `variable`.
    `generate` names one field that is filled with a random value when the secret is first made, on the laptop and on
    AWS alike (`GenerateSecretString` of AWS::SecretsManager::Secret). On AWS a secret with `generate` is made by the
    stage's stack, under its id; one without must exist. `encryption_key` is the ARN of a key of KMS, in place of the
    account's own for Secrets Manager.
    """

    id: str | None
    variable: str = field(default="SECRETS_ID", kw_only=True)
    generate: str | None = field(default=None, kw_only=True)
    rotation: Rotation | None = field(default=None, kw_only=True)
    encryption_key: str | None = field(default=None, kw_only=True)
    source: str = field(default_factory=caller, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if refusal := _environment.refused(self.variable):
            problem, fix = refusal
            raise DeclarationError(f"The secret {self.id!r}: {problem}.", fix=fix, where=self.source)
        if self.id is not None and not _ID.fullmatch(self.id):
            raise DeclarationError(
                f"{self.id!r} is no id of a secret.",
                fix="use at most 512 letters, digits and /_+=.@- as in shop/prod, or a whole ARN of Secrets Manager",
                where=self.source,
            )
        if self.encryption_key is not None and not KEY.fullmatch(self.encryption_key):
            raise DeclarationError(
                f"The encryption key of the secret {self.id!r} is no ARN of KMS: {self.encryption_key!r}.",
                fix="write it like arn:aws:kms:eu-west-1:123456789012:key/1234-…",
                where=self.source,
            )
        if self.generate is not None and self.id is not None and self.id.startswith("arn:"):
            raise DeclarationError(
                f"The secret {self.id!r} is named by its ARN, so it exists, and generate={self.generate!r} would make "
                "it.",
                fix="name it by its id, as in shop/prod, or leave generate and rotation out",
                where=self.source,
            )
        if self.generate == "":
            raise DeclarationError(
                f"The secret {self.id!r} has generate='', which names no field of it.",
                fix='name the field that is generated: generate="key"',
                where=self.source,
            )
        if self.rotation is not None and self.generate is None:
            raise DeclarationError(
                f"The secret {self.id!r} exists outside of the declaration, and rotation would change it from here.",
                fix="rotate it where it is made, or let it be made here: generate=…",
                where=self.source,
            )
