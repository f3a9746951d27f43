"""Forked trials behave like new processes, and forking is disabled where they would not."""

import json
import os
import queue
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from runtime.executors.base import Ended, Reported, Started
from runtime.executors.local.executor import LocalExecutor
from runtime.stage.agent import fork_server, health
from runtime.stage.agent.leftovers import Watchdog
from tests.runtime.processes import runs

numpy = pytest.importorskip("numpy")


@pytest.fixture
def python():
    """The interpreter that has numpy: this one."""
    return sys.executable


class Forking:
    """An executor that forks trials of one script, and the events that it posted."""

    def __init__(self, staged, layout=None):
        self.staged = staged
        self.inbox = queue.Queue()
        self.executor = LocalExecutor(self.inbox.put, layout or staged.layout(), "train.py")
        self.count = 0

    def start(self, *arguments, **environment):
        self.count += 1
        job = self.staged.job(["train.py", *arguments], self.count, **environment)
        self.executor.start(job)
        return job

    def output(self, *arguments, code=0, **environment):
        """Run one trial and return what it prints."""
        job = self.start(*arguments, **environment)
        done = self.until_ended()
        assert done.code == code, job.folder.stderr.read_text()
        return job.folder.stdout.read_text()

    def until_ended(self, timeout=60.0):
        return self.staged.until_ended(self.inbox, timeout)

    def wait_for(self, kind):
        while not isinstance(event := self.inbox.get(timeout=60), kind):
            pass
        return event


@pytest.fixture
def forking(staged, monkeypatch):
    """Creates a Forking for a script."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # it varies, and a trial's environment must not
    servers = []

    def create(script, **files):
        staged.write({"train.py": script, **{f"{n}.py": t for n, t in files.items()}}, {})
        servers.append(Forking(staged))
        return servers[-1]

    yield create
    for server in servers:
        server.executor.close()


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Installs a module under the name of a library that we preload."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(site))

    def write(name, text):
        (site / f"{name}.py").write_text(text)

    return write


# Forks behave like new processes


def test_no_two_trials_share_random_numbers(forking):
    server = forking(
        "import random, numpy as np, multiprocessing, uuid\n"
        "print(random.random(), np.random.rand(), np.random.default_rng().random(),"
        " bytes(multiprocessing.current_process().authkey).hex(), uuid.uuid4())\n"
    )
    outputs = [server.output().split() for _ in range(3)]
    for column in zip(*outputs, strict=True):
        assert len(set(column)) == 3, column


def test_torchs_generator_is_reseeded_as_in_a_plain_run(forking):
    pytest.importorskip("torch")
    server = forking("import torch\nprint(torch.initial_seed(), torch.rand(1).item())\n")
    assert len({server.output() for _ in range(3)}) == 3


def test_a_seeded_trial_draws_the_numbers_of_a_plain_run(forking, python):
    script = (
        "import random, numpy as np\nrandom.seed(1)\nnp.random.seed(1)\n"
        "print(random.random(), np.random.rand(), random.gauss(0, 1), np.random.randn())\n"
    )
    alone = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    assert forking(script).output() == alone.stdout


def test_a_trial_uses_as_many_threads_as_a_plain_run(forking, python):
    script = (
        "import os, numpy as np\na = np.ones((600, 600))\na @ a\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    alone = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    assert forking(script).output() == alone.stdout


OWN = """\
import os, signal, sys, threading
print(os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid())
print(sorted(os.listdir("/proc/self/fd"))[:3], len(os.listdir("/proc/self/fd")))
print(os.readlink("/proc/self/fd/0"), sys.stdin.read() == "")
print([signal.getsignal(n) for n in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE)])
print(signal.getsignal(signal.SIGINT), signal.set_wakeup_fd(-1))
print(threading.current_thread() is threading.main_thread(), threading.active_count())
print(threading.main_thread().native_id == os.getpid(), os.getcwd(), sys.flags)
print(sorted(v for v in os.environ.items() if v[0] != "PYTEST_CURRENT_TEST"))
"""


def test_a_fork_looks_like_a_new_process(staged):
    script = {"train.py": OWN}
    command = ["setsid", "-w", "RUN", "train.py"]
    fork, alone = staged.fork(["train.py"], script, {}), staged.run(command, script, {})
    assert fork.stdout == alone.stdout


def test_threads_faulthandler_and_subprocesses_work_in_a_fork(forking):
    server = forking(
        "import faulthandler, subprocess, sys\nfaulthandler.enable()\n"
        "print(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout)\n"
        "import ctypes\nctypes.string_at(0)\n"
    )
    assert server.output(code=-signal.SIGSEGV) == "b'1\\n'\n"
    stderr = next(server.staged.experiment.trials.glob("*/stderr")).read_text()
    assert "Segmentation fault" in stderr
    assert "train.py" in stderr


def test_a_librarys_fork_handlers_run(forking, library):
    library(
        "seaborn",
        "import os\nforked = []\nhandler = lambda: forked.append(os.getpid())\n"
        "os.register_at_fork(after_in_child=handler)\n",
    )
    server = forking("import seaborn, os\nprint(seaborn.forked == [os.getpid()])\n")
    assert server.output() == "True\n"


def test_log_records_count_time_from_the_start_of_the_trial(forking, library):
    library("seaborn", "import logging\nlogging._startTime -= type(logging._startTime)(3.6e12)\n")
    server = forking(
        "import logging, seaborn\n"
        "record = logging.makeLogRecord({})\n"
        "print(0 <= record.relativeCreated < 1e6)  # milliseconds\n"
    )
    assert server.output() == "True\n"


ENDING = """\
import atexit, sys, weakref
class Thing:
    def __del__(self):
        print("gone")
