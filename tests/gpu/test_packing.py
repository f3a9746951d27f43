"""How many trials share a GPU, what becomes of those without room, and which GPUs are trusted."""

import pytest

from runtime.gpus.leases import Lease
from runtime.gpus.packing import out_of_memory
from tests.gpu.conftest import computes, rules, run

MIB = 1 << 20


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
    one = experiment(trials_per_gpu="auto")
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
