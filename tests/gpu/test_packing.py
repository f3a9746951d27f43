"""How many trials share a GPU, which trials run again alone, and which GPUs are quarantined."""

import pytest

from runtime.gpus.health import Health
from runtime.gpus.leases import Lease
from runtime.gpus.packing import out_of_memory
from tests.gpu.conftest import computes, rules, run

MIB = 1 << 20


def test_trials_per_gpu_limits_the_trials_on_a_gpu(inside, experiment):
    inside.write(*inside.gpus(2))
    exp = experiment(trials_per_gpu=2)
    assert [exp.take(trial).gpus for trial in range(4)] == [("0",), ("1",), ("0",), ("1",)]
    wait = exp.take(4)
    assert rules(wait) == [("full", "0"), ("full", "1")]
    assert "GPU 0 has been running trial 0, trial 2 since" in str(wait)
    assert "--trials-per-gpu is 2" in str(wait)


@pytest.mark.parametrize(
    ("memory", "utilisation", "fit"), [(30000, 10, 2), (4000, 30, 3), (4000, 1, 8), (60000, 5, 1)]
)
def test_measurements_determine_how_many_trials_fit(
    inside, experiment, somebody, memory, utilisation, fit
):
    inside.write(inside.gpu(0))
    exp = experiment(trials_per_gpu="auto")
    run(exp, 0, somebody)
    assert "have not been measured yet" in str(exp.take(1))
    inside.write(inside.gpu(0, used=500 + memory, util=utilisation), computes(0, somebody, memory))
    exp.look()
    use = exp.leases.use(0)
    assert (use.memory, use.peak, use.utilisation) == (memory * MIB, memory * MIB, utilisation)
    exp.leases.give_back(0)
    inside.write(inside.gpu(0))
    answers = [exp.take(trial) for trial in range(1, 10)]
    assert sum(isinstance(answer, Lease) for answer in answers) == fit
    assert exp.leases.room == fit


def test_a_trial_without_memory_runs_again_alone_and_fewer_trials_share_a_gpu(inside, experiment):
    inside.write(inside.gpu(0))
    exp = experiment(trials_per_gpu=3)
    for trial in range(3):
        exp.take(trial)
    assert exp.leases.crowded(2) == "beside others"
    exp.leases.give_back(2)
    assert rules(exp.take(2)) == [("alone", "0")]
    exp.leases.give_back(0)
    exp.leases.give_back(1)
    assert exp.take(2).gpus == ("0",)
    assert rules(exp.take(3)) == [("alone", "0")]
    assert exp.leases.crowded(2) is None, "a trial that was alone simply failed"
    exp.leases.give_back(2)
    answers = [exp.take(trial) for trial in (4, 5, 6)]
    assert [isinstance(answer, Lease) for answer in answers] == [True, True, False]
    assert "3 trials together ran out of its memory" in str(answers[2])


def test_a_trial_crowded_out_by_another_program_runs_again_when_that_ends(
    inside, experiment, somebody
):
    inside.write(inside.gpu(0))
    exp = experiment()
    run(exp, 0, 4194304)
    inside.write(inside.gpu(0, used=70500), computes(0, somebody, 70000))
    exp.look()
    beside = exp.leases.crowded(0)
    assert beside.startswith(f"beside sleep (pid {somebody}, ")
    assert beside.endswith("with 68.4 GiB of GPU 0")
    exp.leases.give_back(0)
    assert rules(exp.take(0)) == [("computes", "0")]
    inside.write(inside.gpu(0))
    assert isinstance(exp.take(0), Lease)
    assert exp.leases.crowded(0) is None, "the second time it is the trial's own failure"


def test_a_fault_of_a_trials_gpu_is_reported(inside, experiment):
    inside.write(*inside.gpus(2))
    exp = experiment()
    for trial in (0, 1):
        assert isinstance(exp.take(trial), Lease)
    assert exp.leases.fault(0) is None
    inside.write(inside.gpu(0, error=15), inside.gpu(1), "xid gpu=1 number=48 serial=31")
    exp.look()
    assert exp.leases.fault(0) == "GPU 0 reports an error: GPU is lost"
    assert "Xid 48, an uncorrectable ECC error" in exp.leases.fault(1)


