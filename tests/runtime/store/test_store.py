"""The SQLite store: the contract, and damaged, foreign and full files."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

import pytest

from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.core.trial import Report, TrialState
from runtime.store import Store, StoreError, StoreFull, StoreLost
from tests.runtime.store.conformance import StoreConformance, experiment, trial


class TestSqliteStore(StoreConformance):
    """One experiment's SQLite file."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a'; \"b% é?#" / "experiment.db"


@pytest.fixture
def store(path):
    path.parent.mkdir()
    with Store.create(path, experiment()) as store:
        yield store


def test_opening_a_foreign_file_fails_and_does_not_change_it(tmp_path):
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    text = tmp_path / "text.db"
    text.write_text("hello " * 500)
    for path in (other, damaged, text):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=path.name) as error:
            Store.open(path, write=True)
        assert "the file was not changed" in error.value.hint
        assert path.read_bytes() == before
    with pytest.raises(StoreError, match="does not exist"):
        Store.open(tmp_path / "none.db")


@pytest.mark.parametrize(
    "change",
    [
        "experiment SET name = x'ff'",
        "experiment SET state = x'80'",
        "experiment SET config = '[1]'",
        "experiment SET created = 'yesterday'",
        "trial SET gpu = '[1]'",
        "trial SET gpu = '{\"gpus\": 1}'",
        "trial SET reason = x'ff'",
    ],
)
def test_content_of_the_wrong_kind_is_damage(store, path, change):
    store.add_trial(trial(0))
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {change}")
        connection.commit()
    with Store.open(path) as damaged, pytest.raises(StoreError, match="is damaged"):
        (damaged.experiment(), damaged.trials())


@pytest.mark.parametrize("wrong", [{"seed": "x"}, {"cwd": 7}, {"max_trials": [1]}, {"tuner": None}])
def test_settings_of_the_wrong_kind_are_a_mistake(wrong):
    with pytest.raises(AnnotateError):
        Config.from_json({"script": "a.py", "cwd": "/", "python": "p", **wrong})


def test_opening_a_newer_store_fails_and_does_not_change_it(store, path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    store.close()
    before = path.read_bytes()
    for write in (False, True):
        with pytest.raises(StoreError, match="schema version 99") as error:
            Store.open(path, write=write)
        assert "or a newer one" in error.value.hint
    assert path.read_bytes() == before


def test_a_damaged_page_is_found_before_the_file_is_written(store, path):
    for number in range(200):
        store.add_trial(trial(number))
    store.close()
    data = bytearray(path.read_bytes())
    data[3 * 4096 : 3 * 4096 + 512] = b"x" * 512
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"experiment\.db") as error:
        Store.open(path, write=True)
    assert "the file was not changed" in error.value.hint
    assert path.read_bytes() == data


def test_a_result_changed_on_the_disk_is_found(store, path):
    for number in range(3):
        store.add_trial(trial(number))
        store.add_reports(number, [Report("final", 0.5, 1.0)])
        store.end_trial(trial(number, state=TrialState.SUCCEEDED, ended=5.0), told=number + 1)
    store.close()
    Store.open(path, write=True).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE trial SET final = '0.7' WHERE number = 1")
    with pytest.raises(StoreError, match=r"checksum mismatch in trial 1$"):
        Store.open(path, write=True)


def test_a_full_disk_loses_nothing_and_the_write_can_be_retried(store, path):
    store.add_trial(trial())
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    full = trial(1, values={"x": "y" * 50_000})
    with pytest.raises(StoreFull, match="disk is full"):
        store.add_trial(full)
    with Store.open(path) as reader:
        assert reader.trials() == [trial()]
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.add_trial(full)
    assert store.count_trials() == 2


@pytest.fixture
def small_disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", path]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_a_committed_write_is_not_repeated_when_its_sync_is_retried(small_disk):
    ballast = small_disk / "ballast"
    refused = []

    def retry(attempt):
        try:
            return attempt()
        except StoreFull as error:
            refused.append(error)
            ballast.unlink()
            return attempt()

    def large(number):
        return trial(number, values={"x": "y" * 200_000})

    with Store.create(small_disk / "experiment.db", experiment()) as store:
        store.add_trial(large(0))
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        store.retry_with(retry)
        store.add_trial(large(1))  # fits into the write-ahead log, but not into the database
        assert store.trials() == [large(0), large(1)]
    assert len(refused) == 1


def test_a_killed_process_loses_no_committed_change(store, path):
    store.close()
    code = (
        "import os, sys, signal; from pathlib import Path; from runtime.store import Store\n"
        "from runtime.core.trial import Origin, Trial, TrialState\n"
        "store = Store.open(Path(sys.argv[1]), write=True); store.sync_in_background()\n"
        "for n in range(50):\n"
        "    store.add_trial(Trial(n, f'id{n}', Origin.USER, TrialState.WAITING, {}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert done.returncode == -signal.SIGKILL
    with Store.open(path) as reader:
        assert reader.count_trials() == 50


@pytest.fixture
def read_only(path):
    """Make the store's folder read-only, also for root."""
    path.parent.mkdir()
    root = os.geteuid() == 0
    mount = ["mount", "-t", "tmpfs", "tmpfs", path.parent]
    if root and subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("root writes everywhere, and may not mount here")

    def make():
        if root:
            subprocess.run(["mount", "-o", "remount,ro", path.parent], check=True)
        else:
            path.parent.chmod(0o555)

    yield make
    path.parent.chmod(0o755) if not root else subprocess.run(["umount", path.parent], check=True)


@pytest.mark.parametrize("killed", [False, True])
def test_a_store_in_a_read_only_folder_can_be_read(path, read_only, tmp_path, killed):
    place = path if not killed else tmp_path / "experiment.db"
    with Store.create(place, experiment()) as store:
        store.sync_in_background()
        store.add_trial(trial())
        if killed:  # a killed process leaves the write-ahead log behind
            for name in ("", "-wal"):
                shutil.copy(f"{place}{name}", f"{path}{name}")
    read_only()
    with Store.open(path) as reader:
        assert reader.trials() == [trial()]
    with (
        pytest.raises(StoreError, match=r"read-only|cannot be read"),
        Store.open(path, write=True) as store,
    ):
        store.set_state("DONE", None, None)


def _replace(path):
    shutil.copy(path, f"{path}.new")
    path.with_name(f"{path.name}.new").replace(path)


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (os.unlink, "removed"),
        (_replace, "replaced"),
        (lambda path: os.truncate(path, 4096), "truncated"),
    ],
)
def test_a_store_that_something_else_changed_takes_no_more_results(path, change, how):
    path.parent.mkdir(exist_ok=True)
    with Store.create(path, experiment()) as store:
        store.add_trial(trial())
        change(path)
        with pytest.raises(StoreLost, match=f"experiment.db was {how} while it was in use"):
            store.add_trial(trial(1))
        with pytest.raises(StoreLost):
            store.check()
