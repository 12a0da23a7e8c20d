"""A secret in Secrets Manager, named by its id and never by its value."""

import re
from dataclasses import dataclass, field

from taxiway.declare._source import caller
from taxiway.declare.errors import DeclarationError

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True)
class Secret:
    """A secret: a JSON object of strings, under an id of Secrets Manager.

    With no id (an optional variable that the stage leaves out) the secret is absent: nothing is granted and no
    function sees it. A function that `uses` it finds the id in the environment variable `variable`.
    `generate` names one field that is filled with a random value when the secret is first made, on the laptop and on
    AWS alike (`GenerateSecretString` of AWS::SecretsManager::Secret).
    """

    id: str | None
    variable: str = field(default="SECRETS_ID", kw_only=True)
    generate: str | None = field(default=None, kw_only=True)
    source: str = field(default_factory=caller, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if not _VARIABLE.fullmatch(self.variable):
            raise DeclarationError(
                f"{self.variable!r} is not a name for an environment variable.",
                fix="use capital letters, digits and underscores, as in SECRETS_ID",
                where=self.source,
            )
