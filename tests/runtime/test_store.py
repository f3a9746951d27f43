"""What is kept of an experiment."""

import sqlite3
from contextlib import closing

import pytest

from annotate.space import SearchSpace
from runtime.store import ExperimentRow, Store, StoreError
from runtime.trial import Origin, Report, Trial, TrialState

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


def test_a_store_of_another_version_is_refused(store, path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        Store.open(path)


def test_a_reader_cannot_write(store, path):
    with Store.open(path) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.set_state("DONE", None, None)
