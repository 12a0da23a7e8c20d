"""A project beside a MiniStack, and the real command run in it."""

import os
import pty
import select
import shutil
import subprocess
import sys
import termios
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import boto3
from tests.aws import ministack

TEMPLATE = Path(__file__).parents[2] / "template"

_PATIENCE = 300.0  # seconds that a command may take
_TAKES_TERMINAL = (
    f"import fcntl, os, sys; fcntl.ioctl(0, {termios.TIOCSCTTY}, 0); os.execv(sys.executable, sys.argv[1:])"
)


class Cloud:
    """A MiniStack, and a project that is deployed to it."""

    def __init__(self, endpoint: str, project: Path) -> None:
        self.endpoint = endpoint
        self.project = project

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **own,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONWARNINGS": "default",
        }

    def taxiway(
        self, *arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "taxiway", *arguments],
            cwd=self.project,
            env={**self.environment, **(environment or {})},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )

    def on_terminal(self, *arguments: str, question: str, keys: str) -> tuple[int, str]:
        """Run the command on a terminal, press these keys at its question: how it ended, and what it showed."""
        terminal, end = pty.openpty()
        command = [sys.executable, "-c", _TAKES_TERMINAL, sys.executable, "-m", "taxiway", *arguments]
        with subprocess.Popen(
            command, cwd=self.project, env=self.environment, stdin=end, stdout=end, stderr=end, start_new_session=True
        ) as process:
            os.close(end)
            try:
                seen = _read(terminal, process, question)
                sleep(0.5)  # Ctrl-C between the question and Python's reading of the answer would go unheard
                os.write(terminal, keys.encode())
                seen += _read(terminal, process, None)
                return process.wait(_PATIENCE), seen
            finally:
                process.kill()
                os.close(terminal)

    def deploy(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.taxiway("deploy", "--host-packages", *arguments)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=ministack.REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def edit(self, name: str, old: str, new: str) -> None:
        file = self.project / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


def stage_file(project: Path, stage: str, *, secret: str = "", account: str = ministack.ACCOUNT) -> None:
    text = f"AWS_REGION={ministack.REGION}\nAWS_ACCOUNT={account}\nSECRETS_ID={secret}\n"
    (project / f".env.{stage}").write_text(text)


@contextmanager
def of_template(directory: Path) -> Generator[Cloud]:
    """The template, beside a MiniStack with nothing in it."""
    project = directory / "project"
    shutil.copytree(TEMPLATE, project, ignore=shutil.ignore_patterns("__pycache__", ".taxiway", ".pytest_cache"))
    stage_file(project, "dev")
    with ministack.serve(directory / "ministack.log") as endpoint:
        yield Cloud(endpoint, project)


def _read(terminal: int, process: "subprocess.Popen[bytes]", until: str | None) -> str:
    """What is written to a terminal until these words, or until the process is gone and has left nothing unread."""
    seen, deadline = "", monotonic() + _PATIENCE
    while until is None or until not in seen:
        assert monotonic() < deadline, seen
        gone = process.poll() is not None
        if select.select([terminal], [], [], 0 if gone else 0.2)[0]:
            try:
                seen += os.read(terminal, 4096).decode(errors="replace").replace("\r\n", "\n")
                continue
            except OSError:  # nobody holds the other end
                gone = True
        if gone:
            assert until is None, f"{until!r} never came: {seen}"
            break
    return seen
