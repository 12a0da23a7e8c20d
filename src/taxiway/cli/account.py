"""Connects a command to the account of its stage, and prints that account."""

from collections.abc import Callable

from taxiway.aws.deploying import account as accounts
from taxiway.aws.deploying.account import Account
from taxiway.declare import Backend, Stage


def connect(backend: Backend, stage: Stage, say: Callable[[str], None]) -> Account:
    """Raises AwsError as `taxiway.aws.deploying.account.connect` does."""
    account = accounts.connect(stage)
    say(f"{backend.name} · stage {stage.name} · {account.region} · account {account.id} · {account.caller}")
    return account
