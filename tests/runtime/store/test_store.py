"""What is kept of an experiment."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from annotate.space import SearchSpace
from runtime.core.trial import Origin, Report, Trial, TrialState
from runtime.store import ExperimentRow, Store, StoreError, StoreFull

SPACE = SearchSpace.from_json({"lr": {"_type": "uniform", "_value": [0, 1]}})


def trial(number=0, **more):
    given = {"origin": Origin.TUNER, "state": TrialState.WAITING, "values": {"lr": 0.5}}
    return Trial(number=number, id=f"id{number}", created=1.0, **{**given, **more})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a'; \"b% é?#" / "experiment.db"


@pytest.fixture
def store(path):
    path.parent.mkdir()
    row = ExperimentRow("Abc", "name", "INITIALIZED", None, {"k": [1]}, SPACE, 1.5, None)
    with Store.create(path, row) as store:
        yield store


def test_an_experiment_reads_back(store, path):
    store.set_state("DONE", "why", 9.0)
    with Store.open(path) as reader:
        assert reader.experiment() == ExperimentRow(
            "Abc", "name", "DONE", "why", {"k": [1]}, SPACE, 1.5, 9.0
        )


def test_a_trial_goes_through_its_states(store, path):
    store.add_trial(trial(), asked=1)
    store.start_trial(0, 2.0)
    with Store.open(path) as reader:
        (running,) = reader.trials()
        assert (running.state, running.started) == (TrialState.RUNNING, 2.0)
        store.add_reports(
            0, [Report("intermediate", 0.25, 3.0), Report("final", {"default": 1}, 4)]
        )
        ended = trial(state=TrialState.SUCCEEDED, ended=5.0)
        store.end_trial(ended, told=2)
        (found,) = reader.trials()
    assert found.state is TrialState.SUCCEEDED
    assert (found.metric, found.reports, found.last, found.ended) == (1.0, 1, 0.25, 5.0)
    assert store.steps() == [(1, "ask", 0), (2, "tell", 0)]


def test_reports_keep_their_order_and_form(store):
    store.add_trial(trial())
    store.add_reports(0, [Report("intermediate", n, n) for n in (3, 1)])
    store.add_reports(0, [Report("intermediate", {"default": 2, "x": "é"}, 3.0)])
    assert list(store.reports(0)) == [3, 1, {"default": 2, "x": "é"}]


def test_a_result_that_is_no_number_reads_back_as_nan(store):
    store.add_trial(trial())
    store.add_reports(
        0, [Report("intermediate", float("nan"), 1.0), Report("final", float("nan"), 2)]
    )
    (found,) = store.trials()
    assert found.metric != found.metric
    assert found.last is None
    assert not found.ranks


def test_a_trial_that_runs_again_begins_anew(store):
    store.add_trial(trial(), asked=1)
    store.start_trial(0, 2.0)
    store.add_reports(0, [Report("intermediate", 0.5, 3.0), Report("final", 1, 4.0)])
    store.restart_trial(0)
    (found,) = store.trials()
    assert found == trial()
    assert list(store.reports(0)) == []


def test_two_trials_never_share_a_number_or_an_id(store):
    store.add_trial(trial())
    with pytest.raises(sqlite3.IntegrityError):
        store.add_trial(trial())
    assert store.count_trials() == 1


def test_what_is_no_store_is_refused_and_left_as_it_is(tmp_path):
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
        assert "left as it is" in error.value.hint
        assert path.read_bytes() == before
    with pytest.raises(StoreError, match="does not exist"):
        Store.open(tmp_path / "none.db")


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(store, path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    store.close()
    before = path.read_bytes()
    for write in (False, True):
        with pytest.raises(StoreError, match="version 99") as error:
            Store.open(path, write=write)
        assert "or a newer one" in error.value.hint
    assert path.read_bytes() == before


def test_a_reader_cannot_write(store, path):
    with Store.open(path) as reader, pytest.raises(StoreError, match="read-only"):
        reader.set_state("DONE", None, None)


def test_a_damaged_page_is_found_before_anything_is_written(store, path):
    for number in range(200):
        store.add_trial(trial(number))
    store.close()
    data = bytearray(path.read_bytes())
    data[3 * 4096 : 3 * 4096 + 512] = b"x" * 512
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"experiment\.db") as error:
        Store.open(path, write=True)
    assert "left as it is" in error.value.hint
    assert path.read_bytes() == data


def test_a_result_that_has_changed_on_the_disk_is_found(store, path):
    for number in range(3):
        store.add_trial(trial(number))
        store.add_reports(number, [Report("final", 0.5, 1.0)])
        store.end_trial(trial(number, state=TrialState.SUCCEEDED, ended=5.0), told=number + 1)
    store.close()
    Store.open(path, write=True).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE trial SET final = '0.7' WHERE number = 1")
    with pytest.raises(StoreError, match=r"not what was kept is trial 1$"):
        Store.open(path, write=True)


def test_a_full_disk_takes_nothing_away_and_the_change_can_be_made_later(store, path):
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


def test_a_killed_process_has_kept_every_change_it_made(store, path):
    store.close()
    code = (
        "import os, sys, signal; from pathlib import Path; from runtime.store import Store\n"
        "from runtime.core.trial import Origin, Trial, TrialState\n"
        "store = Store.open(Path(sys.argv[1]), write=True); store.sync_behind()\n"
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
    row = ExperimentRow("Abc", "name", "RUNNING", None, {}, SPACE, 1.5, None)
    with Store.create(place, row) as store:
        store.sync_behind()
        store.add_trial(trial())
        if killed:  # its log of changes is left behind
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
