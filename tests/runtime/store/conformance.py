"""The contract of a Store, which every implementation has to keep."""

import inspect
import math
import sqlite3

import pytest

from annotate.space import SearchSpace
from runtime.core.trial import GpuUse, Origin, Report, Trial, TrialState
from runtime.store import ExperimentRow, Store, StoreError
from runtime.store.history import KnownResult

SPACE = SearchSpace.from_json({"lr": {"_type": "uniform", "_value": [0, 1]}})


def trial(number=0, **changes):
    fields = {"id": f"id{number}", "origin": Origin.TUNER, "values": {"lr": 0.5}, "created": 1.0}
    return Trial(number, **{**fields, "state": TrialState.WAITING, **changes})


def experiment(**changes):
    fields = {"id": "Abc", "name": "name", "state": "INITIALIZED", "reason": None}
    return ExperimentRow(
        **{**fields, "config": {"k": [1]}, "space": SPACE, "created": 1.5, "ended": None, **changes}
    )


#: A call of every public method of a store that has trial 0 and known result 1.
CALLS = {
    "experiment": (),
    "set_state": ("DONE", None, 9.0),
    "add_pause": (9.0,),
    "set_config": ({"k": 2},),
    "set_space": (SearchSpace.from_json({"lr": {"_type": "uniform", "_value": [0, 2]}}),),
    "add_trial": (trial(1),),
    "start_trial": (0, 2.0),
    "set_gpu": (0, GpuUse(("0",))),
    "set_reason": (0, "waiting"),
    "add_reports": (0, [Report("intermediate", 0.25, 3.0), Report("final", 1, 4.0)]),
    "add_observations": (0, {"lr": [0.5], "momentum": None}),
    "observations": (),
    "cut_reports": (trial(reports=1, last=0.25),),
    "set_values": (0, {"lr": 0.25}),
    "end_trial": (trial(state=TrialState.SUCCEEDED, ended=5.0),),
    "restart_trial": (0, 1),
    "trials": (),
    "count_trials": (),
    "steps": (),
    "add_history": ([KnownResult({"lr": 0.1}, 0.5, "results.csv")],),
    "tell_history": ([(1, 4)],),
    "history": (),
    "reports": (0,),
    "curves": (),
    "check": (),
}
WRITES = [
    name
    for name in CALLS
    if name.startswith(("set_", "add_", "cut_", "start_", "end_", "restart_"))
]
WRITES.append("tell_history")
_SETTINGS = {"close", "sync_in_background", "retry_with"}


class DiskFull(Exception):
    """Raised by a test's retry in place of a write."""


