"""Reading GPUs with the real pynvml on top of a simulated NVML."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from runtime.stage.agent.gpus import nvml as reading
from runtime.stage.agent.gpus.device import Process
from runtime.stage.agent.gpus.nvml import NoNvml, Nvml
from runtime.stage.agent.gpus.processes import describe


@pytest.mark.parametrize("count", [0, 1, 4, 8])
def test_every_gpu_is_read(inside, count):
    inside.write(*inside.gpus(count, used=700, util=40))
    devices = Nvml().view().devices
    assert [d.uuid for d in devices] == [inside.uuid(n) for n in range(count)]
    assert all((d.total, d.used, d.utilisation) == (80 << 30, 700 << 20, 40) for d in devices)


def test_computing_processes_have_a_name_a_user_and_kin(inside):
    inside.write(
        inside.gpu(0),
        f"process gpu=0 pid={os.getpid()} memory=1000 kind=C",
        "process gpu=0 pid=4194304 memory=10 kind=C",
        f"process gpu=0 pid={os.getppid()} memory=300 kind=G",
    )
    (device,) = Nvml().view().devices
    seen, unseen = device.processes
    assert (seen.pid, seen.memory) == (os.getpid(), 1000 << 20)
    assert seen.name
    assert seen.user
    assert os.getppid() in seen.kin
    assert (unseen.name, unseen.kin) == ("", frozenset())
    assert device.drawn == 300 << 20, "a graphics process does not compute"


def test_a_desktop_program_that_computes_a_little_does_not_count(inside):
    inside.write(
        inside.gpu(0),
        *(f"process gpu=0 pid=4194301 memory=400 kind={kind}" for kind in "CG"),
        *(f"process gpu=0 pid=4194302 memory=4000 kind={kind}" for kind in "CG"),
    )
    (device,) = Nvml().view().devices
    assert [process.pid for process in device.processes] == [4194302]
    assert device.drawn == 400 << 20


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["tr\nain.py"], "python tr?ain.py"),
        (["-u", "-m", "train"], "python train"),
        (["-c", "print(1)", "x"], "python"),
        (["stage/annotate_run.py", "train.py", "--fast"], "python train.py"),
        (["stage/annotate_fork_server.py", "7", "code/train.py"], "python train.py"),
    ],
)
def test_an_interpreter_is_named_by_its_script(tmp_path, words, name):
    """Even if the process has another name, such as the one PyTorch gives it."""
    (tmp_path / "python").symlink_to(sys.executable)
    rename = "open('/proc/self/comm', 'w').write('pt_main_thread'); input()"
    (tmp_path / "stage").mkdir()
    ours = ("stage/annotate_run.py", "stage/annotate_fork_server.py")
    for module in ("tr\nain.py", "train.py", *ours):
        (tmp_path / module).write_text(rename)
    words = [rename if word == "print(1)" else word for word in words]
    with subprocess.Popen(
        [str(tmp_path / "python"), *words], cwd=tmp_path, stdin=subprocess.PIPE
    ) as process:
        until = time.monotonic() + 30
        while psutil.Process(process.pid).name() != "pt_main_thread":
            assert time.monotonic() < until
        assert describe(Process(process.pid, None)).name == name


def test_a_card_in_mig_mode_appears_as_its_instances(inside):
    inside.write(
        inside.gpu(0),
        inside.gpu(1, mig=1),
        inside.mig(1, 0, gi=1, ci=0),
        inside.mig(1, 1, gi=2, ci=0),
        inside.gpu(2, mig=1),
        "process gpu=1 pid=4194304 memory=10 kind=C gi=2 ci=0",
    )
    devices = Nvml().view().devices
    assert [(d.label, d.mig) for d in devices] == [
        ("0", False),
        ("1:0", True),
        ("1:1", True),
        ("2", False),
    ]
    assert devices[1].uuid == inside.uuid(0, "MIG")
    assert [len(d.processes) for d in devices] == [0, 0, 1, 0]
    assert "no instance" in devices[3].trouble


def test_a_card_that_falls_off_the_bus_keeps_its_uuid(inside):
    inside.write(*inside.gpus(2))
    nvml = Nvml()
    assert not any(d.trouble for d in nvml.view().devices)
    inside.write(inside.gpu(0), inside.gpu(1, error=15), "xid gpu=1 number=79 serial=3")
    view = nvml.view()
    assert [d.uuid for d in view.devices] == [inside.uuid(0), inside.uuid(1)]
    assert "GPU is lost" in view.devices[1].trouble
    assert view.xids == (("1", 79),)
    inside.write(*inside.gpus(2))
    view = nvml.view()
    assert not any(d.trouble for d in view.devices)
    assert view.xids == (), "reported once"


def test_a_hung_card_does_not_delay_the_others(inside, monkeypatch):
    monkeypatch.setattr(reading, "_ANSWER_LIMIT", 0.5)
    inside.write(*inside.gpus(2))
    nvml = Nvml()
    nvml.view()
    inside.write(inside.gpu(0, slow=1000), inside.gpu(1))
    slow, quick = nvml.view(0.2).devices
    assert (slow.uuid, slow.trouble) == (inside.uuid(0), ""), "as it was when it last answered"
    assert slow.read < quick.read
    time.sleep(0.5)
    began = time.monotonic()
    slow, quick = nvml.view(30).devices
    assert time.monotonic() - began < 1, "a card that was slow causes no wait"
    assert slow.trouble == "does not answer"
    assert not quick.trouble
    inside.write(*inside.gpus(2))
    until = began + 60
    while (slow := nvml.view().devices[0]).trouble or slow.read < began + 1:
        assert time.monotonic() < until, "it answers again"
        time.sleep(0.1)


def test_a_card_lost_from_the_start_has_no_uuid(inside):
    inside.write(inside.gpu(0, error=15), inside.gpu(1))
    lost, good = Nvml().view().devices
    assert (lost.uuid, lost.label) == ("", "0")
    assert "GPU is lost" in lost.trouble
    assert not good.trouble


def test_xid_errors_read_before_a_card_was_lost_are_kept(inside):
    inside.write(*inside.gpus(2))
    nvml = Nvml()
    nvml.view()
    fail = "fail function=nvmlEventSetWait_v2 error=15"
    inside.write(*inside.gpus(2), "xid gpu=1 number=79 serial=21", fail)
    assert nvml.view().xids == (("1", 79),)


def test_unsupported_readings_are_none(inside):
    inside.write(
        inside.gpu(0),
        "fail function=nvmlDeviceGetUtilizationRates error=3",
        "fail function=nvmlDeviceGetTotalEccErrors error=999",
        "fail function=nvmlDeviceGetMemoryInfo_v2 error=13",
        "fail function=nvmlDeviceGetComputeRunningProcesses_v3 error=13",
        "process gpu=0 pid=4194304 memory=-1 kind=C",
    )
    (device,) = Nvml().view().devices
    assert not device.trouble
    assert (device.utilisation, device.errors, device.total) == (None, None, 80 << 30)
    assert device.processes[0].memory is None


@pytest.mark.parametrize(
    ("error", "message"),
    [(9, "Driver Not Loaded"), (18, "version mismatch"), (999, "Unknown Error")],
)
def test_a_broken_driver_is_reported_with_its_error(inside, error, message):
    inside.write(f"init error={error}")
    with pytest.raises(NoNvml, match=message):
        Nvml()


def test_a_driver_that_hangs_at_the_start_is_reported(inside, monkeypatch):
    monkeypatch.setattr(reading, "_OPEN_LIMIT", 0.2)
    inside.write("init slow=1500", *inside.gpus(1))
    with pytest.raises(NoNvml, match="has not answered"):
        Nvml()
