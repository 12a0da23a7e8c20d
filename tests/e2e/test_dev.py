"""`taxiway dev` from outside: what it prints, what an edit does, and that it leaves nothing behind."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest
from tests.counts import count

from taxiway.testing import Server, serve

PATIENCE = 30.0  # seconds that a test waits for what must happen


def until(condition: object, what: str) -> None:
    """Wait until a callable is true."""
    assert callable(condition)
    deadline = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < deadline, f"waited {PATIENCE:.0f} s for {what}"
        sleep(0.02)


def family(server: Server) -> list[psutil.Process]:
    """The process of `taxiway dev` and all that it started."""
    process = psutil.Process(server.process.pid)
    return [process, *process.children(recursive=True)]


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_it_says_what_it_serves_and_a_line_for_each_request(project: Path, path_with_engine: dict[str, str]) -> None:
    with serve(project, environment=path_with_engine) as server:
        first, second = server.get("/health"), server.get("/health?deep=true")
        server.get("/nowhere")
        until(lambda: any("/nowhere" in line for line in server.output), "the line of the last request")
    output = "\n".join(server.output)
    assert "items · stage dev" in output
    assert re.search(r"GET +/items/\{id\} +get-item +1024 MB +30 s", output)
    assert "items-dev" in output
    assert re.search(r"ready in \d+\.\d\d s", output)
    assert re.search(
        rf"200 GET +/health +[\d.]+ ms +cold +health +{re.escape(first.headers['apigw-requestid'])}", output
    )
    assert re.search(
        rf"200 GET +/health\?deep=true +[\d.]+ ms +warm +health +{re.escape(second.headers['apigw-requestid'])}", output
    )
    assert re.search(r"404 GET +/nowhere ", output)
    assert "\x1b[" not in output  # colours are for terminals


def test_what_it_leaves_out_it_says(project: Path, path_with_engine: dict[str, str]) -> None:
    edit(project / "backend.py", "import Backend, ", "import Backend, Cdn, ")
    edit(project / "backend.py", "    api = HttpApi(\n", "    api = HttpApi(\n        cdn=Cdn(),\n")
    with serve(project, environment=path_with_engine) as server:
        assert server.get("/health").status == 200
    output = "\n".join(server.output)
    assert re.search(r"only on AWS\n +the CDN", output)


def test_a_declared_authorizer_does_not_stop_it(project: Path, path_with_engine: dict[str, str]) -> None:
    """Its routes are refused, and served unguarded only with --open."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
    edit(project / ".env.dev", "AUTHORIZER_ARN=", f"AUTHORIZER_ARN={arn}")
    with serve(project, environment=path_with_engine) as server:
        assert server.get("/health").status == 200
        refused = server.get("/items/none")
        assert refused.status == 501
        assert "--open" in refused.json()["message"]
        assert any("GET /items/{id}" in line and "501" in line for line in server.output)
    with serve(project, "--open", environment=path_with_engine) as server:
        assert server.get("/items/none").status == 404
        assert any("GET /items/{id}" in line and "OPEN to everybody (--open)" in line for line in server.output)


