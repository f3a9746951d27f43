"""Who gets which GPU, who waits, and what for."""

import os
import shlex
import subprocess
import time

import pytest

from annotate.errors import AnnotateError
from runtime.gpus.leases import Lease
from runtime.gpus.packing import out_of_memory
from runtime.gpus.waiting import Wait

MIB = 1 << 20


def rules(wait):
    return [(block.rule, block.gpu) for block in wait.blocks]


@pytest.fixture
def somebody():
    """A process that is nobody's trial."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process.pid
    process.kill()
    process.wait()


def computes(gpu, pid, memory=1000):
    return f"process gpu={gpu} pid={pid} memory={memory} kind=C"


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
    one = experiment(trials_per_gpu=None)
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


def run(one, trial, pid):
    assert isinstance(one.take(trial), Lease)
    one.leases.started(trial, pid)


def test_as_many_as_trials_per_gpu_says(inside, experiment):
    inside.write(*inside.gpus(2))
    one = experiment(trials_per_gpu=2)
    assert [one.take(trial).gpus for trial in range(4)] == [("0",), ("1",), ("0",), ("1",)]
    wait = one.take(4)
    assert rules(wait) == [("full", "0"), ("full", "1")]
    assert "GPU 0 runs trial 0, trial 2 since" in str(wait)
    assert "--trials-per-gpu is 2" in str(wait)


@pytest.mark.parametrize(
    ("memory", "utilisation", "fit"), [(30000, 10, 2), (4000, 30, 3), (4000, 1, 8), (60000, 5, 1)]
)
def test_measurements_say_how_many_fit(inside, experiment, somebody, memory, utilisation, fit):
    inside.write(inside.gpu(0))
    one = experiment(trials_per_gpu=None)
    run(one, 0, somebody)
    assert "has not been measured yet" in str(one.take(1))
    inside.write(inside.gpu(0, used=500 + memory, util=utilisation), computes(0, somebody, memory))
    one.look()
    use = one.leases.use(0)
    assert (use.memory, use.peak, use.utilisation) == (memory * MIB, memory * MIB, utilisation)
    one.leases.give_back(0)
    inside.write(inside.gpu(0))
    answers = [one.take(trial) for trial in range(1, 10)]
    assert sum(isinstance(answer, Lease) for answer in answers) == fit
    assert one.leases.room == fit


def test_a_trial_without_room_runs_alone_and_fewer_are_packed(inside, experiment):
    inside.write(inside.gpu(0))
    one = experiment(trials_per_gpu=3)
    for trial in range(3):
        one.take(trial)
    assert one.leases.crowded(2) == "beside others"
    one.leases.give_back(2)
    assert rules(one.take(2)) == [("alone", "0")]
    one.leases.give_back(0)
    one.leases.give_back(1)
    assert one.take(2).gpus == ("0",)
    assert rules(one.take(3)) == [("alone", "0")]
    assert one.leases.crowded(2) is None, "alone it is a failure like any other"
    one.leases.give_back(2)
    answers = [one.take(trial) for trial in (4, 5, 6)]
    assert [isinstance(answer, Lease) for answer in answers] == [True, True, False]
    assert "3 together ran out of its memory" in str(answers[2])


def test_a_trial_that_somebody_took_the_room_of_runs_again_when_that_has_gone(
    inside, experiment, somebody
):
    inside.write(inside.gpu(0))
    one = experiment()
    run(one, 0, 4194304)
    inside.write(inside.gpu(0, used=70500), computes(0, somebody, 70000))
    one.look()
    beside = one.leases.crowded(0)
    assert beside.startswith(f"beside sleep (pid {somebody}, ")
    assert beside.endswith("with 68.4 GiB of GPU 0")
    one.leases.give_back(0)
    assert rules(one.take(0)) == [("computes", "0")]
    inside.write(inside.gpu(0))
    assert isinstance(one.take(0), Lease)
    assert one.leases.crowded(0) is None, "once: then it is the trial's own failure"


def test_what_is_known_against_a_trials_gpu_is_told(inside, experiment):
    inside.write(*inside.gpus(2))
    one = experiment()
    for trial in (0, 1):
        assert isinstance(one.take(trial), Lease)
    assert one.leases.fault(0) is None
    inside.write(inside.gpu(0, error=15), inside.gpu(1), "xid gpu=1 number=48 serial=31")
    one.look()
    assert one.leases.fault(0) == "GPU 0 gives an error: GPU is lost"
    assert "Xid 48, an ECC error that could not be corrected" in one.leases.fault(1)


WORDS = [  # as those libraries say it
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
    "torch.AcceleratorError: CUDA error: out of memory",
    "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "RuntimeError: CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "RuntimeError: cuFFT error: CUFFT_ALLOC_FAILED",
    "RuntimeError: Triton Error [CUDA]: out of memory",
    "ncclUnhandledCudaError: Last error:\nCuda failure 2 'out of memory'",
    "ResourceExhaustedError: OOM when allocating tensor with shape[64,512] on GPU:0",
    "ResourceExhaustedError: {{function_node __wrapped__Mul}} failed to allocate memory [Op:Mul]",
    "failed to allocate 2.00G (2147483648 bytes) from device: CUDA_ERROR_OUT_OF_MEMORY",
    "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to",
    "jax.errors.JaxRuntimeError: RESOURCE_EXHAUSTED: Failed to allocate request for 2.00GiB",
    "cupy.cuda.memory.OutOfMemoryError: Out of memory allocating 8,000,000,000 bytes",
    "xgboost.core.XGBoostError: std::bad_alloc: cudaErrorMemoryAllocation: out of memory",
    "[LightGBM] [Fatal] [CUDA] out of memory allocate.cu 42",
    "_catboost.CatBoostError: CUDA error 2: out of memory",
]


@pytest.mark.parametrize("words", WORDS)
def test_words_that_say_that_a_gpu_had_no_room(words):
    assert out_of_memory(f"Traceback (most recent call last):\n{words}")


@pytest.mark.parametrize(
    "words",
    [
        "MemoryError: Unable to allocate 8.00 GiB for an array",
        "RuntimeError: CUDA error: an illegal memory access was encountered",
        "RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.",
        "grpc: RESOURCE_EXHAUSTED: quota",
    ],
)
def test_other_words_do_not(words):
    assert not out_of_memory(words)


def test_a_card_on_which_trials_fail_at_start_is_set_aside(inside, experiment):
    inside.write(*inside.gpus(2))
    one = experiment()
    one.take(0)
    one.leases.failed(0, "a CUDA error")
    one.leases.give_back(0)
    assert one.take(1).gpus == ("1",), "another one is tried first"
    assert one.take(2).gpus == ("0",)
    one.leases.failed(2, "a CUDA error")
    one.leases.give_back(2)
    assert not one.leases.news(), "as long as no trial did well, the script may be at fault"
    one.leases.worked(1)
    (said,) = one.leases.news()
    assert "GPU 0 is set aside until" in said
    assert "2 trials in a row failed on it at their start" in said
    wait = one.take(3)
    assert rules(wait) == [("aside", "0"), ("full", "1")]


def test_a_card_set_aside_is_tried_again_later():
    from runtime.gpus.health import Health

    now = [1000.0]
    health = Health({"a": "0", "b": "1"}, now=lambda: now[0])
    health.worked(["b"])
    health.failed(["a"], "an error")
    health.failed(["a"], "an error")
    assert health.aside("a")
    now[0] += 601
    assert not health.aside("a")
    health.failed(["a"], "an error")
    assert health.aside("a"), "one more failure is enough then"
    now[0] += 601
    assert health.aside("a"), "and for longer"
    now[0] += 600
    assert not health.aside("a")


def test_a_card_is_not_set_aside_for_what_fails_elsewhere_too():
    from runtime.gpus.health import Health

    health = Health({"a": "0", "b": "1", "c": "2"})
    health.worked(["b", "c"])
    health.failed(["b"], "a head that does not divide")
    health.failed(["a"], "a head that does not divide")
    health.failed(["a"], "a head that does not divide")
    assert not health.aside("a")
    health.failed(["c"], "an odd size")
    health.failed(["c"], "an odd size")
    assert health.aside("c")
    health.news()
    health.failed(["b"], "an odd size")
    assert not health.aside("c"), "by then it is known to be the script"
    assert health.news() == ["GPU 2 is used again: trials fail like that elsewhere"]
    health.failed(["a"], "a head that does not divide")
    assert health.aside("a"), "three in a row are more than one elsewhere"


def test_errors_that_nvml_tells_are_named(inside, experiment):
    inside.write(*inside.gpus(3))
    one = experiment()
    inside.write(
        inside.gpu(0, ecc=2),
        inside.gpu(1),
        inside.gpu(2),
        "xid gpu=1 number=79 serial=11",
        "xid gpu=2 number=13 serial=12",
    )
    assert one.take(0).gpus == ("2",)
    said = "\n".join(one.said)
    assert "GPU 0 is set aside" in said
    assert "2 uncorrected ECC errors" in said
    assert "Xid 79, it has fallen off the bus" in said
    assert "GPU 2: the driver tells of Xid 13" in said
