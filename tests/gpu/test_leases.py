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
    one = experiment(gpus=2)
    lease = one.take(0)
    assert lease == Lease(
        ("0", "1"),
        {
            "CUDA_VISIBLE_DEVICES": f"{inside.uuid(0)},{inside.uuid(1)}",
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        },
    )
    assert one.take(1).gpus == ("2", "3")
    wait = one.take(2)
    assert rules(wait) == [("full", str(n)) for n in range(4)]
    assert "GPU 0 runs trial 0 since" in str(wait)
    one.leases.give_back(0)
    assert one.take(2).gpus == ("0", "1")


def test_two_experiments_never_have_the_same(inside, experiment):
    inside.write(*inside.gpus(2))
    first, second = experiment("A"), experiment("B")
    assert first.take(0).gpus == ("0",)
    assert second.take(0).gpus == ("1",)
    wait = second.take(1)
    assert rules(wait) == [("leased", "0"), ("full", "1")]
    assert f"leased to experiment A of {wait.blocks[0].user} (pid {os.getpid()})" in str(wait)
    first.leases.give_back(0)
    assert second.take(1).gpus == ("0",)


def test_all_or_none(inside, experiment):
    inside.write(*inside.gpus(2))
    first, second = experiment("A"), experiment("B", gpus=2)
    assert first.take(0).gpus == ("0",)
    assert rules(second.take(0)) == [("leased", "0")]
    assert first.take(1).gpus == ("1",), "who has to wait holds nothing"


def test_who_computes_is_named_and_a_display_does_not_count(inside, experiment, somebody):
    draws = f"process gpu=1 pid={somebody} memory=3000 kind=G"
    inside.write(inside.gpu(0, used=1500), inside.gpu(1, used=3500), computes(0, somebody), draws)
    one = experiment()
    assert one.take(0).gpus == ("1",)
    wait = one.take(1)
    assert rules(wait) == [("computes", "0"), ("full", "1")]
    assert f"sleep (pid {somebody}, " in str(wait)
    assert "computes with 1000 MiB since" in str(wait)
    other = experiment("B", use_active_gpu=True)
    assert other.take(0).gpus == ("0",)
    other.leases.give_back(0)
    inside.write(*inside.gpus(2))
    assert one.take(1).gpus == ("0",)


def test_it_is_looked_at_again_after_it_is_locked(inside, experiment, somebody):
    inside.write(inside.gpu(0))
    one = experiment()
    one.look()
    assert not one.leases.take(0).blocks, "its lock is taken, the look still to come"
    inside.write(inside.gpu(0), computes(0, somebody))
    assert not one.leases.take(0).blocks, "a look from before does not count"
    one.look()
    assert rules(one.leases.take(0)) == [("computes", "0")]
    other = experiment("B", use_active_gpu=True)
    assert other.take(0).gpus == ("0",), "the lock was given back"


def test_memory_that_stays_after_a_trial_is_waited_for(inside, experiment, somebody):
    inside.write(inside.gpu(0))
    one = experiment()
    one.take(0)
    one.leases.started(0, somebody)
    inside.write(inside.gpu(0, used=4000), computes(0, somebody, 3000))
    one.look()
    one.leases.give_back(0)
    wait = one.take(1)
    assert rules(wait) == [("left", "0")]
    assert f"trial 0 has ended, but of it sleep (pid {somebody}, " in str(wait)
    inside.write(inside.gpu(0, used=4000))
    wait = one.take(1)
    assert rules(wait) == [("memory", "0")]
    assert "3.9 GiB of GPU 0 are taken since" in str(wait)
    inside.write(inside.gpu(0))
    assert one.take(1).gpus == ("0",)


def test_a_reason_begins_anew_when_it_comes_again(inside, experiment):
    inside.write(inside.gpu(0, used=5000))
    one = experiment()
    before = one.take(0).blocks[0].since
    assert one.take(0).blocks[0].since == before
    inside.write(inside.gpu(0))
    one.look()
    time.sleep(0.01)
    inside.write(inside.gpu(0, used=5000))
    assert one.take(0).blocks[0].since > before


def test_a_lost_card_is_waited_for_and_found_again(inside, experiment):
    inside.write(*inside.gpus(2))
    one = experiment(gpus=2)
    inside.write(inside.gpu(0), inside.gpu(1, error=15))
    wait = one.take(0)
    assert rules(wait) == [("trouble", "1")]
    assert "GPU 1 gives an error: GPU is lost" in str(wait)
    inside.write(*inside.gpus(2))
    assert one.take(0).gpus == ("0", "1")


def test_a_compute_mode_is_respected(inside, experiment):
    inside.write(inside.gpu(0, mode=3), inside.gpu(1, mode=2))
    one = experiment(trials_per_gpu=4)
    assert one.take(0).gpus == ("0",)
    wait = one.take(1)
    assert rules(wait) == [("full", "0"), ("mode", "1")]
    assert "its compute mode lets one process compute" in str(wait)


def test_in_a_container_an_unseen_process_on_a_leased_gpu_is_the_trials(inside, experiment):
    inside.write(*inside.gpus(2))
    one = experiment(trials_per_gpu=2, gpu_indices=("0",))
    run(one, 0, os.getpid())
    inside.write(
        inside.gpu(0, used=4500), inside.gpu(1), computes(0, 4194304), computes(1, 4194304)
    )
    assert one.take(1).gpus == ("0",)
    assert one.leases.use(0).memory == 2000 * MIB, "an even share of what the trials added"
    (said,) = one.said
    assert "NVML does not tell whose memory it is" in said, "once"
    assert rules(experiment("B", gpu_indices=("1",)).take(0)) == [("unseen", "1")]