ERRORS = [  # as the libraries print them
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


@pytest.mark.parametrize("error", ERRORS)
def test_errors_for_lack_of_gpu_memory_are_recognised(error):
    assert out_of_memory(f"Traceback (most recent call last):\n{error}")


@pytest.mark.parametrize(
    "error",
    [
        "MemoryError: Unable to allocate 8.00 GiB for an array",
        "RuntimeError: CUDA error: an illegal memory access was encountered",
        "RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.",
        "grpc: RESOURCE_EXHAUSTED: quota",
    ],
)
def test_other_errors_are_not_taken_for_a_lack_of_gpu_memory(error):
    assert not out_of_memory(error)


def test_a_gpu_on_which_trials_fail_at_their_start_is_quarantined(inside, experiment):
    inside.write(*inside.gpus(2))
    exp = experiment()
    exp.take(0)
    exp.leases.failed(0, "a CUDA error")
    exp.leases.give_back(0)
    assert exp.take(1).gpus == ("1",), "a GPU without failures comes first"
    assert exp.take(2).gpus == ("0",)
    exp.leases.failed(2, "a CUDA error")
    exp.leases.give_back(2)
    assert not exp.leases.take_messages(), (
        "until a trial works elsewhere, the script may be the cause"
    )
    exp.leases.worked(1)
    (message,) = exp.leases.take_messages()
    assert "GPU 0 is quarantined until" in message
    assert "2 trials in a row failed at their start on it" in message
    wait = exp.take(3)
    assert rules(wait) == [("quarantined", "0"), ("full", "1")]


def test_a_quarantine_ends_and_a_further_one_is_longer():
    now = [1000.0]
    health = Health({"a": "0", "b": "1"}, now=lambda: now[0])
    health.worked(["b"])
    health.failed(["a"], "an error")
    health.failed(["a"], "an error")
    assert health.quarantine("a")
    now[0] += 601
    assert not health.quarantine("a")
    health.failed(["a"], "an error")
    assert health.quarantine("a"), "one more failure is enough"
    now[0] += 601
    assert health.quarantine("a"), "the second one takes longer"
    now[0] += 600
    assert not health.quarantine("a")


def test_failures_that_occur_elsewhere_too_cause_no_quarantine():
    health = Health({"a": "0", "b": "1", "c": "2"})
    health.worked(["b", "c"])
    health.failed(["b"], "a head that does not divide")
    health.failed(["a"], "a head that does not divide")
    health.failed(["a"], "a head that does not divide")
    assert not health.quarantine("a")
    health.failed(["c"], "an odd size")
    health.failed(["c"], "an odd size")
    assert health.quarantine("c")
    health.take_messages()
    health.failed(["b"], "an odd size")
    assert not health.quarantine("c"), "the script turned out to be the cause"
    assert health.take_messages() == ["GPU 2 is used again: trials fail elsewhere too"]
    health.failed(["a"], "a head that does not divide")
    assert health.quarantine("a"), "three in a row outweigh one elsewhere"


def test_errors_that_nvml_reports_are_named(inside, experiment):
    inside.write(*inside.gpus(3))
    exp = experiment()
    inside.write(
        inside.gpu(0, ecc=2),
        inside.gpu(1),
        inside.gpu(2),
        "xid gpu=1 number=79 serial=11",
        "xid gpu=2 number=13 serial=12",
    )
    assert exp.take(0).gpus == ("2",)
    messages = "\n".join(exp.messages)
    assert "GPU 0 is quarantined" in messages
    assert "2 uncorrected ECC errors" in messages
    assert "Xid 79, the GPU has fallen off the bus" in messages
    assert "GPU 2: the driver reports Xid 13" in messages