thing, cycle = Thing(), Thing()
cycle.self = cycle
weakref.finalize(thing, print, "finalised")
file = open("left-open", "w")
file.write("whole")
atexit.register(lambda: print("exit", file.closed))
print("main", end="")
sys.exit(%s)
"""


@pytest.mark.parametrize(("argument", "code"), [("0", 0), ("3", 3), ("'why'", 1), ("-1", 255)])
def test_the_end_of_a_fork_loses_nothing_of_the_script(run_script, folder, argument, code):
    done = run_script({"train.py": ENDING % argument}, {}, code=code)
    assert done.stdout.startswith("mainexit False\nfinalised\n")
    assert done.stdout.count("gone\n") == 2
    assert done.stderr == ("why\n" if code == 1 else "")
    assert (folder / "left-open").read_text() == "whole"


def test_unwritable_output_fails_the_trial(run_script, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    script = "import os\nprint('x', end='')\nos.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
    run_script({"train.py": script}, {}, code=120)


# When a library is not imported in advance


THREAD = "threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()"
#: Modules that are not safe to fork, or fail, in a process that is not a trial's; and why.
UNSAFE = {
    "seaborn": (f"import os, threading, time\nos.environ['OTHER'] = '1'\n{THREAD}", "a thread"),
    "torch": (
        "class cuda:\n    is_initialized = staticmethod(lambda: True)",
        "importing torch initialised CUDA",
    ),
    "xgboost": (
        "import os\nif 'NNI_SYS_DIR' not in os.environ:\n    raise OSError('no room')",
        "import xgboost failed: OSError: no room",
    ),
    "scipy": ("import random\nrandom.random()", "its import draws from random, which the script"),
}


def test_trials_import_a_library_themselves_that_is_unsafe_to_fork(forking, library, caplog):
    for name, (text, _) in UNSAFE.items():
        library(name, text + "\n")
    server = forking(
        "import os, random, numpy\nparent = os.getppid(), os.environ.get('OTHER')\n"
        "random.seed(1)\nimport seaborn, torch, xgboost, scipy\n"
        "print(*parent, len(os.listdir('/proc/self/task')), random.random())\n"
    )
    first, second = server.output(), server.output()
    parent, other, threads, number = first.split()
    drawn = random.Random(1)
    drawn.random()
    assert first == second
    assert int(parent) != os.getpid()
    assert (other, threads) == ("None", "2")  # nothing is left of the attempts
    assert number == str(drawn.random())
    assert "with numpy imported" in caplog.text
    for name, (_, why) in UNSAFE.items():
        assert f"each trial imports {name} itself: " in caplog.text
        assert why in caplog.text


def test_a_thread_that_handles_forks_is_no_obstacle(forking, library, caplog):
    library(
        "pandas",
        "import ctypes, threading, time\n"
        "name = lambda: (ctypes.CDLL(None).prctl(15, b'jemalloc_bg_thd'), time.sleep(3600))\n"
        "threading.Thread(target=name, daemon=True).start()\n"
        "while 'jemalloc' not in open('/proc/self/task/%s/comm'\n"
        "        % threading.enumerate()[-1].native_id).read():\n    pass\n",
    )
    assert forking("import pandas\nprint(1)\n").output() == "1\n"
    assert "with pandas imported" in caplog.text


# When forking is disabled


def test_a_library_that_starts_a_process_disables_forking(forking, library, caplog):
    library(
        "seaborn",
        "import subprocess\n"  # ends with its parent
        "child = subprocess.Popen(['cat'], stdin=subprocess.PIPE)\n",
    )
    server = forking("import seaborn, os\nprint(os.getppid())\nseaborn.child.communicate()\n")
    assert server.output() == f"{os.getpid()}\n"
    assert "forking disabled (an import started a process (pid " in caplog.text


@pytest.mark.parametrize("device", ["nvidia-of-a-test", "dxg-of-a-test", "dri-of-a-test"])
def test_trials_import_a_library_themselves_that_opens_a_gpu(forking, library, caplog, device):
    place = Path("/dev", device)
    try:
        place.touch()
    except OSError:
        pytest.skip("this user can't make a file in /dev")
    try:
        library("seaborn", f"kept = open({str(place)!r})\n")
        server = forking("import seaborn, os\nprint(os.getppid())\n")
        assert server.output() != f"{os.getpid()}\n"
    finally:
        place.unlink()
    message = f"each trial imports seaborn itself: an import opened the GPU ({place})"
    assert message in caplog.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("print('last words', flush=True); os._exit(3)", "last words"),
        ("os.kill(os.getpid(), 11)", "the fork server ended"),
    ],
)
def test_a_failing_import_disables_forking(forking, library, caplog, text, why):
    # The import fails only in the server, which has no trial folder.
    library("seaborn", f"import os\nif 'NNI_SYS_DIR' not in os.environ:\n    {text}\n")
    server = forking("import seaborn, os\nprint(os.getppid())\n")
    assert server.output() == f"{os.getpid()}\n"
    assert "forking disabled" in caplog.text
    assert why in caplog.text


def test_the_users_module_wins_over_a_library_of_the_same_name(forking, caplog):
    server = forking("import json, os\nprint(json.mine, os.getppid())\n", json="mine = 1")
    assert server.output() == f"1 {os.getpid()}\n"
    assert "the code folder has a module called json" in caplog.text


def test_a_job_with_another_environment_is_not_forked(forking):
    server = forking("import os\nprint(os.getppid(), os.environ.get('OTHER'))\n")
    assert server.output(OTHER="1") == f"{os.getpid()} 1\n"
    assert server.output().split()[0] != str(os.getpid())


def test_a_trial_waiting_for_the_server_can_be_stopped(forking, library):
    library("seaborn", "import time\ntime.sleep(3600)")
    server = forking("import seaborn\n")
    server.start()
    server.executor.stop(1, grace=60)
    assert server.until_ended().code == -signal.SIGTERM


# The end of the server


def server_of(pid):
    return psutil.Process(pid).parent()


def test_a_killed_server_takes_its_trials_with_it_and_is_replaced(forking, caplog):
    server = forking(
        "import os, subprocess, sys, time\n"
        "if sys.argv[1:]:\n"
        "    child = subprocess.Popen(['sleep', '3600'])\n"
        "    with open(os.environ['NNI_OUTPUT_DIR'] + '/.child', 'w') as file:\n"
        "        file.write(str(child.pid))\n"
        "    os.rename(file.name, file.name.replace('.child', 'child'))\n"
        "    time.sleep(3600)\n"
        "print(os.getppid())\n"
    )
    job = server.start("long")
    pid = server.wait_for(Started).pid
    until = time.monotonic() + 60
    while not job.folder.output.joinpath("child").exists() and time.monotonic() < until:
        time.sleep(0.02)
    child = job.folder.output.joinpath("child").read_text()
    server_of(pid).kill()
    assert server.until_ended().code == -signal.SIGKILL
    assert "all running trials are lost" in caplog.text
    assert server.output() != f"{os.getpid()}\n"
    for number in (pid, int(child)):
        assert not runs(number)


def test_a_server_that_keeps_ending_is_not_replaced(forking, caplog):
    server = forking("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nsignal.pause()\n")
    for _ in range(4):
        server.start()
        assert server.until_ended().code == -signal.SIGKILL
    assert "forking disabled (the fork server ended too often)" in caplog.text


def test_closing_ends_the_server(forking):
    server = forking("import time, os\ntime.sleep(3600)\n")
    server.start()
    pid = server.wait_for(Started).pid
    process = server_of(pid)
    server.executor.close()
    assert not process.is_running()
    server.executor = LocalExecutor(
        server.inbox.put, server.staged.layout()
    )  # for the fixture to close


def test_a_worker_process_of_a_forked_trial_can_report(forking):
    server = forking(
        "import multiprocessing, nni\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.Pool(1) as pool:\n"
        "        pool.apply(nni.report_final_result, (7,))\n"
    )
    server.start()
    report = server.wait_for(Reported).batch.reports[0]
    assert (report.kind, report.value) == ("final", 7)
    assert server.wait_for(Ended).code == 0


# Preloading


def found_imports(staged, files):
    staged.write(files, {})
    code = (
        "import json, annotate_trial, annotate_imports\n"
        "annotate_trial.prepare('train.py')\n"
        "print(json.dumps([m for m, *_ in annotate_imports.find('train.py')]))\n"
    )
    path = os.pathsep.join([str(staged.experiment.stage), os.environ["PYTHONPATH"]])
    done = subprocess.run(
        [staged.python, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import numpy as np, json\n", ["numpy", "json"], id="plain"),
        pytest.param("from numpy import linalg\n", ["numpy"], id="from"),
        pytest.param("def f():\n    import numpy\n", [], id="in a function"),
        pytest.param("if input():\n    import numpy\n", [], id="under a condition"),
        pytest.param("try:\n    import numpy\nexcept ImportError: pass\n", ["numpy"], id="try"),
        pytest.param(
            "if __name__ == '__main__':\n    import numpy\n", ["numpy"], id="under the main guard"
        ),
        pytest.param("import no_such_module\nimport numpy\n", [], id="after a missing module"),
        pytest.param(
            "import os\nos.environ['OMP_NUM_THREADS'] = '1'\nimport numpy\n",
            ["os"],
            id="after a change of the environment",
        ),
        pytest.param(
            "import os\nos.environ.setdefault('OMP_NUM_THREADS', '1')\nimport numpy\n",
            ["os"],
            id="after a default for the environment",
        ),
        pytest.param(
            "import os\ndef f():\n    os.environ.update(A='1')\nf()\nimport numpy\n",
            ["os"],
            id="after a call that changes the environment",
        ),
        pytest.param(
            "import os\ndef f():\n    os.environ['A'] = '1'\nimport numpy\n",
            ["os", "numpy"],
            id="after a function that is never called",
        ),
        pytest.param(
            "import os\nx = os.environ['A'] + os.environ.get('B')\nimport numpy\n",
            ["os", "numpy"],
            id="after a read of the environment",
        ),
        pytest.param(
            "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = '0'\nimport numpy\n",
            ["os", "numpy"],
            id="after a change of a late variable",
        ),
        pytest.param(
            "import sys\nsys.path.insert(0, 'x')\nimport numpy\n",
            [],
            id="after a change of the path",
        ),
        pytest.param(
            "import os, setter\nimport numpy\n",
            ["os", "setter"],
            id="after a library that changes the environment",
        ),
        pytest.param(
            "import reader\nimport numpy\n",
            ["reader", "numpy"],
            id="after a library that reads the environment",
        ),
        pytest.param(
            "import os\nos.sched_setaffinity(0, {0})\nimport numpy\n",
            ["os"],
            id="after a change of the processor's cores",
        ),
        pytest.param("import helper\nimport json\n", ["numpy", "json"], id="in the user's module"),
        pytest.param("from pkg import sub\n", ["scipy"], id="in a module of the user's package"),
        pytest.param("import space.near\n", ["numpy"], id="in a folder without __init__.py"),
        pytest.param(
            "import changer\nimport numpy\n",
            ["os"],
            id="after a module's change of the environment",
        ),
    ],
)
def test_only_certain_imports_are_preloaded(staged, library, source, expected):
    library("setter", "import os\nos.environ['OMP_NUM_THREADS'] = '1'\n")
    library("reader", "import os\nmode = os.environ.get('MODE')\nprint(mode)\n")
    files = {
        "train.py": source,
        "helper.py": "import numpy\n",
        "changer.py": "import os\nos.environ['A'] = '1'\n",
        "pkg/__init__.py": "",
        "pkg/sub.py": "from . import below\n",
        "pkg/below.py": "import scipy\n",
        "space/near.py": "import numpy\n",
    }
    assert found_imports(staged, files) == expected


def test_libraries_are_preloaded_but_not_the_users_modules(forking, caplog):
    caplog.set_level("INFO")
    server = forking(
        "import time\nbegan = time.time()\nimport numpy, helper\n"
        "print(helper.count, numpy.__name__)\n",
        helper="from pathlib import Path\nwith open('runs', 'a') as file:\n    file.write('.')\n"
        "count = len(Path('runs').read_text())\n",
    )
    assert server.output() == "1 numpy\n"
    assert server.output() == "2 numpy\n"
    assert "with numpy imported" in caplog.text
    assert Path("runs").read_text() == ".."


# A server that no longer works


_SLEEPS = "import time, sys\nprint('on', flush=True)\ntime.sleep(600)\n"


@pytest.mark.parametrize("told", [True, False], ids=["told to end", "left alone"])
def test_trials_end_although_the_fork_server_is_stopped(forking, monkeypatch, told):
    monkeypatch.setattr(fork_server, "_REPORT_LIMIT", 1.0)
    monkeypatch.setattr(health, "_STOPPED_LIMIT", 1.0 if not told else 600.0)
    server = forking(_SLEEPS)
    server.start()
    trial = psutil.Process(server.wait_for(Started).pid)
    trial.parent().suspend()
    if told:
        server.executor.stop(server.count, grace=60)
    ended = server.until_ended()
    assert ended.lost is not told  # a lost trial runs again
    trial.wait(60)
    server.start()
    assert server.wait_for(Started).pid != trial.pid


def test_a_stopped_server_does_not_delay_the_end(staged, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    staged.write({"train.py": _SLEEPS}, {})
    server = Forking(staged)
    server.start()
    psutil.Process(server.wait_for(Started).pid).parent().suspend()
    server.executor.close()
    assert server.until_ended().code == -signal.SIGKILL


def test_a_silent_process_is_asked_and_given_up(monkeypatch):
    monkeypatch.setattr(health, "_CHECK_INTERVAL", 0.0)
    monkeypatch.setattr(health, "_QUIET", 0.0)
    questions = []
    process = health.Health(os.getpid)
    assert process.why_stuck(lambda: questions.append(1)) is None
    assert questions == [], "an early version would not answer"
    process.answers = True
    assert process.why_stuck(lambda: questions.append(1)) is None
    assert questions == [1]
    monkeypatch.setattr(health, "_ANSWER_LIMIT", 0.0)
    assert "has not answered" in process.why_stuck(lambda: questions.append(1))
    process.heard()
    monkeypatch.setattr(health, "_ANSWER_LIMIT", 600.0)
    assert process.why_stuck(lambda: questions.append(1)) is None


def started(others):
    """The children of this process except the others."""
    return [child for child in psutil.Process().children() if child not in others]


def test_a_watchdog_that_is_stopped_or_killed_is_replaced(tmp_path):
    others = psutil.Process().children()
    watchdog = Watchdog(str(tmp_path / "stage"))
    assert watchdog.check() is None
    for change, what in ((psutil.Process.suspend, "stopped"), (psutil.Process.kill, "killed")):
        (process,) = started(others)
        change(process)
        while (seen := watchdog.check()) is None:
            time.sleep(0.02)
        assert seen == what
        assert process.pid not in [child.pid for child in started(others)]
    (process,) = started(others)
    process.suspend()
    watchdog.close()
    assert started(others) == []
