"""`make aws-check`: deploys a stage of the template, tests it, destroys it, and writes a report. See needs.py."""

import argparse
import secrets
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import boto3
from tests.aws_check.check import Check
from tests.aws_check.masking import masked
from tests.aws_check.needs import NEEDS, Missing, Target, target
from tests.aws_check.report import markdown

from taxiway import __version__

CANNOT_START = 2


def main() -> int:
    """The exit code: 0 if everything passed, 1 if a step failed, 2 if the check could not start."""
    formatter = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(prog="make aws-check", description=NEEDS, formatter_class=formatter)
    parser.add_argument("--report", type=Path, default=Path("aws-check.md"), help="default: aws-check.md")
    parser.add_argument("--leave-out", action="append", default=[], metavar="TEST", help="named in the report")
    options = parser.parse_args()
    try:
        where = target()
    except Missing as missing:
        print(f"{missing}\n\n{NEEDS}", file=sys.stderr)
        return CANNOT_START
    signal.signal(signal.SIGTERM, _interrupt)
    interrupted = False
    stage, begun = f"check-{secrets.token_hex(3)}", datetime.now(UTC)
    with TemporaryDirectory(prefix="taxiway-check-") as directory:
        check = Check(where, stage, Path(directory), left_out=options.leave_out)
        try:
            check.run()
        except KeyboardInterrupt:
            print("Interrupted: the stage was destroyed, and the steps after it were not done.", file=sys.stderr)
            interrupted = True
        _write(options.report, check, where, begun, options.leave_out)
    passed = not interrupted and all(step.passed for step in check.steps)
    if not check.steps[-1].passed:
        print(
            f"The stage {stage} may still exist: look for the stack items-{stage} in {where.region}.", file=sys.stderr
        )
    print(f"{'Passed' if passed else 'Failed'}. The report is in {options.report}.")
    return 0 if passed else 1


def _write(report: Path, check: Check, where: Target, begun: datetime, left_out: list[str]) -> None:
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    place = f"{where.region} (an emulator at AWS_ENDPOINT_URL)" if where.endpoint else where.region
    text = markdown(
        check.steps,
        begun=begun,
        version=__version__,
        commit=commit.stdout.strip() or "unknown",
        where=place,
        left_out=left_out,
    )
    credentials = boto3.Session().get_credentials()
    frozen = credentials.get_frozen_credentials() if credentials else None
    known = (frozen.access_key, frozen.secret_key, frozen.token) if frozen else ()
    report.write_text(masked(text, account=where.account, secrets=known), encoding="utf-8")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