def test_where_nvml_lists_no_process_what_a_gpu_has_more_than_before_is_the_trials(
    inside, experiment, somebody
):
    inside.write(inside.gpu(0))
    one = experiment(trials_per_gpu="auto")
    run(one, 0, somebody)
    inside.write(inside.gpu(0, used=520))
    one.look()
    assert one.leases.use(0).memory is None, "it has not come as far as the GPU"
    inside.write(inside.gpu(0, used=20500, util=40))
    one.look()
    use = one.leases.use(0)
    assert (use.memory, use.utilisation) == (20000 * MIB, 40)
    inside.write(inside.gpu(0, used=10500))
    one.leases.give_back(0)
    wait = one.take(1)
    assert rules(wait) == [("memory", "0")]
    assert "10.3 GiB of GPU 0 are taken" in str(wait), "who still holds it can't be seen"
    inside.write(inside.gpu(0))
    answers = [one.take(trial) for trial in (1, 2, 3)]
    assert [isinstance(answer, Lease) for answer in answers] == [True, True, False]


def test_a_process_whose_memory_nvml_does_not_tell_is_measured_by_the_gpus(
    inside, experiment, somebody
):
    inside.write(inside.gpu(0), inside.gpu(1))
    one = experiment()
    run(one, 0, somebody)
    inside.write(inside.gpu(0, used=3500), inside.gpu(1, used=3500), computes(0, somebody, -1))
    one.look()
    assert one.leases.use(0).memory == 3000 * MIB


def test_a_slow_gpu_is_leased_by_what_it_said_after_its_lock_was_taken(
    inside, experiment, somebody
):
    inside.write(inside.gpu(0))
    one = experiment()
    inside.write(inside.gpu(0, slow=60))
    one.look()
    inside.write(inside.gpu(0, slow=200), computes(0, somebody))
    assert not one.leases.take(0).blocks
    until = time.monotonic() + 30
    while not (wait := one.leases.take(0)).blocks or rules(wait) == [("slow", "0")]:
        assert time.monotonic() < until
        assert isinstance(wait, Wait), "no answer of before that counts"
        one.look()
    assert rules(wait) == [("computes", "0")]


def test_a_slow_gpu_has_a_reason_and_a_quick_one_is_taken_first(inside, experiment):
    inside.write(*inside.gpus(2))
    one = experiment()
    inside.write(inside.gpu(0, slow=400), inside.gpu(1))
    one.look()
    began = time.monotonic()
    assert one.take(0).gpus == ("1",)
    assert time.monotonic() - began < 2, "the slow one is not waited for"
    until = began + 30
    while rules(wait := one.take(1))[:1] != [("slow", "0")]:
        assert time.monotonic() < until
    assert "GPU 0 is looked at since" in str(wait)


def test_an_instance_is_leased_by_its_own_name(inside, experiment):
    inside.write(inside.gpu(0, mig=1), inside.mig(0, 0, gi=1), inside.mig(0, 1, gi=2))
    one = experiment()
    first, second = one.take(0), one.take(1)
    assert (first.gpus, second.gpus) == (("0:0",), ("0:1",))
    assert second.environment["CUDA_VISIBLE_DEVICES"] == inside.uuid(1, "MIG")
    with pytest.raises(AnnotateError, match="one MIG instance only"):
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
def test_what_the_user_has_made_visible_is_the_world(inside, experiment, visible, count, first):
    inside.write(*inside.gpus(4))
    names = [inside.uuid(n) for n in range(4)]
    one = experiment(environment={"CUDA_VISIBLE_DEVICES": visible.format(*names)})
    answers = [one.take(trial) for trial in range(4)]
    leases = [answer for answer in answers if isinstance(answer, Lease)]
    assert len(leases) == count
    assert leases[0].environment["CUDA_VISIBLE_DEVICES"] == first.format(*names)


@pytest.mark.parametrize("visible", ["", "-1", "7", "0,0", "none"])
def test_a_world_without_gpus_is_said_at_once(inside, experiment, visible):
    inside.write(*inside.gpus(4))
    said = f"this machine has 4, of which .*={shlex.quote(visible)} shows 0"
    with pytest.raises(AnnotateError, match=said) as caught:
        experiment(environment={"CUDA_VISIBLE_DEVICES": visible})
    assert caught.value.hint.startswith("unset CUDA_VISIBLE_DEVICES")


def test_cards_that_do_not_work_do_not_count(inside, experiment):
    inside.write(inside.gpu(0, error=15))
    with pytest.raises(AnnotateError, match="only 0 of 1 work"):
        experiment()
    inside.write()
    with pytest.raises(AnnotateError, match="a trial needs 1, this machine has 0"):
        experiment()


def test_only_the_gpus_of_gpu_indices(inside, experiment):
    inside.write(*inside.gpus(4))
    one = experiment(gpu_indices=("3", "1"))
    assert [one.take(trial).gpus for trial in (0, 1)] == [("1",), ("3",)]
    with pytest.raises(AnnotateError) as caught:
        experiment(gpu_indices=("4", "0"), environment={"CUDA_VISIBLE_DEVICES": "1"})
    assert "there is no GPU 4" in str(caught.value)
    assert "does not show GPU 0" in str(caught.value), "all mistakes at once"
