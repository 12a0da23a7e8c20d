"""The steps of a check, by the real commands: the stage is destroyed also when one of them fails or is interrupted."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.aws_check.needs import Target
from tests.aws_check.report import Step

TEMPLATE = Path(__file__).parents[2] / "template"
CONFTEST = Path(__file__).with_name("conftest_of_the_stage.py")

_NOT_COPIED = shutil.ignore_patterns("__pycache__", ".taxiway", ".pytest_cache", ".env.local")


class Check:
    """A copy of the template in `directory`, its stage, and the steps that were done. `steps` grows as they end."""

    def __init__(self, target: Target, stage: str, directory: Path, *, left_out: Sequence[str] = ()) -> None:
        self.steps: list[Step] = []
        self._target = target
        self._stage = stage
        self._project = directory / "project"
        self._left_out = left_out

    def run(self) -> None:
        """Deploy, call, compare, destroy. What a step prints is in its Step; only the last always runs."""
        self._prepare()
        try:
            emulated = ["--host-packages"] if self._target.endpoint else []
            if self._taxiway("Deploy the stage", "deploy", "--yes", *emulated).passed:
                self._call()
                self._taxiway("Deploy it again, without a change", "deploy", "--yes", *emulated)
        finally:
            self._taxiway("Destroy the stage", "destroy", "--yes")

    def _prepare(self) -> None:
        shutil.copytree(TEMPLATE, self._project, ignore=_NOT_COPIED)
        shutil.copy(CONFTEST, self._project / "tests" / "conftest.py")
        secret = "" if self._target.endpoint else f"items/{self._stage}"
        variables = {"AWS_REGION": self._target.region, "AWS_ACCOUNT": self._target.account, "SECRETS_ID": secret}
        lines = (f"{name}={value}\n" for name, value in variables.items())
        (self._project / f".env.{self._stage}").write_text("".join(lines))

    def _call(self) -> None:
        """The template's own tests, which pass locally, against the stage."""
        outputs = self._taxiway("Read its outputs", "outputs", "--json")
        if not outputs.passed:
            return
        url = json.loads(outputs.output)["ApiUrl"]
        environment = {"CHECK_URL": url}
        if self._target.endpoint:
            host = urlsplit(url).netloc.partition(".")[0] + ".execute-api.localhost"
            environment |= {"CHECK_URL": f"http://{host}", "CHECK_ADDRESS": self._target.endpoint}
        ignored = [flag for name in self._left_out for flag in ("--deselect", name)]
        self._step(
            "Call every route: the template's end-to-end tests",
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", *ignored],
            environment,
        )

    def _taxiway(self, what: str, *arguments: str) -> Step:
        command = [sys.executable, "-m", "taxiway", *arguments, "--stage", self._stage]
        return self._step(what, command, {}, shown=["taxiway", *command[3:]])

    def _step(
        self, what: str, command: Sequence[str], environment: Mapping[str, str], *, shown: Sequence[str] = ()
    ) -> Step:
        print(f"{what} …", flush=True)
        begun = time.monotonic()
        done = subprocess.run(
            command,
            cwd=self._project,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        step = Step(
            what=what,
            command=shlex.join(shown or ["pytest", *command[3:]]),
            code=done.returncode,
            seconds=time.monotonic() - begun,
            output=done.stdout,
        )
        self.steps.append(step)
        print(f"  {'passed' if step.passed else 'failed'} in {step.seconds:.0f} s", flush=True)
        return step