class StoreConformance:
    """Subclasses provide the fixtures below, which create and open a store."""

    @pytest.fixture
    def create(self):
        """Creates a store at a path from an ExperimentRow, open for writing."""
        return Store.create

    @pytest.fixture
    def open_store(self):
        """Opens the store at a path, for reading unless `write=True`."""
        return Store.open

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "a'; \"b% é?#" / "experiment.db"
        path.parent.mkdir()
        return path

    @pytest.fixture
    def store(self, create, path):
        with create(path, experiment()) as store:
            yield store

    @pytest.fixture
    def filled(self, store):
        store.add_trial(trial())
        store.start_trial(0, 1.0)
        store.add_history([KnownResult({"lr": 0.1}, 0.5, "results.csv")])
        return store

    def test_an_experiment_reads_back(self, store, path, open_store):
        store.set_state("DONE", "why", 9.0)
        with open_store(path) as reader:
            assert reader.experiment() == experiment(state="DONE", reason="why", ended=9.0)

    def test_a_reader_sees_each_state_of_a_trial(self, store, path, open_store):
        store.add_trial(trial(), asked=1)
        store.start_trial(0, 2.0)
        with open_store(path) as reader:
            (running,) = reader.trials()
            assert (running.state, running.started) == (TrialState.RUNNING, 2.0)
            store.add_reports(
                0, [Report("intermediate", 0.25, 3.0), Report("final", {"default": 1}, 4)]
            )
            store.end_trial(trial(state=TrialState.SUCCEEDED, ended=5.0), told=2)
            (ended,) = reader.trials()
        assert ended.state is TrialState.SUCCEEDED
        assert (ended.metric, ended.reports, ended.last, ended.ended) == (1.0, 1, 0.25, 5.0)
        assert ended.finals == 1
        assert store.steps() == [(1, "ask", 0), (2, "tell", 0)]

    def test_the_time_from_the_last_trial_to_the_next_driver_is_a_pause(self, store):
        store.add_pause(5.0)
        store.add_trial(trial())
        store.start_trial(0, 20.0)
        store.add_pause(21.5)
        store.end_trial(trial(state=TrialState.SUCCEEDED, ended=25.0))
        store.add_pause(35.0)
        assert store.experiment().paused == 11.5

    def test_reports_keep_their_order_and_form(self, store):
        store.add_trial(trial())
        store.add_reports(0, [Report("intermediate", n, n) for n in (3, 1)])
        store.add_reports(0, [Report("intermediate", {"default": 2, "x": "é"}, 3.0)])
        assert list(store.reports(0)) == [3, 1, {"default": 2, "x": "é"}]
        assert store.curves() == {0: [3, 1, {"default": 2, "x": "é"}]}

    def test_the_latest_values_that_a_trial_is_seen_to_end_with_are_kept(self, store):
        store.add_trial(trial())
        store.add_observations(0, {"lr": None, "b": [1, "x"]})
        store.add_observations(0, {"lr": [], "b": None})
        assert store.observations() == {0: {"lr": [], "b": [1, "x"]}}

    def test_a_nan_result_reads_back_as_nan(self, store):
        store.add_trial(trial())
        store.add_reports(
            0, [Report("intermediate", float("nan"), 1.0), Report("final", float("nan"), 2)]
        )
        (stored,) = store.trials()
        assert math.isnan(stored.metric)
        assert math.isnan(stored.last)
        assert not stored.ranks

    def test_a_restarted_trial_has_no_reports_and_no_result(self, store):
        store.add_trial(trial(), asked=1)
        store.start_trial(0, 2.0)
        store.add_reports(0, [Report("intermediate", 0.5, 3.0), Report("final", 1, 4.0)])
        store.restart_trial(0)
        assert store.trials() == [trial()]
        assert list(store.reports(0)) == []

    def test_a_cut_trial_has_its_first_reports_and_no_result(self, store):
        store.add_trial(trial())
        reports = [Report("intermediate", n, 1.0) for n in (0.5, 0.25, 9)]
        store.add_reports(0, [*reports, Report("final", 1, 4.0)])
        cut = trial(reports=2, last=0.25)
        store.cut_reports(cut)
        assert store.trials() == [cut]
        assert list(store.reports(0)) == [0.5, 0.25]

    def test_known_results_keep_their_order_and_their_step(self, store):
        store.add_history([KnownResult({"lr": 0.1}, 0.5, "results.csv")])
        store.add_history(iter([KnownResult({"lr": 0.2}, None, "Xyz")]))
        store.tell_history([(2, 1)])
        first, second = store.history()
        assert first == KnownResult({"lr": 0.1}, 0.5, "results.csv", 1, None)
        assert second == KnownResult({"lr": 0.2}, None, "Xyz", 2, 1)
        assert store.steps() == [(1, "learn", 2)]

    def test_many_known_results_are_one_transaction(self, store):
        attempts = []
        store.retry_with(lambda attempt: attempts.append(attempt) or attempt())
        store.add_history(KnownResult({"lr": n / 99}, 0.5, "results.csv") for n in range(99))
        store.tell_history((n, n) for n in range(1, 100))
        assert len(attempts) == 4, "each is committed once and synced once"
        assert [result.told for result in store.history()] == list(range(1, 100))

    def test_two_trials_never_share_a_number_or_an_id(self, store):
        store.add_trial(trial())
        for other in (trial(), trial(1, id="id0")):
            with pytest.raises(sqlite3.IntegrityError):
                store.add_trial(other)
        assert store.count_trials() == 1

    # Calls of every method

    def test_the_calls_cover_every_public_method(self, store):
        methods = inspect.getmembers(type(store), inspect.isfunction)
        public = {name for name, _ in methods if not name.startswith("_")}
        assert public - _SETTINGS == set(CALLS)

    @pytest.mark.parametrize("name", CALLS)
    def test_a_reader_can_call_only_what_does_not_write(self, filled, path, open_store, name):
        with open_store(path) as reader:
            if name not in WRITES:
                getattr(reader, name)(*CALLS[name])
                return
            with pytest.raises(StoreError, match="read-only"):
                getattr(reader, name)(*CALLS[name])

    @pytest.mark.parametrize("name", WRITES)
    def test_every_write_goes_through_the_retry(self, filled, path, open_store, name):
        def refuse(attempt):
            raise DiskFull

        before = _contents(filled)
        filled.retry_with(refuse)
        with pytest.raises(DiskFull):
            getattr(filled, name)(*CALLS[name])
        with open_store(path) as reader:
            assert _contents(reader) == before
            filled.retry_with(lambda attempt: attempt())
            getattr(filled, name)(*CALLS[name])
            assert _contents(reader) != before


def _contents(store):
    reads = {name: getattr(store, name)(*CALLS[name]) for name in CALLS if name not in WRITES}
    return {**reads, "reports": list(reads["reports"])}
