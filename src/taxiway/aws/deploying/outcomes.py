"""How an operation on a stack ended: why, what is left, and what to do then, for a person."""

from collections.abc import Generator
from contextlib import contextmanager

from taxiway.aws.deploying.deployed_stack import Say
from taxiway.aws.deploying.progress import Watch

# What is left of a stage by a deployment that failed, by the status of its stack.
STATES = {
    "UPDATE_ROLLBACK_COMPLETE": "the stage is as it was before",
    "UPDATE_ROLLBACK_FAILED": "it could not be taken back whole: some of the stage is new, some as it was before",
    "ROLLBACK_COMPLETE": "nothing of it is left but an empty stack, which the next deployment removes",
    "ROLLBACK_FAILED": "it could not be taken back whole: the next deployment removes its stack, and names what stays",
}


@contextmanager
def going_on(
    say: Say, that: str = "CloudFormation goes on with what it has begun; `taxiway doctor` says how the stack is."
) -> Generator[None, None, None]:
    """Says, where the watching ends before what is watched, that it goes on: Ctrl-C, credentials that expire."""
    try:
        yield
    except BaseException:
        say(that)
        raise


def why(watch: Watch, status: str) -> str:
    reason = f": {watch.reason}" if watch.reason else "."
    return "\n".join(f"  {failure}" for failure in watch.failures) or f"  CloudFormation ended with {status}{reason}"


def way_out(stack: str, status: str, otherwise: str) -> str:
    """What to do with a stack that CloudFormation left as it could, before the next deployment.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
    """
    if status == "UPDATE_ROLLBACK_FAILED":
        return f"run `aws cloudformation continue-update-rollback --stack-name {stack}`, and deploy again"
    if status in ("CREATE_FAILED", "DELETE_FAILED"):
        return "delete the stack (`taxiway destroy`; a protected stage in CloudFormation's console), and deploy again"
    return otherwise
