"""While the tuner is busy, the search space can change and the experiment can end."""

import json
import signal

import pytest

from annotate.space import SearchSpace
from runtime.core import requests
from runtime.loop.handle_request import PENDING
from runtime.loop.replay import Record
from runtime.store import Store

#: Proposes PARTS of the range; a call waits as long as a file `hold-CALL` exists.
TUNER = """
import json, os, pathlib, time

HERE = pathlib.Path(__file__).parent
PARTS = [0.9, 0.8, 0.7, 0.2, 0.4, 0.6, 0.1, 0.3]

class Slow:
    def __init__(self, space, *, seed, maximize):
        self.low, self.high = list(space)[0].domain.low, list(space)[0].domain.high
        self.key, self.asks = list(space)[0].key, 0
        self.begin("new", self.high)
        if (HERE / "fail-new").exists():
            print("no room", flush=True)
            self.fail()

    def fail(self):
        raise RuntimeError("this space is too small for me")

    def begin(self, call, *details):
        with open(HERE / "calls.jsonl", "a") as log:
            log.write(json.dumps([id(self), call, *details]) + "\\n")
        while (HERE / ("hold-" + call)).exists():
            time.sleep(0.01)

    def propose(self):
        part = PARTS[self.asks % len(PARTS)]
        self.asks += 1
        return {self.key: self.low + part * (self.high - self.low)}

    def ask(self):
        values = self.propose()
        self.begin("ask", values[self.key])
        return values

    def recall(self, values):
        self.propose()
        self.begin("recall", values[self.key])

    def tell(self, values, metric):
        self.begin("tell", values[self.key])
"""
#: Ends once a file `go` or `go-NUMBER` exists.
SCRIPT = """\
import os, pathlib, time
x = 0.5  # @nni.uniform(0, 1)
mine = pathlib.Path("go-" + os.environ["NNI_TRIAL_SEQ_ID"])
# @nni.report_intermediate_result(x)
while not mine.exists() and not pathlib.Path("go").exists():
    time.sleep(0.02)
# @nni.report_final_result(x)
"""
KEY = "train/x/uniform"
NARROW = {KEY: {"_type": "uniform", "_value": [0, 0.6]}}


@pytest.fixture
def busy(driver, folder):
    """Starts an experiment with the tuner above and two trials at a time."""
    (folder / "train.py").write_text(SCRIPT)
    (folder / "slow.py").write_text(TUNER)

    def start(*words):
        own = ["--tuner", str(folder / "slow.py:Slow"), "--concurrency", "2"]
        return driver(*own, "--max-trials", "7", *words)

    return start


@pytest.fixture
def calls(folder):
    """The calls of each tuner so far, oldest first: `[["ask", 0.5], ...]`, a list for each."""

    def read():
        path = folder / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        tuners = []
        for _, call, *details in map(json.loads, lines):
            if call == "new":
                tuners.append([])
            else:
                tuners[-1].append([call, *details])
        return tuners

    return read


def ended(experiment):
    with Store.open(experiment.store) as store:
        return [t.number for t in store.trials() if t.state.ended]


def later(experiment, kind, **arguments):
    """Make a request whose answer comes later; returns a function that waits for it."""
    number = requests.send(experiment, kind, **arguments)
    return lambda: requests.answer(experiment, number, 60)


def hold_the_next_ask(folder, experiment, until, running, calls):
    """Let trials 0 and 1 end while the tuner is asked: trial 1's result waits in its queue."""
    until(lambda: running(experiment) == [0, 1])
    (folder / "hold-ask").touch()
    (folder / "go-0").touch()
    until(lambda: calls()[0][-1] == ["ask", 0.8])
    (folder / "go-1").touch()
    until(lambda: ended(experiment) == [0, 1])


def test_each_tuner_is_told_each_result_once_and_only_what_lies_in_its_space(
    busy, folder, until, running, calls
):
    process, experiment = busy()
    hold_the_next_ask(folder, experiment, until, running, calls)
    (folder / "hold-recall").touch()
    changed = later(experiment, "space", space=NARROW)
    results = [{"parameter": {"x": 0.25}, "value": 1}, {"parameter": {"x": 0.75}, "value": 2}]
    imported = later(experiment, "import", results=results)
    requests.ask(experiment, "duration", seconds=3600)  # the tuner is busy, the experiment is not
    (folder / "hold-ask").unlink()
    until(lambda: len(calls()) == 2 and calls()[1] == [["recall", 0.9]])
    requests.ask(experiment, "trials", value=6)  # the replay does not delay it either
    former = [["ask", 0.9], ["tell", 0.5], ["ask", 0.8], ["tell", 0.9], ["ask", 0.7]]
    assert calls()[0] == former
    (folder / "hold-recall").unlink()
    (folder / "go").touch()
    assert changed() == requests.Answer(True, "search space changed: 1 earlier result fits it")
    assert imported().text.startswith("1 result from outside")
    document = json.loads(process.communicate(timeout=60)[0])
    trials = document["trials"]
    assert document["state"] == "DONE"
    assert [t["state"] for t in trials] == ["SUCCEEDED"] * 6
    assert all(t["values"][KEY] <= 0.6 for t in trials[2:])
    with Store.open(experiment.store) as store:
        ends = [n for _, what, n in store.steps() if what == "tell"]
    inside = [0.5, 0.25, *(trials[n]["values"][KEY] for n in ends[2:])]
    lessons = [x for call, x in calls()[1] if call == "tell"]
    assert lessons == inside[: len(lessons)]
    assert len(lessons) >= len(inside) - 2  # nothing waits for the last calls
    assert calls()[0] == former


