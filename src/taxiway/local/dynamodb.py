"""Dynoxide, the local DynamoDB: found or installed, started, and started again whenever it dies."""

import asyncio
import fcntl
import hashlib
import os
import platform
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from taxiway.local import database_file
from taxiway.local.errors import LocalError
from taxiway.local.state_directory import make_private

VERSION = "1.2.1"
DATABASE = "dynamodb.sqlite"

Note: TypeAlias = Callable[[str], None]
"""Takes one line for the terminal."""

_PACKAGES = {
    ("Linux", "x86_64"): "linux-x64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "arm64"): "darwin-arm64",
    ("Darwin", "x86_64"): "darwin-x64",
}
_SHA256 = {"linux-x64": "be909b7910d3fb552e85db10ef3c8ebae4bd35fee0f26dffdb6dfa5cc656426e"}
"""Of the binary in the package, for the platforms where it is known; elsewhere its version alone is pinned."""

_OTHERWISE = f"put dynoxide {VERSION} on PATH, or pass --dynamodb-endpoint URL of another DynamoDB"
_START_OVER = "`taxiway reset` starts over with an empty one; copy the file first if you need what is in it"
_START_LIMIT = 5.0  # seconds; it takes milliseconds
_STOP_LIMIT = 2.0  # seconds
_CALM = 30.0  # seconds without a death, after which the next one is answered at once again
_LONGEST_PAUSE = 5.0  # seconds between restarts that keep failing


class EngineError(LocalError):
    """The engine can't be installed, or does not run."""

    code = "local-dynamodb"


def find(project: Path, note: Note) -> Path | None:
    """The engine's binary: `dynoxide` on PATH, else what `install` left in the project; None where there is neither.

    `note` reports where the one on PATH is another version than Taxiway is tested with, or can't be used.
    """
    on_path = shutil.which("dynoxide")
    if on_path is not None:
        problem = _unusable(Path(on_path))
        if problem is None:
            version = _version(Path(on_path))
            if version != VERSION:
                note(f"{on_path} is version {version}; Taxiway is tested with {VERSION}.")
            return Path(on_path)
        note(f"{on_path} is left aside: {problem}.")
    installed = _installed(project)
    return installed if installed.is_file() else None


