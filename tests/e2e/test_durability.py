"""Nothing acknowledged is lost: writers go on while the engine, the environments and the whole laptop are killed."""

import http.client
import random
import threading
from pathlib import Path
from typing import Any

import psutil
from tests.counts import count

from taxiway.testing import Server, serve

ROUNDS = 2
WRITES_A_ROUND = 550
WRITERS = 6


class Writers:
    """Clients that create items, one request after the other, and remember each that was acknowledged."""

    def __init__(self, server: Server, name: str, enough: int) -> None:
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.refused = 0
        self.enough = threading.Event()
        self._server = server
        self._name = name
        self._wanted = enough
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _write(self, number: int) -> None:
        count = 0
        while not self._stopped.is_set():
            count += 1
            item = {"name": f"{self._name} writer {number} item {count}", "category": f"{self._name}-{number}"}
            try:
                answer = self._server.request("POST", "/items", json=item)
            except (OSError, http.client.HTTPException):
                answer = None
            with self._lock:
                if answer is not None and answer.status == 201:
                    made = answer.json()
                    self.acknowledged[made["id"]] = made
                    if len(self.acknowledged) >= self._wanted:
                        self.enough.set()
                else:
                    self.refused += 1


def kill_something(server: Server, chance: random.Random) -> str:
    """Kill -9 the engine or one of the environments; says which."""
    try:
        processes = psutil.Process(server.process.pid).children(recursive=True)
        engines = [process for process in processes if process.name() == "dynoxide"]
        environments = [process for process in processes if process.name().startswith("python")]
        victims = chance.choice([kind for kind in (engines, environments) if kind] or [[]])
        if not victims:
            return "nothing"
        victim = chance.choice(victims)
        name = victim.name()
        victim.kill()
    except psutil.NoSuchProcess:  # it ended before it was looked at or killed
        return "nothing"
    return name


@count("rounds", test=ROUNDS, soak=200)
def test_no_acknowledged_write_is_lost(project: Path, path_with_engine: dict[str, str], run: int) -> None:
    chance = random.Random(run)
    data = project / "data"
    acknowledged: dict[str, dict[str, Any]] = {}
    killed: list[str] = []
    for number in range(ROUNDS):
        with serve(project, "--environments", "3", data=data, environment=path_with_engine) as server:
            writers = Writers(server, f"round {number}", WRITES_A_ROUND)
            try:
                while not writers.enough.wait(chance.uniform(0.05, 0.4)):
                    killed.append(kill_something(server, chance))
                    assert server.process.poll() is None, "\n".join(server.output[-20:])
                for process in [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children()]:
                    process.kill()  # everything, while the writers are writing
            finally:
                writers.stop()
            acknowledged |= writers.acknowledged
    assert len(acknowledged) >= ROUNDS * WRITES_A_ROUND
    assert {"dynoxide"} < {name if name == "dynoxide" else "environment" for name in killed if name != "nothing"}
    with serve(project, data=data, environment=path_with_engine) as server:
        lost = [made for id, made in acknowledged.items() if server.get(f"/items/{id}").json() != made]
        assert lost == []
        listed = listed_ids(server)
    assert acknowledged.keys() <= listed  # the index has them too
    print(f"{len(acknowledged)} acknowledged, {len(killed)} kills, {ROUNDS} of everything")


def listed_ids(server: Server) -> set[str]:
    """The ids that reading every category, page by page, brings."""
    found: set[str] = set()
    for number in range(ROUNDS):
        for writer in range(WRITERS):
            path, cursor = f"/items?category=round+{number}-{writer}&limit=100", ""
            while cursor is not None:
                page = server.get(path + cursor).json()
                found |= {item["id"] for item in page["items"]}
                cursor = page["cursor"] and f"&cursor={page['cursor']}"
    return found
