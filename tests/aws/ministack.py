"""MiniStack, AWS's services in one process, for a deployment that is real but for the account."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from taxiway import Stage

ACCOUNT = "000000000000"
REGION = "us-east-1"
STAGE = Stage(name="dev", variables={"AWS_REGION": REGION, "AWS_ACCOUNT": ACCOUNT})

_PATIENCE = 60.0  # seconds that it may take to answer


def _command() -> list[str]:
    """MINISTACK names the program; else it is the one beside this Python, where the group `synth` has it."""
    return [os.environ.get("MINISTACK") or str(Path(sys.executable).with_name("ministack"))]


@contextmanager
def serve(log: Path) -> Generator[str]:
    """Its endpoint while the block runs, on a free port of this machine alone. All that it keeps goes with it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",  # these two listen on all addresses, whatever BIND_HOST says
        "SFTP_ENABLED": "0",
        "GATEWAY_PORT": str(port),
    }
    endpoint = f"http://127.0.0.1:{port}"
    with (
        log.open("w") as output,
        subprocess.Popen(_command(), env=environment, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            deadline = monotonic() + _PATIENCE
            while not _answers(endpoint):
                assert process.poll() is None, log.read_text()
                assert monotonic() < deadline, log.read_text()
                sleep(0.1)
            yield endpoint
        finally:
            process.terminate()


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
