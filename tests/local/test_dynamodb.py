"""The laptop's DynamoDB: a real Dynoxide, killed, damaged, doubled and orphaned."""

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.counts import count

from taxiway.local import dynamodb
from taxiway.local.dynamodb import DATABASE, Engine, EngineError

KEY = {"AttributeName": "pk", "KeyType": "HASH"}

OWNER = """
import asyncio, sys
from pathlib import Path
from taxiway.local.dynamodb import Engine

async def main():
    engine = Engine(Path(sys.argv[1]), Path(sys.argv[2]), note=print)
    await engine.start()
    print(engine.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@asynccontextmanager
async def running(
    binary: Path, data: Path | None, note: Callable[[str], None] = print, port: int = 0
) -> AsyncGenerator[Engine, None]:
    engine = Engine(binary, data, note=note, port=port)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


@contextmanager
def client(endpoint: str, attempts: int = 10) -> Generator[Any, None, None]:
    """boto3, which knows nothing of Taxiway."""
    found = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
    )
    try:
        yield found
    finally:
        found.close()


def make_table(api: Any) -> None:
    definition = {"AttributeName": "pk", "AttributeType": "S"}
    api.create_table(
        TableName="notes", KeySchema=[KEY], AttributeDefinitions=[definition], BillingMode="PAY_PER_REQUEST"
    )


def write(endpoint: str, names: range, acknowledged: list[str]) -> None:
    """Write one item for each name, and add those that were acknowledged."""
    with client(endpoint) as api:
        for name in names:
            with suppress(BotoCoreError, ClientError):
                api.put_item(TableName="notes", Item={"pk": {"S": str(name)}})
                acknowledged.append(str(name))


def read_all(endpoint: str) -> set[str]:
    with client(endpoint) as api:
        pages = api.get_paginator("scan").paginate(TableName="notes", ConsistentRead=True)
        return {item["pk"]["S"] for page in pages for item in page["Items"]}


def create(endpoint: str) -> None:
    with client(endpoint) as api:
        make_table(api)


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait for something that is about to be so."""
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_data_is_there_again_after_a_stop_and_a_start(dynoxide: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with running(dynoxide, tmp_path) as engine:
            await asyncio.to_thread(create, engine.endpoint)
            await asyncio.to_thread(write, engine.endpoint, range(3), written := list[str]())
            assert written == ["0", "1", "2"]
        async with running(dynoxide, tmp_path) as engine:
            assert await asyncio.to_thread(read_all, engine.endpoint) == {"0", "1", "2"}

    asyncio.run(main())


def test_a_stop_ends_everything_that_was_started(dynoxide: Path, tmp_path: Path) -> None:
    async def main() -> None:
        before = set(psutil.Process().children())
        async with running(dynoxide, tmp_path) as engine:
            assert engine.pid is not None
            assert len(set(psutil.Process().children()) - before) == 2  # the engine and its watchdog
        assert set(psutil.Process().children()) <= before
        assert engine.pid is None
        await engine.close()

    asyncio.run(main())


@count("kills", test=3, soak=300)
def test_killed_during_writes_it_loses_nothing_acknowledged(dynoxide: Path, tmp_path: Path) -> None:
    notes: list[str] = []

    async def main() -> None:
        async with running(dynoxide, tmp_path, notes.append) as engine:
            endpoint = engine.endpoint
            await asyncio.to_thread(create, endpoint)
            names = (range(200), range(200, 400))
            acknowledged: list[str] = []
            writing = asyncio.gather(*(asyncio.to_thread(write, endpoint, part, acknowledged) for part in names))
            for kills in range(1, 4):
                await eventually(lambda kills=kills: len(acknowledged) > 90 * kills)
                assert engine.pid is not None
                os.kill(engine.pid, signal.SIGKILL)
                await eventually(lambda kills=kills: engine.restarts == kills)
            await writing
            assert engine.endpoint == endpoint
            assert set(acknowledged) <= await asyncio.to_thread(read_all, endpoint)

    asyncio.run(main())
    assert [note for note in notes if "SIGKILL" in note] == notes
    assert len(notes) == 3


@count("kills", test=4, soak=400)
def test_restarts_leak_no_file_and_no_process(dynoxide: Path, tmp_path: Path) -> None:
    async def main() -> None:
        this = psutil.Process()
        async with running(dynoxide, tmp_path) as engine:
            before = this.num_fds(), len(this.children())
            for kills in range(1, 5):
                assert engine.pid is not None
                os.kill(engine.pid, signal.SIGKILL)
                await eventually(lambda kills=kills: engine.restarts == kills)
            await eventually(lambda: (this.num_fds(), len(this.children())) == before)

    asyncio.run(main())


def test_an_expression_that_overflows_its_stack_costs_one_restart(dynoxide: Path, tmp_path: Path) -> None:
    notes: list[str] = []

    def ask(endpoint: str) -> None:
        with client(endpoint, attempts=1) as api, pytest.raises((BotoCoreError, ClientError)):
            api.scan(TableName="notes", FilterExpression="(" * 4000)

    async def main() -> None:
        async with running(dynoxide, tmp_path, notes.append) as engine:
            await asyncio.to_thread(create, engine.endpoint)
            await asyncio.to_thread(write, engine.endpoint, range(5), [])
            await asyncio.to_thread(ask, engine.endpoint)
            await eventually(lambda: engine.restarts == 1)
            assert len(await asyncio.to_thread(read_all, engine.endpoint)) == 5

    asyncio.run(main())
    assert "SIGABRT" in notes[0]
    assert "stack overflow" in notes[0]


def test_it_is_tried_again_until_it_starts(dynoxide: Path, tmp_path: Path) -> None:
    binary, aside = tmp_path / "dynoxide", tmp_path / "aside"
    shutil.copy(dynoxide, binary)
    notes: list[str] = []

    async def main() -> None:
        async with running(binary, tmp_path / "data", notes.append) as engine:
            assert engine.pid is not None
            binary.rename(aside)
            os.kill(engine.pid, signal.SIGKILL)
            await eventually(lambda: sum("Cannot run" in note for note in notes) >= 3)
            assert engine.pid is None
            aside.rename(binary)
            await eventually(lambda: engine.restarts == 1)
            await asyncio.to_thread(create, engine.endpoint)

    asyncio.run(main())


def test_an_ephemeral_database_outlives_the_engine_and_not_the_run(dynoxide: Path) -> None:
    async def main() -> Path:
        async with running(dynoxide, None) as engine:
            await asyncio.to_thread(create, engine.endpoint)
            await asyncio.to_thread(write, engine.endpoint, range(5), [])
            assert engine.pid is not None
            command = psutil.Process(engine.pid).cmdline()
            os.kill(engine.pid, signal.SIGKILL)
            await eventually(lambda: engine.restarts == 1)
            assert len(await asyncio.to_thread(read_all, engine.endpoint)) == 5
            return Path(command[command.index("--db-path") + 1])

    assert not asyncio.run(main()).parent.exists()


def test_two_on_one_directory_is_refused_with_the_other_process_named(dynoxide: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with running(dynoxide, tmp_path):
            with pytest.raises(EngineError, match=f"process {os.getpid()}\\).*open(.|\n)*--data DIR"):
                await Engine(dynoxide, tmp_path, note=print).start()
            with pytest.raises(EngineError, match="open"):
                dynamodb.erase(tmp_path)
        async with running(dynoxide, tmp_path):
            pass

    asyncio.run(main())


@pytest.mark.parametrize("healthy_head", [0, 4096])
def test_a_damaged_database_is_named_and_left_as_it_is(dynoxide: Path, tmp_path: Path, healthy_head: int) -> None:
    async def main() -> None:
        async with running(dynoxide, tmp_path) as engine:
            await asyncio.to_thread(create, engine.endpoint)
        database = tmp_path / DATABASE
        content = database.read_bytes()[:healthy_head] + b"damage" * 2000
        database.write_bytes(content)
        with pytest.raises(EngineError) as raised:
            await Engine(dynoxide, tmp_path, note=print).start()
        assert str(database) in str(raised.value)
        assert "taxiway reset" in str(raised.value)
        assert database.read_bytes() == content
        dynamodb.erase(tmp_path)
        async with running(dynoxide, tmp_path) as engine:
            await asyncio.to_thread(create, engine.endpoint)

    asyncio.run(main())


def test_damage_behind_a_healthy_beginning_is_told_at_the_start(dynoxide: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with running(dynoxide, tmp_path) as engine:
            await asyncio.to_thread(create, engine.endpoint)
        database = tmp_path / DATABASE
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray(database.read_bytes())
        assert len(content) > 3 * 4096
        content[2 * 4096 :] = b"damage".ljust(len(content) - 2 * 4096, b"!")
        database.write_bytes(content)
        with pytest.raises(EngineError, match=rf"The local database {database} is damaged: (.|\n)*taxiway reset"):
            await Engine(dynoxide, tmp_path, note=print).start()

    asyncio.run(main())


def test_only_its_owner_can_read_a_database(dynoxide: Path, tmp_path: Path) -> None:
    def modes() -> dict[str, int]:
        return {path.name: stat.S_IMODE(path.stat().st_mode) for path in [data, *data.iterdir()]}

    data = tmp_path / ".taxiway"
    private = {".taxiway": 0o700, **{f"{DATABASE}{suffix}": 0o600 for suffix in ("", "-wal", "-shm", ".lock")}}

    async def main() -> None:
        async with running(dynoxide, data) as engine:
            await asyncio.to_thread(create, engine.endpoint)
            assert modes() == private
        data.chmod(0o755)
        (data / DATABASE).chmod(0o644)
        async with running(dynoxide, data) as engine:
            await asyncio.to_thread(read_all, engine.endpoint)
            assert modes() == private

    asyncio.run(main())


def test_a_port_that_is_taken_is_named(dynoxide: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with running(dynoxide, tmp_path / "first") as engine:
            port = int(engine.endpoint.rpartition(":")[2])
            with pytest.raises(EngineError, match=f"cannot listen on 127.0.0.1:{port}: "):
                await Engine(dynoxide, tmp_path / "second", note=print, port=port).start()

    asyncio.run(main())


def test_a_data_directory_that_can_not_be_is_named(dynoxide: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=f"{tmp_path / 'file'}.*exists(.|\n)*--data DIR"):
        asyncio.run(Engine(dynoxide, tmp_path / "file", note=print).start())


def test_a_binary_that_can_not_run_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="Cannot run"):
        asyncio.run(Engine(tmp_path / "nothing", tmp_path, note=print).start())


@contextmanager
def owner(dynoxide: Path, data: Path) -> Generator[tuple[subprocess.Popen[str], int], None, None]:
    """Another process that runs an engine on `data`, and the engine's process id."""
    command = [sys.executable, "-c", OWNER, str(dynoxide), str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_it_dies_with_the_process_that_started_it(dynoxide: Path, tmp_path: Path) -> None:
    with owner(dynoxide, tmp_path) as (process, engine):
        assert is_alive(engine)
        process.kill()
        asyncio.run(eventually(lambda: not is_alive(engine)))


def test_one_that_outlived_its_owner_is_stopped_at_the_next_start(dynoxide: Path, tmp_path: Path) -> None:
    with owner(dynoxide, tmp_path) as (process, orphan):
        (watchdog,) = [child for child in psutil.Process(process.pid).children() if child.pid != orphan]
        watchdog.kill()
        process.kill()
        process.wait()
        asyncio.run(eventually(lambda: not is_alive(watchdog.pid)))
        assert is_alive(orphan)

        async def main() -> None:
            async with running(dynoxide, tmp_path):
                assert not is_alive(orphan)

        asyncio.run(main())


def test_a_process_that_has_an_old_engines_id_by_chance_is_left_alone(dynoxide: Path, tmp_path: Path) -> None:
    (tmp_path / f"{DATABASE}.lock").write_text(f"1 {os.getpid()}")

    async def main() -> None:
        async with running(dynoxide, tmp_path) as engine:
            await asyncio.to_thread(create, engine.endpoint)

    asyncio.run(main())


def test_erasing_a_database_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    dynamodb.erase(tmp_path / "nothing")
    dynamodb.erase(tmp_path)


# Finding and installing it


def test_one_on_the_path_comes_before_the_installed_one(
    dynoxide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    on_path = tmp_path / "bin" / "dynoxide"
    on_path.parent.mkdir()
    on_path.symlink_to(dynoxide)
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert dynamodb.find(tmp_path, notes.append) == on_path
    assert notes == []
    monkeypatch.setattr(dynamodb, "VERSION", "9.9.9")
    assert dynamodb.find(tmp_path, notes.append) == on_path
    assert "tested with 9.9.9" in notes[0]


@pytest.mark.parametrize("content", ["#!/bin/sh\necho dynoxide 1.2.1\n", "no program at all"])
def test_one_on_the_path_that_can_not_be_supervised_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    notes: list[str] = []
    launcher = tmp_path / "dynoxide"
    launcher.write_text(content)
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert dynamodb.find(tmp_path, notes.append) is None
    assert str(launcher) in notes[0]


def test_two_installations_at_once_both_end_with_the_engine(tmp_path: Path) -> None:
    async def main() -> None:
        installs = (asyncio.to_thread(dynamodb.install, tmp_path, notes.append) for _ in range(2))
        first, second = await asyncio.gather(*installs)
        assert first == second == dynamodb.find(tmp_path, print)
        async with running(first, tmp_path / "data"):
            pass

    notes: list[str] = []
    asyncio.run(main())
    assert all("1.2.1" in note for note in notes)
    assert [path.name for path in (tmp_path / ".taxiway" / "engine").iterdir()] == ["dynoxide-1.2.1"]


def test_without_npm_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"npm is not on PATH(.|\n)*Node.js 20(.|\n)*--dynamodb-endpoint"):
        dynamodb.install(tmp_path, print)


def test_a_machine_that_has_no_build_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(EngineError, match=r"riscv64(.|\n)*--dynamodb-endpoint"):
        dynamodb.install(tmp_path, print)


def test_an_installation_that_fails_shows_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(
        '#!/bin/sh\nwhile [ "$1" != --prefix ]; do shift; done\nmkdir -p "$2/node_modules/@dynoxide/linux-x64"\n'
        'echo half > "$2/node_modules/@dynoxide/linux-x64/dynoxide"\necho "npm error network"\nexit 1\n'
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    with pytest.raises(EngineError, match=r"status 1(.|\n)*npm error network"):
        dynamodb.install(tmp_path, print)
    assert list((tmp_path / ".taxiway" / "engine").iterdir()) == []


def test_another_binary_than_the_tested_one_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(
        '#!/bin/sh\nwhile [ "$1" != --prefix ]; do shift; done\ncd "$2" && mkdir -p node_modules/@dynoxide/linux-x64\n'
        f"printf '#!/bin/sh\\ntouch {tmp_path}/was-run\\n' > node_modules/@dynoxide/linux-x64/dynoxide\n"
        "chmod +x node_modules/@dynoxide/linux-x64/dynoxide\n"
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    with pytest.raises(EngineError, match=r"its sha256 is [0-9a-f]{64}, not be909b(.|\n)*It was not run"):
        dynamodb.install(tmp_path, print)
    assert not (tmp_path / "was-run").exists()
    assert dynamodb.find(tmp_path, print) is None