def install(project: Path, note: Note) -> Path:
    """Install the engine into the project's `.taxiway/engine` by npm, and return its binary.

    The binary appears in one step when it is complete, so a killed installation leaves nothing that counts, and two at
    once don't disturb each other. Raises EngineError where npm is missing or fails, or has no build for this machine.
    """
    machine = f"{platform.system()} {platform.machine()}"
    package = _PACKAGES.get((platform.system(), platform.machine()))
    if package is None:
        raise EngineError(f"There is no build of dynoxide for {machine}.", fix=_OTHERWISE)
    npm = shutil.which("npm")
    if npm is None:
        raise EngineError(
            f"The local DynamoDB (dynoxide {VERSION}) comes by npm, and npm is not on PATH.",
            fix=f"install Node.js 20 or newer, {_OTHERWISE}",
        )
    target = _installed(project)
    make_private(target.parent.parent)
    target.parent.mkdir(exist_ok=True)
    note(f"Installing dynoxide {VERSION}, the local DynamoDB, into {target.parent} (once) …")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="installing-") as directory:
        options = ["--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--ignore-scripts", "--loglevel=error"]
        done = subprocess.run(
            [npm, "install", "--prefix", directory, *options, f"@dynoxide/{package}@{VERSION}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        binary = Path(directory, "node_modules", "@dynoxide", package, "dynoxide")
        if done.returncode != 0 or not binary.is_file():
            output = done.stdout.decode(errors="replace").strip()
            raise EngineError(
                f"npm could not install @dynoxide/{package}@{VERSION} for {machine} (status {done.returncode}):\n"
                f"{output}",
                fix=f"correct what npm reports, {_OTHERWISE}",
            )
        _check_sum(binary, package)
        binary.chmod(0o755)
        problem = _unusable(binary)
        if problem is not None:
            raise EngineError(f"The dynoxide that npm installed does not run here: {problem}.", fix=_OTHERWISE)
        binary.replace(target)
    return target


def hidden_host() -> str:
    """A loopback address for the engine that other programs do not guess.

    On Linux all of 127.0.0.0/8 is loopback (RFC 1122, section 3.2.1.3), and one of its 16 million addresses is drawn.
    Elsewhere it is 127.0.0.1, where a scan of its ports finds the engine.
    """
    if platform.system() != "Linux":
        return "127.0.0.1"
    return f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"


def erase(data: Path) -> None:
    """Delete the database in a data directory. Raises EngineError where a running Taxiway has it open."""
    if not data.is_dir():
        return
    lock = _lock(data)
    try:
        _stop_stale(lock, data / DATABASE)
        for suffix in ("", "-wal", "-shm"):
            (data / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    finally:
        os.close(lock)


class Engine:
    """One Dynoxide on one data directory, on loopback, restarted at the same address when it dies.

    With `data=None` the database lives in a temporary directory that `close` deletes; until then it survives the
    engine's death like any other. `note` reports every death and restart. `port=0` takes a free one. It answers
    whoever finds it, web pages included: `hidden_host` gives a host where none looks.
    """

    endpoint: str
    """`http://HOST:PORT`, once started."""

    def __init__(self, binary: Path, data: Path | None, *, note: Note, host: str = "127.0.0.1", port: int = 0) -> None:
        self.restarts = 0
        self._host = host
        self._binary = binary.absolute()
        self._data = data and data.absolute()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._note = note
        self._port = port
        self._lock: int | None = None
        self._process: _Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The engine's process id; None while it is not running."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it and wait until it accepts connections.

        Raises EngineError where another Taxiway has the data directory open, the port is taken, or the engine does not
        start (a damaged database, say), with what it printed.
        """
        if self._data is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="taxiway-")
            self._data = Path(self._temporary.name)
        try:
            self._lock = _lock(self._data)
            _stop_stale(self._lock, self._data / DATABASE)
            await asyncio.to_thread(_prepare, self._data / DATABASE)
            self._port = _claim(self._host, self._port)
            self.endpoint = f"http://{self._host}:{self._port}"
            await self._spawn()
        except BaseException:
            await self.close()
            raise
        self._supervisor = asyncio.create_task(self._supervise())

    async def close(self) -> None:
        """Stop it and release the data directory. Closing twice does nothing."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
            self._supervisor = None
        if self._process is not None:
            await self._process.stop()
            self._process = None
        if self._lock is not None:
            _write(self._lock, "")
            os.close(self._lock)
            self._lock = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = self._data = None

    async def _spawn(self) -> None:
        assert self._data is not None
        assert self._lock is not None
        database = self._data / DATABASE
        process = await _Process.start(self._binary, self._host, self._port, database)
        try:
            _write(self._lock, f"{os.getpid()} {process.pid}")
            await process.accepts(self._host, self._port, database)
        except BaseException:
            await process.stop()
            raise
        self._process = process

    async def _supervise(self) -> None:
        """Restart it when it dies: the first time at once, then after pauses that double while it keeps dying."""
        deaths: list[float] = []
        while True:
            if self._process is not None:
                ending = await self._process.ended()
                self._process = None
                self._note(f"The local DynamoDB ended ({ending}); restarting it.")
            now = monotonic()
            deaths = [*(death for death in deaths if now - death < _CALM), now][-10:]
            if len(deaths) > 1:
                await asyncio.sleep(min(0.05 * 2 ** (len(deaths) - 2), _LONGEST_PAUSE))
            try:
                await self._spawn()
            except (EngineError, OSError) as error:
                self._note(str(error))
            else:
                self.restarts += 1


class _Process:
    """A running dynoxide, the last of what it printed, and a watchdog that kills it when this process dies.

    The watchdog is a shell that waits for the end of a pipe that only this process holds open, which happens however
    this process ends. Both are in sessions of their own, so that Ctrl-C in the terminal reaches neither.
    """

    def __init__(self, engine: asyncio.subprocess.Process, watchdog: asyncio.subprocess.Process) -> None:
        self.pid = engine.pid
        self._engine = engine
        self._watchdog = watchdog
        self._printed = b""
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, binary: Path, host: str, port: int, database: Path) -> "_Process":
        try:
            engine = await asyncio.create_subprocess_exec(
                *(str(binary), "--host", host, "--port", str(port), "--db-path", str(database)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"Cannot run {binary}: {error.strerror}.", fix=_OTHERWISE) from None
        try:
            watchdog = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-c", 'read -r _; kill -9 "$0"', str(engine.pid)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except BaseException:
            engine.kill()
            await engine.communicate()
            raise
        return cls(engine, watchdog)

    async def accepts(self, host: str, port: int, database: Path) -> None:
        """Wait until it accepts connections. Raises EngineError where it ends, or takes longer than the limit."""
        deadline = monotonic() + _START_LIMIT
        while not _is_open(host, port):
            if self._engine.returncode is not None:
                raise EngineError(
                    f"The local DynamoDB did not start on {database}: {await self.ended()}.",
                    fix=f"if the database is damaged, {_START_OVER}",
                )
            if monotonic() > deadline:
                raise EngineError(
                    f"The local DynamoDB does not answer on port {port} after {_START_LIMIT:.0f} s.", fix=_OTHERWISE
                )
            await asyncio.sleep(0.002)

    async def ended(self) -> str:
        """Wait until it has ended, and say how."""
        status = await self._engine.wait()
        await asyncio.shield(self._reading)  # whoever stops waiting here must not stop the reading
        await self._dismiss_watchdog()
        printed = [line for line in self._printed.decode(errors="replace").splitlines() if line.strip()]
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return ": ".join([how, *(line for line in printed[-2:] if not line.startswith("Dynoxide listening"))])

    async def stop(self) -> None:
        """End it: politely, so that it tidies its files, and by force where that takes too long."""
        if self._engine.returncode is None:
            with suppress(ProcessLookupError):
                self._engine.terminate()
            try:
                await asyncio.wait_for(self._engine.wait(), _STOP_LIMIT)
            except TimeoutError:
                self._engine.kill()
        await self.ended()

    async def _dismiss_watchdog(self) -> None:
        if self._watchdog.returncode is None:
            with suppress(ProcessLookupError):
                self._watchdog.kill()
            await self._watchdog.wait()

    async def _read(self) -> None:
        assert self._engine.stdout is not None
        while chunk := await self._engine.stdout.read(4096):
            self._printed = (self._printed + chunk)[-4096:]


def _check_sum(binary: Path, package: str) -> None:
    """Raises EngineError where the binary is another than the one that Taxiway was tested with."""
    with binary.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    expected = _SHA256.get(package)
    if expected is not None and found != expected:
        raise EngineError(
            f"npm installed another @dynoxide/{package}@{VERSION} than the one that Taxiway is tested with: its sha256 "
            f"is {found}, not {expected}. It was not run.",
            fix=f"find out where npm's registry has it from, {_OTHERWISE}",
        )


def _installed(project: Path) -> Path:
    return project.absolute() / ".taxiway" / "engine" / f"dynoxide-{VERSION}"


def _unusable(binary: Path) -> str | None:
    """Why a binary can't be used, or None."""
    with suppress(OSError), binary.open("rb") as file:
        if file.read(2) == b"#!":
            return "it is a script that starts the engine, and Taxiway must supervise the engine itself"
    return None if _version(binary) else "it does not say its version"


def _version(binary: Path) -> str:
    try:
        done = subprocess.run(
            [binary, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.match(rb"dynoxide (\d[\w.+-]*)", done.stdout)
    return match[1].decode() if match else ""


def _lock(data: Path) -> int:
    """Lock the data directory until the descriptor returned is closed.

    Raises EngineError where another has it, and where it can't be made or written.
    """
    try:
        make_private(data)
        lock = os.open(data / f"{DATABASE}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EngineError(
            f"Cannot keep the database in {data}: {error.strerror}.", fix="name a directory of yours: --data DIR"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(lock, 100, 0).decode().partition(" ")[0]
        os.close(lock)
        raise EngineError(
            f"Another Taxiway (process {pid}) has the database in {data} open.",
            fix="stop it, or give this one a directory of its own: --data DIR, or --ephemeral",
        ) from None
    _write(lock, f"{os.getpid()} {os.pread(lock, 100, 0).decode().partition(' ')[2]}")
    return lock


def _write(lock: int, text: str) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, text.encode(), 0)


def _stop_stale(lock: int, database: Path) -> None:
    """Kill an engine that outlived the Taxiway that started it, which takes the death of its watchdog too."""
    pid = os.pread(lock, 100, 0).decode().partition(" ")[2]
    if not pid.isdecimal():
        return
    import psutil  # takes milliseconds, and is needed only after a crash or a restart of the machine

    with suppress(psutil.Error):
        process = psutil.Process(int(pid))
        command = process.cmdline()
        if command and Path(command[0]).name.startswith("dynoxide") and str(database) in command:
            process.kill()
            process.wait(_STOP_LIMIT)


def _prepare(database: Path) -> None:
    """Make the file ready for the engine. Raises EngineError where it is damaged."""
    database_file.make_private(database)
    damage = database_file.find_damage(database)
    if damage is not None:
        raise EngineError(f"The local database {database} is damaged: {damage}.", fix=_START_OVER)


def _claim(host: str, port: int) -> int:
    """A port that is free now: the one asked for, or any. Raises EngineError where that one is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise EngineError(
                f"The local DynamoDB cannot listen on {host}:{port}: {error.strerror}.", fix="use another port"
            ) from None
        return int(probe.getsockname()[1])


def _is_open(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host, port)) == 0
