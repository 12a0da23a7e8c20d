"""The local secrets: private, changed whole or not at all, and never shown."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from tests.counts import count

from taxiway.local.manifest import ServedSecret
from taxiway.local.secret_store import SecretStore, SecretStoreError

VALUE = "hunter2-the-value"


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(tmp_path / ".taxiway" / "secrets.json", note=print)


def test_what_is_set_is_there_for_another_reader(store: SecretStore) -> None:
    store.set("items/dev", {"cursorKey": VALUE})
    version = SecretStore(store.path, note=print).get("items/dev")
    assert version is not None
    assert version.values == {"cursorKey": VALUE}
    assert version.secret_string == f'{{"cursorKey":"{VALUE}"}}'
    assert UUID(version.version_id).version == 4


def test_a_store_that_was_never_written_is_empty(store: SecretStore) -> None:
    assert store.list() == {}
    assert store.get("items/dev") is None
    assert not store.unset("items/dev")
    assert not store.path.exists()


def test_setting_one_key_keeps_the_others_and_makes_a_new_version(store: SecretStore) -> None:
    store.set("items/dev", {"a": "1", "b": "2"})
    before = store.get("items/dev")
    store.set("items/dev", {"b": "3", "c": "4"})
    after = store.get("items/dev")
    assert before is not None
    assert after is not None
    assert after.values == {"a": "1", "b": "3", "c": "4"}
    assert after.version_id != before.version_id
    assert after.created >= before.created


def test_a_list_has_the_names_of_keys_and_no_value(store: SecretStore) -> None:
    store.set("items/dev", {"b": VALUE, "a": VALUE})
    store.set("billing", {"token": VALUE})
    assert store.list() == {"billing": ("token",), "items/dev": ("a", "b")}


def test_one_key_or_the_whole_secret_can_be_removed(store: SecretStore) -> None:
    store.set("items/dev", {"a": "1", "b": "2"})
    assert store.unset("items/dev", "a")
    assert not store.unset("items/dev", "a")
    assert store.list() == {"items/dev": ("b",)}
    assert store.unset("items/dev")
    assert store.list() == {}


def test_a_declared_key_is_generated_once(store: SecretStore) -> None:
    plans = [ServedSecret("items/dev", "cursorKey"), ServedSecret("by-hand", None)]
    store.set("items/dev", {"other": "kept"})
    assert store.ensure(plans) == ("items/dev cursorKey",)
    first = store.get("items/dev")
    assert store.ensure(plans) == ()
    assert store.get("items/dev") == first
    assert first is not None
    assert len(first.values["cursorKey"]) >= 43  # 32 bytes in base64
    assert first.values["other"] == "kept"
    assert store.get("by-hand") is None


def test_it_is_readable_by_its_owner_alone_and_left_out_of_git(store: SecretStore) -> None:
    store.set("items/dev", {"key": VALUE})
    assert {path.name for path in store.path.parent.iterdir()} == {"secrets.json", "secrets.json.lock", ".gitignore"}
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    subprocess.run(["git", "init", "--quiet", store.path.parents[1]], check=True)
    ignored = subprocess.run(["git", "check-ignore", "--quiet", store.path], cwd=store.path.parent, check=False)
    assert ignored.returncode == 0


def test_one_that_others_can_read_is_put_right_with_a_note(store: SecretStore) -> None:
    store.set("items/dev", {"key": VALUE})
    store.path.chmod(0o644)
    notes: list[str] = []
    assert SecretStore(store.path, note=notes.append).list() == {"items/dev": ("key",)}
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert "mode 644" in notes[0]
    assert VALUE not in notes[0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"items/dev": {"values": {"key": "hunter2-the-value"',
        b'{"items/dev": "hunter2-the-value"}',
        b'{"items/dev": {"values": {"key": 5}, "version_id": "x", "created": 1}}',
        b'{"items/dev": {"values": {"key": "hunter2-the-value\xff"}, "version_id": "x", "created": 1}}',
    ],
)
def test_a_damaged_file_is_named_kept_and_not_shown(store: SecretStore, content: bytes) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    store.path.chmod(0o600)
    attempts = [
        store.list,
        lambda: store.get("items/dev"),
        lambda: store.set("items/dev", {"key": "new"}),
        lambda: store.unset("items/dev"),
        lambda: store.ensure([ServedSecret("items/dev", "key")]),
    ]
    for attempt in attempts:
        with pytest.raises(SecretStoreError, match="is damaged") as raised:
            attempt()
        assert str(store.path) in str(raised.value)
        assert VALUE not in str(raised.value)
        assert raised.value.__suppress_context__
    assert store.path.read_bytes() == content


@count("writes", test=40, soak=4_000)
def test_writers_at_once_lose_nothing(store: SecretStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store.set("items/dev", {f"key{number}": str(number)}), range(40)))
    version = store.get("items/dev")
    assert version is not None
    assert version.values == {f"key{number}": str(number) for number in range(40)}


@count("kills", test=3, soak=300)
def test_a_writer_that_is_killed_leaves_a_whole_file(store: SecretStore) -> None:
    store.set("items/dev", {"first": "1"})
    script = (
        "import sys; from pathlib import Path; from taxiway.local.secret_store import SecretStore\n"
        "store = SecretStore(Path(sys.argv[1]), note=print)\n"
        "store.set('items/dev', {'second': '2'}); print('set', flush=True)\n"
        "while True: store.set('items/dev', {'key': 'x' * 60000})"
    )
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", script, store.path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            writer.kill()
        version = store.get("items/dev")
        assert version is not None
        assert {"first", "second"} <= version.values.keys()
    store.set("items/dev", {"third": "3"})


@pytest.mark.parametrize(
    ("secret_id", "values", "problem"),
    [
        ("", {"key": VALUE}, "Invalid secret id"),
        ("with a space", {"key": VALUE}, "Invalid secret id"),
        ("items/dev", {}, "needs a key"),
        ("items/dev", {"": VALUE}, "needs a key"),
        ("items/dev", {"key": VALUE * 5000}, "takes 65536"),
        ("items/dev", {"key": f"{VALUE}\udcff"}, "not UTF-8"),
    ],
)
def test_what_secrets_manager_would_not_take_is_refused(
    store: SecretStore, secret_id: str, values: dict[str, str], problem: str
) -> None:
    with pytest.raises(SecretStoreError, match=problem) as raised:
        store.set(secret_id, values)
    assert VALUE not in str(raised.value)
    assert store.list() == {}


def test_a_repr_shows_no_value(store: SecretStore) -> None:
    store.set("items/dev", {"key": VALUE})
    assert VALUE not in repr(store.get("items/dev"))
    assert "'key'" in repr(store.get("items/dev"))
    assert VALUE not in repr(store)


def test_a_directory_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretStoreError, match="file"):
        SecretStore(tmp_path / "file" / "secrets.json", note=print).set("items/dev", {"key": VALUE})
