"""Algorithms written for NNI 1.x in config files: their modules, ids and search spaces."""

import json
import os
import textwrap

import pytest

from annotate.space import SearchSpace
from runtime import nni_config
from runtime.nni_config.document import ConfigMistakes

CONFIG = """\
trialConcurrency: 1
maxTrialNum: 9
trainingServicePlatform: local
trial: {command: python3 train.py, codeDir: .}
"""
#: Reads its number, and none of the names of a search space.
TRAIN = """\
import nni
values = nni.get_next_parameter()
nni.report_intermediate_result(values["n"])
nni.report_final_result(values["n"] * values.get("TRIAL_BUDGET", 1))
"""
HALVING = """
    import json
    from nni.common import multi_phase_enabled
    from nni.msg_dispatcher_base import MsgDispatcherBase
    from nni.protocol import CommandType, send
    from nni.utils import MetricType, OptimizeMode, extract_scalar_reward
    from .rounds import size

    class Halving(MsgDispatcherBase):
        '''Two rounds: what is owed is sent as soon as the first round has ended.'''
        def __init__(self, optimize_mode="maximize"):
            super().__init__()
            self.mode = OptimizeMode(optimize_mode)
            self.waiting, self.owed, self.running, self.results = [], 0, {}, {}

        def handle_initialize(self, data):
            self.waiting = [("0_0_%d" % n, n) for n in data[:size]]
            send(CommandType.Initialized, "")

        def handle_request_trial_jobs(self, data):
            self.owed += data
            if not self.waiting:
                job = {"parameter_id": "-1_0_0", "parameters": ""}
                send(CommandType.NoMoreTrialJobs, json.dumps(job))
            self.pay()

        def pay(self):
            while self.owed and self.waiting:
                number, n = self.waiting.pop(0)
                self.running[number] = n
                self.owed -= 1
                values = {"n": n, "TRIAL_BUDGET": 1 + 2 * int(number[2])}
                job = {"parameter_id": number, "parameter_source": "algorithm",
                       "parameters": values}
                send(CommandType.NewTrialJob, json.dumps(job))

        def handle_report_metric_data(self, data):
            assert data["parameter_id"] in self.running, data
            if data["type"] == MetricType.FINAL:
                result = extract_scalar_reward(json.loads(data["value"]))
                self.results[data["parameter_id"]] = result

        def handle_trial_end(self, data):
            number = json.loads(data["hyper_params"])["parameter_id"]
            n = self.running.pop(number)
            if number.startswith("0_0") and len(self.results) == size:
                best = max(self.results, key=self.results.get)
                self.waiting.append(("0_1_" + best[-1], int(best[-1])))
                self.pay()
"""
COUNTING = """
    import nni
    from nni.tuner import Tuner
    class Counting(Tuner):
        def update_search_space(self, space):
            self.space = space
        def generate_parameters(self, parameter_id, **kwargs):
            if parameter_id == 2:
                raise nni.NoMoreTrialError()
            return {"n": parameter_id, "space": self.space}
        def receive_trial_result(self, parameter_id, parameters, value, **kwargs):
            assert value == parameters["n"]
"""


@pytest.fixture
def project(folder):
    """Writes the config file with further lines, and the search space if there is one."""
    (folder / "train.py").write_text(TRAIN)
    tuning = folder / "tuning"
    tuning.mkdir()
    (tuning / "halving.py").write_text(textwrap.dedent(HALVING))
    (tuning / "rounds.py").write_text("size = 3\n")
    (tuning / "counting.py").write_text(textwrap.dedent(COUNTING))

    def write(lines, space=None):
        text = CONFIG + lines
        if space is not None:
            (folder / "space.json").write_text(json.dumps(space))
            text += "searchSpacePath: space.json\n"
        (folder / "config.yml").write_text(text)
        return folder / "config.yml"

    return write


HALVING_LINES = """\
advisor:
  codeDir: tuning
  classFileName: halving.py
  className: Halving
  classArgs: {optimize_mode: maximize}
"""
COUNTING_LINES = "tuner: {codeDir: tuning, classFileName: counting.py, className: Counting}\n"


def test_an_advisor_of_1x_sends_trials_late_and_names_them_by_text(annotate, project):
    project(HALVING_LINES, [1, 2, 3, 4])
    done = annotate("create", "-c", "config.yml", "--foreground", "--json")
    trials = json.loads(done.stdout)["trials"]
    assert [trial["metric"] for trial in trials] == [1, 2, 3, 9]
    assert trials[3]["values"] == {"n": 3, "TRIAL_BUDGET": 3}
    assert "space.json: not in NNI's format" in done.stderr
    shown = json.loads(annotate("experiment", "show", "--json").stdout)
    assert shown["space"] == [1, 2, 3, 4]


def test_a_custom_tuner_needs_no_search_space(annotate, project):
    project(COUNTING_LINES)
    done = annotate("create", "-c", "config.yml", "--foreground")
    assert "own search space" in done.stderr
    assert "  n        1\n" in done.stdout, "its values are shown although no space has them"
    trials = json.loads(annotate("trial", "ls", "--json").stdout)
    assert [trial["values"] for trial in trials] == [{"n": 0, "space": ""}, {"n": 1, "space": ""}]


@pytest.mark.parametrize("space", [3, "text", [{"a": 1}], {"x": {"min": 1}}, {}])
def test_a_foreign_space_is_kept_as_it_is(space):
    kept = SearchSpace.of_foreign(space)
    again = SearchSpace.from_stored(json.loads(json.dumps(kept.to_stored())))
    assert again == kept
    assert again.to_json() == space
    assert again.locate({"any": [1]}) == {"any": [1]}


def refused(config):
    """The mistakes for which the config file is refused."""
    with pytest.raises(ConfigMistakes) as caught:
        nni_config.read(config, os.environ)
    return [mistake.message for mistake in caught.value.mistakes]


def test_a_built_in_tuner_needs_nnis_format(project):
    for lines in ("tuner: {builtinTunerName: TPE}\n", ""):
        (mistake,) = refused(project(lines, [1, 2]))
        assert "a search space is an object, not a list" in mistake
        assert refused(project(lines)) == ["there is no search space"]


def test_threads_are_refused_for_a_custom_class_alone(project):
    (mistake,) = refused(project(COUNTING_LINES + "multiThread: true\n"))
    assert mistake.endswith("your own class is called in one thread, one call at a time")
    space = {"n": {"_type": "randint", "_value": [0, 9]}}
    nni_config.read(project(COUNTING_LINES + "multiThread: false\n", space), os.environ)
    lines = "tuner: {builtinTunerName: TPE}\nmultiThread: true\n"
    described = nni_config.read(project(lines, space), os.environ)
    assert "multiThread: No effect" in described.notes[0]
