"""Unit tests that users wrote against NNI: of scripts, of algorithms, and of their messages."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import annotate
from nni import parameter_expressions

ROOT = Path(annotate.__file__).parent.parent

SCRIPT = """
import unittest
import nni
import nni.platform.test
import nni.trial
from nni.utils import merge_parameter

def train():
    values = merge_parameter({"lr": 0.5, "epochs": 2}, nni.get_next_parameter())
    for epoch in range(values["epochs"]):
        nni.report_intermediate_result(values["lr"] * epoch)
    nni.trial.report_final_result({"default": values["lr"], "loss": 1})

class OfTheScript(unittest.TestCase):
    def test_values_and_reports(self):
        nni.platform.test.init_params({"parameter_id": 7, "parameters": {"lr": 0.25}})
        assert nni.get_current_parameter("lr") == 0.25
        nni.report_intermediate_result(1)
        nni.report_intermediate_result(2)
        last = {"parameter_id": 7, "trial_job_id": None, "type": "PERIODICAL", "sequence": 1,
                "value": 2}
        assert nni.platform.test.get_last_metric() == last
        train()
        value = {"default": 0.25, "loss": 1}
        assert nni.platform.test.get_last_metric()["value"] == value
        nni.platform.test.init_params({"parameter_id": 8, "parameters": {"lr": 1.0}})
        assert nni.trial.get_next_parameter() == {"lr": 1.0}

unittest.main()
"""

ALGORITHMS = """
import io, json, unittest
import nni, nni.protocol
from nni.assessor import AssessResult, Assessor
from nni.common import init_logger, multi_phase_enabled, multi_thread_enabled
from nni.env_vars import dispatcher_env_vars, trial_env_vars
from nni.msg_dispatcher_base import MsgDispatcherBase
from nni.protocol import CommandType, receive, send
from nni.recoverable import Recoverable
from nni.runtime.common import multi_phase_enabled
from nni.runtime.env_vars import trial_env_vars
from nni.runtime.msg_dispatcher_base import MsgDispatcherBase as the_same
from nni.runtime.protocol import send as the_same_send
from nni.runtime.tuner_command_channel import CommandType as the_same_commands
from nni.tuner import Tuner
from nni.utils import convert_dict2tuple, to_json

class Counting(Tuner):
    def update_search_space(self, space):
        self.most = space["most"]
    def generate_parameters(self, parameter_id, **kwargs):
        if parameter_id >= self.most:
            raise nni.NoMoreTrialError("that was all")
        return {"n": parameter_id}

class Advisor(MsgDispatcherBase):
    def handle_request_trial_jobs(self, data):
        for number in range(data):
            job = {"parameter_id": "0_%d" % number, "parameters": {"n": number}}
            send(CommandType.NewTrialJob, to_json(job))

class Tests(unittest.TestCase):
    def test_tuner(self):
        tuner = Counting()
        tuner.update_search_space({"most": 2})
        assert tuner.generate_multiple_parameters([0, 1, 2]) == [{"n": 0}, {"n": 1}]
        with self.assertRaises(nni.NoMoreTrialError) as caught:
            tuner.generate_parameters(2)
        assert str(caught.exception) == caught.exception.errorinfo == "that was all"

    def test_helpers(self):
        assert convert_dict2tuple({"b": {"c": 1}, "a": 2}) == (("a", 2), ("b", (("c", 1),)))
        assert nni.load(nni.dump({"a": (1, 2)})) == {"a": [1, 2]}
        assert nni.__version__.count(".") >= 1
        assert not multi_phase_enabled() and not multi_thread_enabled()
        assert not AssessResult.Bad and the_same is MsgDispatcherBase
        assert nni.ClassArgsValidator().validate_class_args(a=1) is None

    def test_advisor(self):
        nni.protocol._out_file = written = io.BytesIO()
        send(CommandType.RequestTrialJobs, "2")
        send(CommandType.KillTrialJob, "null")
        nni.protocol._in_file = io.BytesIO(written.getvalue())
        nni.protocol._out_file = written = io.BytesIO()
        advisor = Advisor()
        advisor.run()
        (error,) = advisor.worker_exceptions
        assert str(error) == "Unsupported command: CommandType.KillTrialJob"
        nni.protocol._in_file = io.BytesIO(written.getvalue())
        commands = [receive(), receive(), receive()]
        assert [command for command, _ in commands] == [CommandType.NewTrialJob] * 2 + [None]
        assert json.loads(commands[1][1])["parameter_id"] == "0_1"

unittest.main()
"""


@pytest.mark.parametrize("text", [SCRIPT, ALGORITHMS], ids=["script", "algorithms"])
def test_unit_tests_written_for_nni_pass_in_every_python(text, tmp_path, python):
    shutil.copy(ROOT / "nni.py", tmp_path)
    shutil.copytree(ROOT / "runtime" / "stage" / "nni_modules", tmp_path / "nni_modules")
    done = subprocess.run(
        [python, "-W", "error", "-c", text],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("state", [np.random.RandomState(3), np.random.default_rng(3)])
def test_draws_lie_in_their_domains(state):
    draws = parameter_expressions
    for _ in range(50):
        assert draws.choice(["a", {"b": 1}], state) in ("a", {"b": 1})
        assert draws.choice(3, state) in range(3)
        assert draws.randint(2, 5, state) in (2, 3, 4)
        assert 2 <= draws.uniform(2, 5, state) <= 5
        assert draws.quniform(1, 10, 4, state) in (1, 4, 8, 10)
        assert 1e-3 <= draws.loguniform(1e-3, 1, state) <= 1
        assert draws.qloguniform(1, 10, 4, state) in (1, 4, 8, 10)
        assert draws.qnormal(0, 9, 0.5, state) % 0.5 == 0
        assert draws.lognormal(0, 1, state) > 0
        assert draws.qlognormal(0, 1, 1, state) % 1 == 0
    assert abs(draws.normal(5, 1e-9, state) - 5) < 1e-6