def test_a_resume_after_a_change_repeats_the_calls_of_the_tuner(
    busy, folder, until, running, calls
):
    process, experiment = busy()
    hold_the_next_ask(folder, experiment, until, running, calls)
    changed = later(experiment, "space", space=NARROW)
    requests.ask(experiment, "trials", value=6)
    (folder / "hold-ask").unlink()
    assert changed().ok
    (folder / "go").touch()
    process.communicate(timeout=60)

    replayed = []

    class Recorder:
        def recall(self, values):
            replayed.append([values[KEY]])

        def tell(self, values, metric):
            replayed.append(["tell", values[KEY]])

    with Store.open(experiment.store) as store:
        space = store.experiment().space
        trials = {trial.number: trial for trial in store.trials()}
        Record.read(store, experiment.store, trials).teach(Recorder(), space, None)
    assert space == SearchSpace.from_json(NARROW)
    repeated = [[x] if call in ("ask", "recall") else [call, x] for call, x in calls()[1]]
    assert repeated == replayed[: len(repeated)]
    assert len(repeated) >= len(replayed) - 2  # nothing waits for the last results


def test_if_the_new_tuner_fails_the_experiment_continues_in_the_old_space(
    busy, folder, until, running, calls
):
    process, experiment = busy()
    hold_the_next_ask(folder, experiment, until, running, calls)
    (folder / "fail-new").touch()
    number = requests.send(experiment, "space", space=NARROW)
    requests.ask(experiment, "trials", value=4)  # handled after it
    assert requests.outcome(experiment, number, 0) == PENDING
    (folder / "hold-ask").unlink()
    answer = requests.answer(experiment, number, 60)
    assert not answer.ok
    assert "this space is too small for me" in answer.text
    (folder / "go").touch()
    out, _ = process.communicate(timeout=60)
    driver_err = (folder.parent / "driver.err").read_text()
    assert f"search space unchanged: {answer.text}" in driver_err
    assert "slow.py:17: RuntimeError: this space is too small for me" in answer.text
    assert "Traceback" not in driver_err
    log = experiment.log.read_text()
    stack = log.partition("Slow: no room\n")[2]
    assert 'slow.py", line 14, in __init__' in stack
    assert "annotate_algorithm" not in stack
    document = json.loads(out)
    assert document["state"] == "DONE"
    assert [t["values"][KEY] for t in document["trials"]] == [0.5, 0.9, 0.8, 0.7]
    assert [x for call, x in calls()[0] if call == "tell"][:2] == [0.5, 0.9]
    with Store.open(experiment.store) as store:
        assert store.experiment().space[KEY].domain.high == 1


def test_a_shortened_duration_ends_the_experiment_while_the_new_tuner_loads(
    busy, folder, until, running, calls
):
    process, experiment = busy()
    until(lambda: running(experiment) == [0, 1])
    (folder / "hold-new").touch()
    changed = later(experiment, "space", space=NARROW)
    until(lambda: len(calls()) == 2)
    requests.ask(experiment, "duration", seconds=0.1)
    document = json.loads(process.communicate(timeout=30)[0])
    assert document["reason"] == "--max-duration 0.1s reached"
    assert changed() == requests.Answer(False, "the experiment has ended")


@pytest.mark.parametrize("end", ["request", "SIGTERM", "limit"])
def test_the_end_does_not_wait_for_an_ask_that_hangs(
    busy, folder, until, running, calls, end, annotate
):
    process, experiment = busy()
    hold_the_next_ask(folder, experiment, until, running, calls)
    changed = later(experiment, "space", space=NARROW)
    if end == "request":
        requests.ask(experiment, "stop")
    elif end == "SIGTERM":
        process.send_signal(signal.SIGTERM)
    else:
        requests.ask(experiment, "duration", seconds=0.1)
    out, _ = process.communicate(timeout=30)
    document = json.loads(out)
    assert document["state"] == ("DONE" if end == "limit" else "STOPPED")
    assert [t["metric"] for t in document["trials"]] == [0.5, 0.9]
    assert changed() == requests.Answer(False, "the experiment has ended")
    if end != "limit":
        (folder / "hold-ask").unlink()
        (folder / "go").touch()
        resumed = json.loads(annotate("resume", "--json").stdout)
        assert [t["metric"] for t in resumed["trials"]][:3] == [0.5, 0.9, 0.8]
        assert len(resumed["trials"]) == 7
