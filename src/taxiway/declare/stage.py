"""A stage: the name under which a backend runs, and the values that differ between its stages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from taxiway.declare import arns
from taxiway.declare.errors import refuse

LOCAL_REGION = "us-east-1"
LOCAL_ACCOUNT = "000000000000"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+)+-\d")
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """dev, test, prod, or any other name, with the variables of its stage file.

    A local stage (`local=True`) may omit the region and the account. Otherwise AWS_REGION and AWS_ACCOUNT are required,
    so that no command uses an account that the stage file does not name.
    """

    name: str
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    local: bool = False
    source: str = ""
    """The stage file, for error messages."""
    overridden: Mapping[str, str] = field(default_factory=dict[str, str])
    """The file of each variable that is not set by the stage file."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            refuse(
                f"Invalid stage name {self.name!r}.",
                fix="use lower-case letters, digits and hyphens, at most 20, starting with a letter: dev, test, prod",
                where="",
            )
        if not self.local:
            self.required("AWS_REGION")
            self.required("AWS_ACCOUNT")
        for variable, pattern, example in (
            ("AWS_REGION", _REGION, "eu-west-1"),
            ("AWS_ACCOUNT", _ACCOUNT, "123456789012 (12 digits)"),
            ("AUTHORIZER_ARN", arns.LAMBDA_FUNCTION, "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"),
            ("SECRETS_ID", arns.SECRET_ID, "items/dev"),
        ):
            value = self.optional(variable)
            if value is not None and not pattern.fullmatch(value):
                refuse(
                    f"Invalid {variable}: {value!r}.",
                    fix=f"write it like {example}",
                    where=self.overridden.get(variable, self.source),
                )

    @property
    def region(self) -> str:
        return self.optional("AWS_REGION") or LOCAL_REGION

    @property
    def account(self) -> str:
        return self.optional("AWS_ACCOUNT") or LOCAL_ACCOUNT

    @property
    def is_production(self) -> bool:
        return self.name == "prod"

    def optional(self, variable: str) -> str | None:
        """The variable's value, or None if it is missing or empty in the stage file."""
        return self.variables.get(variable) or None

    def required(self, variable: str) -> str:
        """The variable's value. Raises DeclarationError, naming the variable and the file, if it is missing."""
        value = self.optional(variable)
        if value is None:
            refuse(
                f"The stage {self.name!r} is missing {variable}.",
                fix=f"add a line {variable}=… to the stage file",
                where=self.source or f".env.{self.name}",
            )
        return value
