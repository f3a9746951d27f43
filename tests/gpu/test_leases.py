"""Who gets which GPU, who waits, and what for."""

import os
import shlex
import time

import pytest

from annotate.errors import AnnotateError
from runtime.gpus.leases import Lease
from runtime.gpus.waiting import Wait
from tests.gpu.conftest import computes, rules, run

MIB = 1 << 20


def test_a_trial_sees_only_what_it_leased(inside, experiment):
    inside.write(*inside.gpus(4))
    exp = experiment(gpus=2)
    uuids = (inside.uuid(0), inside.uuid(1))
    lease = exp.take(0)
    assert lease == Lease(
        ("0", "1"),
        {"CUDA_VISIBLE_DEVICES": ",".join(uuids), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
        uuids,
    )
    assert exp.take(1).gpus == ("2", "3")
    wait = exp.take(2)
    assert rules(wait) == [("full", str(n)) for n in range(4)]
    assert "GPU 0 has been running trial 0 since" in str(wait)
    exp.leases.give_back(0)
    assert exp.take(2).gpus == ("0", "1")


def test_two_experiments_never_share_a_gpu(inside, experiment):
    inside.write(*inside.gpus(2))
    first, second = experiment("A"), experiment("B")
    assert first.take(0).gpus == ("0",)
    assert second.take(0).gpus == ("1",)
    wait = second.take(1)
    assert rules(wait) == [("leased", "0"), ("full", "1")]
    assert f"has been leased to experiment A of {wait.blocks[0].user} (pid {os.getpid()})" in str(
        wait
    )
    first.leases.give_back(0)
    assert second.take(1).gpus == ("0",)


def test_a_trial_gets_all_its_gpus_or_none(inside, experiment):
    inside.write(*inside.gpus(2))
    first, second = experiment("A"), experiment("B", gpus=2)
    assert first.take(0).gpus == ("0",)
    assert rules(second.take(0)) == [("leased", "0")]
    assert first.take(1).gpus == ("1",), "a waiting trial holds no lock"


def test_a_program_on_a_gpu_is_named_and_a_display_does_not_count(inside, experiment, somebody):
    draws = f"process gpu=1 pid={somebody} memory=3000 kind=G"
    inside.write(inside.gpu(0, used=1500), inside.gpu(1, used=3500), computes(0, somebody), draws)
    exp = experiment()
    assert exp.take(0).gpus == ("1",)
    wait = exp.take(1)
    assert rules(wait) == [("computes", "0"), ("full", "1")]
    assert f"sleep (pid {somebody}, " in str(wait)
    assert "has been using 1000 MiB since" in str(wait)
    other = experiment("B", use_active_gpu=True)
    assert other.take(0).gpus == ("0",)
    other.leases.give_back(0)
    inside.write(*inside.gpus(2))
    assert exp.take(1).gpus == ("0",)


def test_a_gpu_is_read_again_after_it_is_locked(inside, experiment, somebody):
    inside.write(inside.gpu(0))
    exp = experiment()
    exp.look()
    assert not exp.leases.take(0).blocks, "it is locked, but not read again yet"
    inside.write(inside.gpu(0), computes(0, somebody))
    assert not exp.leases.take(0).blocks, "an earlier view does not count"
    exp.look()
    assert rules(exp.leases.take(0)) == [("computes", "0")]
    other = experiment("B", use_active_gpu=True)
    assert other.take(0).gpus == ("0",), "the lock was released"


def test_memory_left_by_an_ended_trial_blocks_the_gpu(inside, experiment, somebody):
    inside.write(inside.gpu(0))
    exp = experiment()
    exp.take(0)
    exp.leases.started(0, somebody)
    inside.write(inside.gpu(0, used=4000), computes(0, somebody, 3000))
    exp.look()
    exp.leases.give_back(0)
    wait = exp.take(1)
    assert rules(wait) == [("left", "0")]
    assert f"trial 0 has ended, but its process sleep (pid {somebody}, " in str(wait)
    inside.write(inside.gpu(0, used=4000))
    wait = exp.take(1)
    assert rules(wait) == [("memory", "0")]
    assert "3.9 GiB of GPU 0 have been in use since" in str(wait)
    inside.write(inside.gpu(0))
    assert exp.take(1).gpus == ("0",)


def test_a_recurring_reason_counts_as_new(inside, experiment):
    inside.write(inside.gpu(0, used=5000))
    exp = experiment()
    before = exp.take(0).blocks[0].since
    assert exp.take(0).blocks[0].since == before
    inside.write(inside.gpu(0))
    exp.look()
    time.sleep(0.01)
    inside.write(inside.gpu(0, used=5000))
    assert exp.take(0).blocks[0].since > before


def test_a_lost_card_blocks_until_it_is_back(inside, experiment):
    inside.write(*inside.gpus(2))
    exp = experiment(gpus=2)
    inside.write(inside.gpu(0), inside.gpu(1, error=15))
    wait = exp.take(0)
    assert rules(wait) == [("trouble", "1")]
    assert "GPU 1 reports an error: GPU is lost" in str(wait)
    inside.write(*inside.gpus(2))
    assert exp.take(0).gpus == ("0", "1")


def test_compute_modes_are_respected(inside, experiment):
    inside.write(inside.gpu(0, mode=3), inside.gpu(1, mode=2))
    exp = experiment(trials_per_gpu=4)
    assert exp.take(0).gpus == ("0",)
    wait = exp.take(1)
    assert rules(wait) == [("full", "0"), ("mode", "1")]
    assert "its compute mode allows one process" in str(wait)


def test_an_invisible_process_on_a_leased_gpu_counts_as_the_trials(inside, experiment):
    inside.write(*inside.gpus(2))
    exp = experiment(trials_per_gpu=2, gpu_indices=("0",))
    run(exp, 0, os.getpid())
    inside.write(
        inside.gpu(0, used=4500), inside.gpu(1), computes(0, 4194304), computes(1, 4194304)
    )
    assert exp.take(1).gpus == ("0",)
    assert exp.leases.use(0).memory == 2000 * MIB, "an equal share of the increase"
    (message,) = exp.messages
    assert "NVML does not report memory by process" in message, "only once"
    assert rules(experiment("B", gpu_indices=("1",)).take(0)) == [("unseen", "1")]


def test_without_a_process_list_the_increase_of_a_gpus_memory_is_the_trials(
    inside, experiment, somebody
):
    inside.write(inside.gpu(0))
    exp = experiment(trials_per_gpu="auto")
    run(exp, 0, somebody)
    inside.write(inside.gpu(0, used=520))
    exp.look()
    assert exp.leases.use(0).memory is None, "it does not use the GPU yet"
    inside.write(inside.gpu(0, used=20500, util=40))
    exp.look()
    use = exp.leases.use(0)
    assert (use.memory, use.utilisation) == (20000 * MIB, 40)
    inside.write(inside.gpu(0, used=10500))
    exp.leases.give_back(0)
    wait = exp.take(1)
    assert rules(wait) == [("memory", "0")]
    assert "10.3 GiB of GPU 0 have been in use" in str(wait), "by an invisible process"
    inside.write(inside.gpu(0))
    answers = [exp.take(trial) for trial in (1, 2, 3)]
    assert [isinstance(answer, Lease) for answer in answers] == [True, True, False]


def test_a_process_of_unknown_memory_is_measured_by_its_gpus_increase(inside, experiment, somebody):
    inside.write(inside.gpu(0), inside.gpu(1))
    exp = experiment()
    run(exp, 0, somebody)
    inside.write(inside.gpu(0, used=3500), inside.gpu(1, used=3500), computes(0, somebody, -1))
    exp.look()
    assert exp.leases.use(0).memory == 3000 * MIB


def test_a_slow_gpu_is_leased_only_on_an_answer_from_after_its_lock(inside, experiment, somebody):
    inside.write(inside.gpu(0))
    exp = experiment()
    inside.write(inside.gpu(0, slow=60))
    exp.look()
    inside.write(inside.gpu(0, slow=200), computes(0, somebody))
    assert not exp.leases.take(0).blocks
    until = time.monotonic() + 30
    while not (wait := exp.leases.take(0)).blocks or rules(wait) == [("slow", "0")]:
        assert time.monotonic() < until
        assert isinstance(wait, Wait), "an earlier answer does not count"
        exp.look()
    assert rules(wait) == [("computes", "0")]


def test_a_slow_gpu_is_reported_and_a_fast_one_is_taken_first(inside, experiment):
    inside.write(*inside.gpus(2))
    exp = experiment()
    inside.write(inside.gpu(0, slow=400), inside.gpu(1))
    exp.look()
    began = time.monotonic()
    assert exp.take(0).gpus == ("1",)
    assert time.monotonic() - began < 2, "the slow one does not delay it"
    until = began + 30
    while rules(wait := exp.take(1))[:1] != [("slow", "0")]:
        assert time.monotonic() < until
    assert "GPU 0 has not answered since" in str(wait)


def test_a_mig_instance_is_leased_by_its_uuid(inside, experiment):
    inside.write(inside.gpu(0, mig=1), inside.mig(0, 0, gi=1), inside.mig(0, 1, gi=2))
    exp = experiment()
    first, second = exp.take(0), exp.take(1)
    assert (first.gpus, second.gpus) == (("0:0",), ("0:1",))
    assert second.environment["CUDA_VISIBLE_DEVICES"] == inside.uuid(1, "MIG")
    with pytest.raises(AnnotateError, match="only one MIG instance"):
        experiment(gpus=2)


WORLDS = [  # CUDA_VISIBLE_DEVICES, how many trials find a GPU, what the first one sees
    ("2,0", 2, "2"),
    ("0,9,1", 1, "0"),
    ("0,-1,1", 1, "0"),
    ("{1}", 1, "{1}"),
    ("{1},{3}", 2, "{1}"),
    ("{3},junk", 1, "{3}"),
]


@pytest.mark.parametrize(("visible", "count", "first"), WORLDS)
def test_cuda_visible_devices_limits_the_gpus(inside, experiment, visible, count, first):
    inside.write(*inside.gpus(4))
    names = [inside.uuid(n) for n in range(4)]
    exp = experiment(environment={"CUDA_VISIBLE_DEVICES": visible.format(*names)})
    answers = [exp.take(trial) for trial in range(4)]
    leases = [answer for answer in answers if isinstance(answer, Lease)]
    assert len(leases) == count
    assert leases[0].environment["CUDA_VISIBLE_DEVICES"] == first.format(*names)


@pytest.mark.parametrize("visible", ["", "-1", "7", "0,0", "none"])
def test_having_no_visible_gpu_is_reported_at_once(inside, experiment, visible):
    inside.write(*inside.gpus(4))
    message = f"this machine has 4, of which .*={shlex.quote(visible)} shows 0"
    with pytest.raises(AnnotateError, match=message) as caught:
        experiment(environment={"CUDA_VISIBLE_DEVICES": visible})
    assert caught.value.hint.startswith("unset CUDA_VISIBLE_DEVICES")


def test_broken_gpus_do_not_count(inside, experiment):
    inside.write(inside.gpu(0, error=15))
    with pytest.raises(AnnotateError, match="only 0 of 1 work"):
        experiment()
    inside.write()
    with pytest.raises(AnnotateError, match="a trial needs 1, this machine has 0"):
        experiment()


def test_gpu_indices_limit_the_gpus(inside, experiment):
    inside.write(*inside.gpus(4))
    exp = experiment(gpu_indices=("3", "1"))
    assert [exp.take(trial).gpus for trial in (0, 1)] == [("1",), ("3",)]
    with pytest.raises(AnnotateError) as caught:
        experiment(gpu_indices=("4", "0"), environment={"CUDA_VISIBLE_DEVICES": "1"})
    assert "there is no GPU 4" in str(caught.value)
    assert "GPU 0 is not in CUDA_VISIBLE_DEVICES" in str(caught.value), "all mistakes at once"