@pytest.mark.parametrize("stage", ["prod.x", "Prod"])
def test_nothing_is_installed_for_a_stage_that_is_refused(
    project: Path, tmp_path: Path, path_with_engine: dict[str, str], stage: str
) -> None:
    """Without an engine on the PATH, one would be installed first."""
    tools = tmp_path / "tools"
    tools.mkdir()
    npm = tools / "npm"
    npm.write_text(f"#!/bin/sh\ntouch {tmp_path}/installed\nexit 1\n")
    npm.chmod(0o755)
    environment = {**os.environ, **path_with_engine, "PATH": f"{tools}:/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-m", "taxiway", "dev", "--project", str(project), "--stage", stage, "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"Invalid stage name {stage!r}." in done.stderr
    assert not (tmp_path / "installed").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_all_that_it_started(project: Path, path_with_engine: dict[str, str], number: signal.Signals) -> None:
    with serve(project, environment=path_with_engine) as server:
        server.get("/health?deep=true")
        processes = family(server)
        assert any("dynoxide" in process.name() for process in processes)
        os.kill(server.process.pid, number)
        assert server.process.wait(PATIENCE) == 0
        _, alive = psutil.wait_procs(processes, PATIENCE)
        assert alive == []


@count("kills", test=1, soak=100)
def test_killed_it_leaves_no_process_behind(project: Path, path_with_engine: dict[str, str]) -> None:
    with serve(project, data=project / "data", environment=path_with_engine) as server:
        server.get("/health?deep=true")
        processes = family(server)
        server.process.kill()
        _, alive = psutil.wait_procs(processes, PATIENCE)
        assert alive == []


def test_a_taken_port_is_an_error_that_says_so(project: Path, path_with_engine: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "taxiway", "dev", "--project", str(project), "--port", port, "--ephemeral"]
        done = subprocess.run(
            command, env={**os.environ, **path_with_engine}, capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    own = f"process {os.getpid()} ({sys.executable} " if sys.platform == "linux" else ""
    assert f"Cannot listen on 127.0.0.1:{port}: address already in use by {own}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_edited_handler_serves_the_next_request(project: Path, path_with_engine: dict[str, str]) -> None:
    source = project / "handlers" / "http" / "health.py"
    with serve(project, environment=path_with_engine) as server:
        assert server.get("/health").json()["status"] == "ok"
        for before, after in [("ok", "v1"), ("v1", "v2"), ("v2", "v3")]:
            edit(source, f'status="{before}"', f'status="{after}"')
            assert server.get("/health").json()["status"] == after


def test_an_edited_declaration_serves_the_next_request(project: Path, path_with_engine: dict[str, str]) -> None:
    with serve(project, environment=path_with_engine) as server:
        assert server.get("/ping").status == 404
        (project / "handlers" / "http" / "ping.py").write_text(
            "def ping(event, context):\n    return {'pong': event['rawPath']}\n"
        )
        edit(project / "backend.py", "from models.item", "from handlers.http.ping import ping\nfrom models.item")
        edit(project / "backend.py", '    api.get("/health"', '    api.get("/ping", ping)\n    api.get("/health"')
        assert server.get("/ping").json() == {"pong": "/ping"}


def test_a_project_that_cannot_be_read_answers_500_until_it_is_mended(
    project: Path, path_with_engine: dict[str, str]
) -> None:
    source = project / "handlers" / "http" / "health.py"
    with serve(project, environment=path_with_engine) as server:
        edit(source, "def health(", "def health((")
        assert server.get("/health").status == 500
        until(lambda: any("SyntaxError" in line for line in server.output), "the mistake on the terminal")
        edit(source, "def health((", "def health(")
        assert server.get("/health").status == 200


def test_a_project_that_cannot_be_read_does_not_start(project: Path, path_with_engine: dict[str, str]) -> None:
    edit(project / "backend.py", '"/items/{id}", get_item', '"/items/{item_id}", get_item')
    with (
        pytest.raises(RuntimeError, match=r"does not take the path parameter 'item_id'") as raised,
        serve(project, environment=path_with_engine),
    ):
        pass
    assert f"{project / 'backend.py'}:" in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_data_is_kept_from_one_run_to_the_next(project: Path, path_with_engine: dict[str, str]) -> None:
    data = project / "elsewhere"
    with serve(project, data=data, environment=path_with_engine) as server:
        made = server.request("POST", "/items", json={"name": "Pen", "category": "kept"})
    with serve(project, data=data, environment=path_with_engine) as server:
        assert server.get(made.headers["location"]).json() == made.json()
        assert server.get("/items?category=kept").json()["items"] == [made.json()]


def test_an_ephemeral_database_starts_empty(project: Path, path_with_engine: dict[str, str]) -> None:
    with serve(project, environment=path_with_engine) as server:
        made = server.request("POST", "/items", json={"name": "Pen", "category": "lost"})
    with serve(project, environment=path_with_engine) as server:
        assert server.get(made.headers["location"]).status == 404


def test_a_cursor_survives_a_restart_because_its_key_does(project: Path, path_with_engine: dict[str, str]) -> None:
    data = project / "data"
    with serve(project, data=data, environment=path_with_engine) as server:
        for _ in range(2):
            server.request("POST", "/items", json={"name": "Pen", "category": "kept"})
        cursor = server.get("/items?category=kept&limit=1").json()["cursor"]
    with serve(project, data=data, environment=path_with_engine) as server:
        assert server.get(f"/items?category=kept&limit=1&cursor={cursor}").status == 200


def test_without_a_secret_the_template_runs_all_the_same(project: Path, path_with_engine: dict[str, str]) -> None:
    edit(project / ".env.dev", "SECRETS_ID=items/dev", "SECRETS_ID=")
    with serve(project, environment=path_with_engine) as server:
        for _ in range(2):
            server.request("POST", "/items", json={"name": "Pen", "category": "plain"})
        cursor = server.get("/items?category=plain&limit=1").json()["cursor"]
        assert server.get(f"/items?category=plain&limit=1&cursor={cursor}").status == 200


def test_secrets_are_private_and_in_no_output(project: Path, path_with_engine: dict[str, str]) -> None:
    with serve(project, environment=path_with_engine) as server:
        server.get("/items?category=x")
        server.get("/items?category=x&cursor=forged")
    file = project / ".taxiway" / "secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    values = re.findall(r'"cursorKey":\s*"([^"]+)"', file.read_text())
    assert len(values) == 1
    assert not any(values[0] in line for line in server.output)


def test_a_second_one_on_the_same_data_is_refused_by_name(project: Path, path_with_engine: dict[str, str]) -> None:
    data = project / "data"
    with serve(project, data=data, environment=path_with_engine) as server:
        with (
            pytest.raises(RuntimeError, match=rf"process {server.process.pid}\) has the database"),
            serve(project, data=data, environment=path_with_engine),
        ):
            pass
        assert server.get("/health?deep=true").status == 200


def test_another_dynamodb_can_be_used(project: Path, endpoint: str) -> None:
    with serve(project, "--dynamodb-endpoint", endpoint, data=None) as server:
        made = server.request("POST", "/items", json={"name": "Pen", "category": "elsewhere"})
        assert server.get(made.headers["location"]).json() == made.json()
        server.request("POST", "/items", json={"name": "Ink", "category": "elsewhere"})
        assert server.get("/items?category=elsewhere&limit=1").json()["cursor"]  # which a secret signs
        assert not any("dynoxide" in process.name() for process in family(server))


def test_inline_runs_the_handlers_in_its_own_process(project: Path, path_with_engine: dict[str, str]) -> None:
    edit(project / "handlers" / "http" / "health.py", 'status="ok"', 'status=str(__import__("os").getpid())')
    with serve(project, "--inline", environment=path_with_engine) as server:
        assert server.get("/health?deep=true").json()["status"] == str(server.process.pid)
        made = server.request("POST", "/items", json={"name": "Pen", "category": "inline"})
        assert server.get("/items?category=inline").json()["items"] == [made.json()]


@pytest.mark.skipif(sys.platform != "linux", reason="AWS builds its runtime client for Linux")
def test_awss_own_runtime_client_runs_the_template_unchanged(project: Path, path_with_engine: dict[str, str]) -> None:
    with serve(project, "--awslambdaric", environment=path_with_engine) as server:
        assert server.get("/health?deep=true").json()["table"] == "ok"
        made = server.request("POST", "/items", json={"name": "Pen", "category": "aws", "price": 1.25})
        assert made.status == 201
        assert server.get("/items?category=aws").json()["items"] == [made.json()]
        item = server.request("PATCH", made.headers["location"], json={"name": "Ink"})
        assert (item.json()["name"], item.json()["version"]) == ("Ink", 2)
        user = server.request("POST", "/users", json={"email": "ada@example.com", "name": "Ada"})
        assert server.get(user.headers["location"]).json() == user.json()
        assert server.get("/users?email=ada@example.com").json()["items"] == [user.json()]
        assert server.request("DELETE", made.headers["location"]).status == 204
        assert server.get(made.headers["location"]).status == 404
        workers = [process for process in family(server) if "awslambdaric" in process.cmdline()]
        assert len(workers) == 9


def test_a_handler_that_misbehaves_harms_itself_alone(project: Path, path_with_engine: dict[str, str]) -> None:
    (project / "handlers" / "http" / "unruly.py").write_text(UNRULY)
    edit(project / "backend.py", "from models.item", "from handlers.http import unruly\nfrom models.item")
    routes = "".join(
        f'    api.get("/{name}", unruly.{name}, memory=128, timeout=2)\n'
        for name in ("sleeps", "hoards", "exits", "babbles", "gushes", "nonsense", "raises")
    )
    edit(project / "backend.py", '    api.get("/health"', routes + '    api.get("/health"')
    (project / "handlers" / "http" / "stillborn.py").write_text(STILLBORN)
    edit(project / "backend.py", "from models.item", "from handlers.http.stillborn import stillborn\nfrom models.item")
    edit(project / "backend.py", '    api.get("/health"', '    api.get("/stillborn", stillborn)\n    api.get("/health"')
    said = {
        "sleeps": "Task timed out after 2.00 seconds",
        "hoards": "Memory Size: 128 MB",
        "exits": "Runtime exited",
        "gushes": "Response payload size exceeded",
        "nonsense": "is not JSON serializable",
        "raises": "ValueError: out of ideas",
        "stillborn": "RuntimeError: no",
    }
    with serve(project, environment=path_with_engine) as server:
        for name, words in said.items():
            answer = server.get(f"/{name}")
            assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}'), name
            until(lambda words=words: any(words in line for line in server.output), f"{words!r} on the terminal")
            assert server.get("/health").status == 200
        assert server.get("/babbles").status == 200
        until(lambda: any(r"[babbles] \xff\xfe" in line for line in server.output), "the binary output")


STILLBORN = """
import os

if "AWS_LAMBDA_RUNTIME_API" in os.environ:  # the declaration can be read, the function not started
    raise RuntimeError("no")

def stillborn(event, context): ...
"""

UNRULY = """
import os, sys, time

def sleeps(event, context):
    time.sleep(60)

def hoards(event, context):
    hoard = []
    while True:
        hoard.append(b"x" * 1_000_000)
        time.sleep(0.002)

def exits(event, context):
    os._exit(3)

def babbles(event, context):
    os.write(1, b"\\xff\\xfe\\n")
    return "said"

def gushes(event, context):
    return "x" * 7_000_000

def nonsense(event, context):
    return object()

def raises(event, context):
    raise ValueError("out of ideas")
"""


def test_a_decorated_handler_runs_decorated(project: Path, path_with_engine: dict[str, str]) -> None:
    (project / "handlers" / "http" / "guarded.py").write_text(
        "from functools import wraps\n\n"
        "def guard(function):\n"
        "    @wraps(function)\n"
        "    def guarded(event, context):\n"
        "        return {'statusCode': 401, 'body': 'who are you?'}\n"
        "    return guarded\n\n"
        "def raw(event, context):\n"
        "    return 'secret'\n\n"
        "open_to_nobody = guard(raw)\n"
    )
    edit(
        project / "backend.py", "from models.item", "from handlers.http.guarded import open_to_nobody\nfrom models.item"
    )
    edit(
        project / "backend.py",
        '    api.get("/health"',
        '    api.get("/guarded", open_to_nobody)\n    api.get("/health"',
    )
    with serve(project, environment=path_with_engine) as server:
        answer = server.get("/guarded")
    assert (answer.status, answer.body) == (401, b"who are you?")
