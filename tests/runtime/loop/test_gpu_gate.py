"""The gate of trials that lease GPUs, with the views that two other machines would send."""

import dataclasses
import time

import pytest

from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.core.trial import Origin
from runtime.executors.base import Executor, NewView
from runtime.loop.gpu_gate import GpuGate
from runtime.loop.trials import Trials
from runtime.stage.agent.gpus.device import Device, View
from runtime.stage.agent.gpus.locks import Holder
from runtime.store import Store
from runtime.store.rows import ExperimentRow


class Claims(Executor):
    """Runs nothing, and keeps what the gate wants from machines."""

    def __init__(self):
        super().__init__(print)
        self.claims, self.refused = {}, {}

    def start(self, job):
        raise NotImplementedError

    def stop(self, trial, *, grace):
        raise NotImplementedError

    def close(self):
        pass

    def claim_gpus(self, machine, claims, *, watch):
        self.claims[machine] = claims

    def refuse(self, machine, reason, hint):
        self.refused[machine] = reason


@pytest.fixture
def executor():
    return Claims()


@pytest.fixture
def gate(tmp_path, executor):
    """A gate with one waiting trial."""
    config = Config("train.py", str(tmp_path), "python", executor="ssh", gpus=1)
    space = SearchSpace.from_json({})
    row = ExperimentRow("EXP", "x", "RUNNING", None, config.to_json(), space, 1e9, None)
    with Store.create(tmp_path / "store.db", row) as store:
        trials = Trials(store, space, lambda trial: None)
        trials.new(Origin.BASELINE, {})
        yield GpuGate(config, "EXP", trials, executor, print)


def view(machine, executor, *, others=(), **fields):
    """What the machine says of its one GPU: all that was claimed is locked, but for `others`."""
    uuid = f"GPU-{machine}"
    device = Device(uuid, "0", "Simulated", total=1 << 36, read=time.monotonic())
    claimed = executor.claims.get(machine, {})
    held = {u: (token, 0.0) for u, token in claimed.items() if u not in others}
    holders = {uuid: Holder(7, "ada", "other", 1.0) for uuid in others}
    return NewView(View(device.read, (device,)), machine, held, holders, **fields)


def reasons(gate):
    return [(block["rule"], block["machine"]) for block in gate._trials[0].gpu.waits]


def test_a_trial_takes_the_first_gpu_of_any_machine_and_names_all_reasons_until_then(
    gate, executor
):
    assert gate.take(0) is None, "no machine is known yet"
    gate.take_view(NewView(View(0.0), "alpha", away="cannot be reached: no route"))
    gate.take_view(view("beta", executor, others=["GPU-beta"]))
    assert gate.take(0) is None
    assert reasons(gate) == [("machine", "alpha"), ("leased", "beta")]
    assert gate._trials[0].reason.startswith(
        "waits for a GPU: alpha cannot be reached: no route, since "
    )
    gate.take_view(view("alpha", executor))
    assert gate.take(0) is None, "it has claimed the GPU, and waits for the next view"
    assert list(executor.claims["alpha"]) == ["GPU-alpha"]
    assert gate.take(0) is None
    gate.take_view(view("alpha", executor))
    lease = gate.take(0)
    assert (lease.machine, lease.gpus, lease.uuids) == ("alpha", ("0",), ("GPU-alpha",))
    assert lease.environment["CUDA_VISIBLE_DEVICES"] == "GPU-alpha"


def test_a_claim_on_a_machine_that_goes_away_is_given_up_for_another(gate, executor):
    gate.take(0)
    for machine in ("alpha", "beta"):
        gate.take_view(view(machine, executor))
    gate.take(0)
    (claimed,) = [machine for machine, claims in executor.claims.items() if claims]
    gate.take_view(NewView(View(0.0), claimed, away="cannot be reached: gone"))
    other = {"alpha": "beta", "beta": "alpha"}[claimed]
    assert gate.take(0) is None
    gate.take_view(view(other, executor))
    assert gate.take(0).machine == other


def test_a_machine_takes_no_more_trials_than_its_slots(gate, executor):
    gate.take(0)
    for _ in range(2):
        gate.take_view(view("alpha", executor, slots=1))
        lease = gate.take(0)
    assert lease.machine == "alpha"
    trial = gate._trials.new(Origin.TUNER, {})
    gate.take_view(view("alpha", executor, slots=1))
    assert gate.take(trial.number) is None
    assert "alpha has been running 1 trial, as many as it takes" in gate._trials[1].reason


def test_a_machine_without_enough_gpus_is_refused(gate, executor):
    empty = dataclasses.replace(view("alpha", executor), view=View(time.monotonic()))
    gate.take_view(empty)
    assert executor.refused["alpha"].startswith("--gpus 1: a trial needs 1, this machine has 0")
