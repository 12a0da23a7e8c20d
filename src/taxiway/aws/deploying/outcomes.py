"""Describes to the user how an operation on a stack ended: why, what is left, and what to do."""

from collections.abc import Generator
from contextlib import contextmanager

from taxiway.aws.deploying.deployed_stack import Say
from taxiway.aws.deploying.progress import Watch

# What a failed deployment left, by the status of the stack.
STATES = {
    "UPDATE_ROLLBACK_COMPLETE": "the stage is as it was before",
    "UPDATE_ROLLBACK_FAILED": "it could not be rolled back completely: some resources are new, others as before",
    "ROLLBACK_COMPLETE": "only an empty stack is left, which the next deployment removes",
    "ROLLBACK_FAILED": (
        "it could not be rolled back completely: the next deployment removes the stack, and lists what remains"
    ),
}


@contextmanager
def going_on(
    say: Say, that: str = "CloudFormation continues; `taxiway doctor` shows the status of the stack."
) -> Generator[None, None, None]:
    """Says that the operation continues if the command stops watching it: Ctrl-C, expired credentials."""
    try:
        yield
    except BaseException:
        say(that)
        raise


def why(watch: Watch, status: str) -> str:
    reason = f": {watch.reason}" if watch.reason else "."
    return "\n".join(f"  {failure}" for failure in watch.failures) or f"  CloudFormation ended with {status}{reason}"


def way_out(stack: str, status: str, otherwise: str) -> str:
    """What to do with a stack after a failed operation, before the next deployment.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
    """
    if status == "UPDATE_ROLLBACK_FAILED":
        return f"run `aws cloudformation continue-update-rollback --stack-name {stack}`, and deploy again"
    if status in ("CREATE_FAILED", "DELETE_FAILED"):
        return "delete the stack (`taxiway destroy`; a protected stage in CloudFormation's console), and deploy again"
    return otherwise
