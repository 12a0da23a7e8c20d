"""Every example of README.md and docs/: its files make a project, its commands run, and what it shows is what comes.

A block under `<!-- file: path -->` is a file of the page's project; a later one of the same path replaces it, and a
`diff` block changes it. A `python` block of another kind is executed, with the names of the blocks before it; lines of
`>>>` are a doctest. In a `console` block each line of `$ …` is carried out in the project, and the lines under it are
compared with what comes of it; with no lines there it has to succeed. `cd` stays for what follows, and a project that
it enters has the environment of the tests. Of `make …` it is what make would run once everything is set up. A
`dynamodb` block is every call that the `python` block before it made, and what each was billed. `…` stands for
anything. A `text` block is read by people alone.
"""

import argparse
import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import pytest
from tests.calls import Recorder, recording

from taxiway import data
from taxiway.local import tables
from taxiway.local.manifest import ServedIndex, ServedTable
from taxiway.testing import Server, serve

ROOT = Path(__file__).parents[1]
ENTITIES = ROOT / "docs" / "reference" / "data" / "entity.md"
"""Its files are there on every page of its folder."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

ADDRESS = "http://127.0.0.1:8000"
"""What the pages write; the backend under test has a free port."""
PATIENCE = 60.0  # seconds that a test waits for what must happen

OF_THE_OUTER_MAKE = ("ARGS", "MINUTES", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL")
"""What a `make` that runs the tests leaves in their environment."""

_BLOCK = re.compile(
    r"^(?:<!-- file: (?P<path>\S+) -->\n+)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_STATUS = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \| (\d{3}) \|", re.MULTILINE)

_SERVE = re.compile(r"(?:cd (?P<folder>\S+) && )?(?:exec )?(?:\S+/)?taxiway dev\b(?P<arguments>.*)")

_curl = argparse.ArgumentParser(prog="curl")
_curl.add_argument("-s", action="store_true")
_curl.add_argument("-i", action="store_true")
_curl.add_argument("-X", dest="method")
_curl.add_argument("-H", dest="headers", action="append", default=[])
_curl.add_argument("-d", dest="data")
_curl.add_argument("url")


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    """Where its first line is on the page."""
    language: str
    path: str | None
    text: str

    def commands(self) -> Iterator[tuple[int, str, str]]:
        """Each command, the line that it starts on, and the output shown below it."""
        parts = re.split(r"^\$ (.*(?:(?<=\\)\n.*)*)\n", self.text, flags=re.MULTILINE)
        line = self.line + parts[0].count("\n")
        for command, output in zip(parts[1::2], parts[2::2], strict=True):
            yield line, command.replace("\\\n", " "), output
            line += command.count("\n") + 1 + output.count("\n")


def blocks(page: Path) -> list[Block]:
    text, name = page.read_text(encoding="utf-8"), os.path.relpath(page, ROOT)
    return [
        Block(name, text[: found.start("text")].count("\n") + 1, found["language"], found["path"], found["text"])
        for found in _BLOCK.finditer(text)
    ]


def fits(shown: str, came: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, "\n".join(line.rstrip() for line in came.strip().splitlines()), re.DOTALL) is not None


class Checker(doctest.OutputChecker):
    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(want, got, optionflags) or fits(want, got)


class Reader:
    """Does what a page says, from top to bottom, in a project of its own."""

    def __init__(self, project: Path, environment: dict[str, str], recorder: Recorder, stack: ExitStack) -> None:
        self._project = project
        self._environment = environment
        self._recorder = recorder
        self._stack = stack
        self._names: dict[str, object] = {"__name__": "page"}
        self._server: Server | None = None

    def read(self, page: Path) -> None:
        if page.parent == ENTITIES.parent:
            for block in blocks(ENTITIES):
                if block.path is not None:
                    self._write(block.path, block.text)
        for block in blocks(page):
            self._take(block)

    def _enter(self, folder: str) -> None:
        self._project = self._project / folder
        if (self._project / "Makefile").exists():
            (self._project / ".venv").symlink_to(sys.prefix)

    def _take(self, block: Block) -> None:
        if block.path is not None and block.language == "diff":
            self._change(block.path, block)
        elif block.path is not None:
            self._write(block.path, block.text)
        elif block.language == "python":
            self._recorder.calls.clear()
            self._execute(block)
        elif block.language == "dynamodb":
            self._compare_calls(block)
        elif block.language == "console":
            for line, command, shown in block.commands():
                self._follow(f"{block.page}:{line}", command, shown)
        elif block.language != "text":
            pytest.fail(f"{block.page}:{block.line}: a block of {block.language or 'no language'} is never carried out")

    def _write(self, path: str, text: str) -> None:
        file = self._project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        forget_modules(self._project)

    def _change(self, path: str, block: Block) -> None:
        """Change a file as a diff shows; what stands there before has to be in the file once."""
        text = (self._project / path).read_text(encoding="utf-8")
        for part in re.split(r"^@@\n", block.text, flags=re.MULTILINE):
            lines = part.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if not line.startswith("+"))
            if text.count(before) != 1:
                pytest.fail(f"{block.page}:{block.line}: {path} does not have this once:\n{before}", pytrace=False)
            text = text.replace(before, "".join(line[1:] for line in lines if not line.startswith("-")))
        self._write(path, text)

    def _execute(self, block: Block) -> None:
        if not block.text.startswith(">>>"):
            code = compile("\n" * (block.line - 1) + block.text, block.page, "exec")
            exec(code, self._names)  # noqa: S102  it is what the page shows
            return
        test = doctest.DocTestParser().get_doctest(block.text, self._names, block.page, block.page, block.line - 1)
        test.globs = self._names  # a test copies what it is given; the next block needs what this one defines
        report: list[str] = []
        doctest.DocTestRunner(checker=Checker()).run(test, out=report.append, clear_globs=False)
        if report:
            pytest.fail("".join(report), pytrace=False)

    def _compare_calls(self, block: Block) -> None:
        came = "\n".join(self._recorder.calls)
        if not fits(" ".join(block.text.split()), " ".join(came.split())):  # a page breaks long lines
            where = f"{block.page}:{block.line}"
            pytest.fail(f"{where}: other calls.\n\nThe page shows:\n{block.text}\nWhat came:\n{came}", pytrace=False)

    def _follow(self, where: str, command: str, shown: str) -> None:
        failed = False
        if command.startswith("cd ") and "&&" not in command:
            self._enter(command.split()[1])
            return
        run = run_by_make(command, self._project) if command.startswith("make ") else command
        if run.startswith("curl "):
            came = self._request(run)
        elif serving := _SERVE.fullmatch(run):
            came = self._serve(shlex.split(serving["arguments"]), serving["folder"] or ".")
        else:
            done = subprocess.run(
                ["sh", "-c", run],
                cwd=self._project,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
            came, failed = done.stdout, done.returncode != 0
        if failed if not shown.strip() else not fits(shown, came):
            pytest.fail(f"{where}: $ {command}\n\nThe page shows:\n{shown}\nWhat came:\n{came}", pytrace=False)

    def _serve(self, arguments: list[str], folder: str = ".") -> str:
        """Serve the project on a free port, in place of what was served before; what the banner says."""
        self._stack.close()
        if "--port" in arguments:
            del arguments[(port := arguments.index("--port")) : port + 2]
        project = self._project / folder
        data = None if "--ephemeral" in arguments else project / ".taxiway"
        self._server = self._stack.enter_context(serve(project, *arguments, data=data, environment=self._environment))
        deadline = monotonic() + PATIENCE
        while not any("ready in" in line for line in self._server.output) and monotonic() < deadline:
            sleep(0.01)
        return "\n".join(self._server.output).replace(self._server.url, ADDRESS)

    def _request(self, command: str) -> str:
        """What curl would print: it isn't on every machine, and the pages need little of it."""
        if self._server is None:
            self._serve([])
        assert self._server is not None
        asked = _curl.parse_args(shlex.split(command)[1:])
        assert asked.url.startswith(f"{ADDRESS}/"), f"{asked.url} is not on {ADDRESS}"
        headers = {"Accept": "*/*", "User-Agent": "curl/8.5.0"}
        if asked.data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers |= {name.strip().title(): value.strip() for name, _, value in (h.partition(":") for h in asked.headers)}
        method = asked.method or ("GET" if asked.data is None else "POST")
        connection = HTTPConnection(urlsplit(self._server.url).netloc, timeout=PATIENCE)
        connection.request(method, asked.url.removeprefix(ADDRESS), asked.data and asked.data.encode(), headers)
        with connection.getresponse() as response:
            head = [f"HTTP/1.1 {response.status} {response.reason}"]
            head += [f"{name}: {value}" for name, value in response.getheaders()]
            body = response.read().decode(errors="replace")
        connection.close()
        return "\n".join([*head, "", body]) if asked.i else body


def run_by_make(command: str, project: Path) -> str:
    """The commands that make would run in a project, but for those that set up what the tests have already."""
    dry = [*shlex.split(command), "--dry-run", "--no-print-directory", "--assume-old=.venv/.ready"]
    # What `make test ARGS=…` was given is not meant for the commands of a page.
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_OUTER_MAKE}
    done = subprocess.run(dry, cwd=project, env=environment, capture_output=True, text=True, check=True)
    return " && ".join(done.stdout.splitlines())


def forget_modules(project: Path) -> None:
    """Let the project's modules be imported anew."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(f"{project}{os.sep}"):
            del sys.modules[name]


@pytest.fixture
def reader(
    path_with_engine: dict[str, str],
    endpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Generator[Reader]:
    """A reader with an empty project, `taxiway` and the engine on PATH, and a table for what the page executes."""
    project = tmp_path / "project"
    project.mkdir()
    path = [str(Path(sys.executable).parent), path_with_engine["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(path), "NO_COLOR": "1"}
    table = ServedTable(tmp_path.name, "pk", "sk", (ServedIndex("gsi1", "gsi1pk", "gsi1sk"),), None)
    tables.bring_up_to_date(table, endpoint, region="eu-west-1", note=print)
    for name, value in {
        "TABLE_NAME": table.name,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "page",
        "AWS_SECRET_ACCESS_KEY": "page",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(project)
    monkeypatch.chdir(project)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("backend", "handlers", "models", "dal")]:
        monkeypatch.delitem(sys.modules, name)  # the template's, which is on sys.path as well
    with recording(endpoint) as recorder, ExitStack() as stack:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", recorder.endpoint)
        yield Reader(project, environment, recorder, stack)
    forget_modules(project)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: os.path.relpath(page, ROOT))
def test_a_page_does_what_it_says(page: Path, reader: Reader) -> None:
    reader.read(page)


@pytest.mark.parametrize(
    "wrong",
    [
        "```python\n>>> 1 + 1\n3\n```",
        "```python\n>>> int('x')\nTraceback (most recent call last):\nValueError: another\n```",
        "```python\nassert False\n```",
        "```console\n$ echo one\ntwo\n```",
        "```console\n$ false\n```",
        "```python\n1 + 1\n```\n```dynamodb\nGetItem  (0.5 RCU)\n```",
        "```json\n{}\n```",
        "<!-- file: a.py -->\n```python\nx = 1\n```\n\n<!-- file: a.py -->\n```diff\n-x = 2\n+x = 3\n```",
    ],
)
def test_a_page_that_is_wrong_is_found_out(wrong: str, reader: Reader, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"One.\n\n{wrong}\n")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        reader.read(page)


@pytest.mark.parametrize("page", sorted(ENTITIES.parent.glob("*.md")), ids=lambda page: os.path.relpath(page, ROOT))
def test_every_status_is_that_of_its_error(page: Path) -> None:
    for names, status in _STATUS.findall(page.read_text(encoding="utf-8")):
        for name in re.findall(r"\w+", names):
            assert getattr(data, name).http_status == int(status), f"{page.name}: {name} is not {status}"


def test_a_page_s_make_is_not_given_what_the_tests_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGS", "--from-environment")
    monkeypatch.setenv("MAKEFLAGS", " -- ARGS=--from-flags")
    assert "--from" not in run_by_make("make dev", ROOT)
