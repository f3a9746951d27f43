"""Misbehaving trials fail with a reason, and the experiment continues."""

import json
import subprocess
import sys
import textwrap
import time

import pytest

from tests.runtime.processes import runs

SCRIPT = """\
import os, sys
x = 0  # @nni.randint(0, 3)
folder = os.environ["NNI_SYS_DIR"]
if x == 1:
{misdeed}
# @nni.report_final_result(x)
"""


@pytest.fixture(params=[[], ["--fresh-process"]], ids=["fork", "process"])
def three(request, annotate, folder):
    """Runs three trials, one of which (x = 1) misbehaves; returns it and the standard error."""

    def run(misdeed, *words):
        script = SCRIPT.format(misdeed=textwrap.indent(textwrap.dedent(misdeed), "    "))
        (folder / "train.py").write_text(script)
        options = ["--tuner", "grid", "--max-trials", 3, "--json", *words, *request.param]
        done = annotate("run", "train.py", *options)
        trials = json.loads(done.stdout)["trials"]
        (bad,) = [t for t in trials if t["values"].get("train/x/randint") == 1]
        others = [t for t in trials if t is not bad]
        assert [(t["state"], t["metric"]) for t in others] == [("SUCCEEDED", 0), ("SUCCEEDED", 2)]
        return bad, done.stderr

    return run


def test_a_trial_that_closes_its_descriptors(three):
    bad, _ = three("os.closerange(0, 256)")
    assert bad["state"] in ("SUCCEEDED", "FAILED")


def test_a_trial_that_writes_garbage_to_its_metrics_file(three):
    bad, _ = three("""
        with open(os.path.join(folder, "metrics.jsonl"), "wb") as file:
            file.write(b'{"type": "final", "value": 7, "time": NaN}\\n[1]\\nnull\\n\\xff')
            file.write(b'\\n{"type": "intermediate", "value": 1, "time": "x"}\\n' + b"[" * 99999)
            file.write(b'\\n{"type": 1}\\n' + b"junk\\n" * 999)
    """)
    assert (bad["state"], bad["metric"], bad["intermediate"]) == ("SUCCEEDED", 1, [])


def test_a_trial_that_replaces_its_metrics_file_by_a_pipe(three):
    bad, _ = three("""
        path = os.path.join(folder, "metrics.jsonl")
        if os.path.exists(path):
            os.remove(path)
        os.mkfifo(path)
        os._exit(0)
    """)
    assert bad["state"] == "FAILED"
    assert "without a result" in bad["reason"]


def test_a_trial_that_deletes_its_own_folder(three):
    bad, _ = three("import shutil; os.chdir(folder); shutil.rmtree(folder)")
    assert bad["state"] == "FAILED"
    assert bad["reason"]


def test_a_trial_that_ignores_sigterm(three):
    bad, _ = three(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)",
        "--trial-timeout",
        "2s",
    )
    assert bad["state"] == "FAILED"
    assert bad["reason"] == "ran longer than --trial-timeout 2s"


def test_a_trial_that_replaces_itself_by_exec(three):
    bad, _ = three("""
        line = '{"type": "final", "value": 5, "time": 1}'
        path = os.path.join(folder, "metrics.jsonl")
        os.execv("/bin/sh", ["sh", "-c", 'echo "$0" >> "$1"', line, path])
    """)
    assert (bad["state"], bad["metric"]) == ("SUCCEEDED", 5)


def test_a_trial_that_clears_its_environment(three):
    bad, _ = three("os.environ.clear()")
    assert bad["state"] == "FAILED"
    assert "without a result" in bad["reason"]


SMALL_OUTPUT = """\
import sys
from runtime.cli import main
from runtime.stage.agent import running
running._MAX_OUTPUT = 1 << 20
sys.exit(main())
"""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("options", [[], ["--fresh-process"]], ids=["fork", "process"])
def test_a_trial_that_writes_too_much_output(folder, stream, options):
    misdeed = f"    import time\n    sys.{stream}.write('x' * (1 << 21))\n    time.sleep(600)"
    (folder / "train.py").write_text(SCRIPT.format(misdeed=misdeed))
    words = ["run", "train.py", "--tuner", "grid", "--max-trials", "3", "--json", *options]
    done = subprocess.run(
        [sys.executable, "-c", SMALL_OUTPUT, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    trials = {t["values"]["train/x/randint"]: t for t in json.loads(done.stdout)["trials"]}
    assert [trials[x]["state"] for x in range(3)] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert trials[1]["reason"] == f"wrote more than 1MiB to {stream}"


DAEMON = """\
import os, sys, time
x = 0  # @nni.randint(0, 2)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        os.environ.clear()
        with open("pid", "w") as file:
            file.write(str(os.getpid()))
        os.rename("pid", "daemon")
        time.sleep(600)
    os._exit(0)
while not os.path.exists("daemon"):
    time.sleep(0.01)
time.sleep(600 if "long" in sys.argv else 0)
# @nni.report_final_result(x)
"""


OTHERS_DAEMON = """\
import os, time
x = 0  # @nni.randint(0, 2)
if x == 0:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open("pid", "w") as file:
                file.write(str(os.getpid()))
            os.rename("pid", "daemon")
            os.execve("/bin/sleep", ["sleep", "600"], {})
        os._exit(0)
    while not os.path.exists("daemon"):
        time.sleep(0.01)
    time.sleep(6)
    os.kill(int(open("daemon").read()), 0)
while not os.path.exists("daemon"):
    time.sleep(0.01)
# @nni.report_final_result(x)
"""


def until_gone(pid, within=60.0):
    end = time.monotonic() + within
    while runs(pid):
        assert time.monotonic() < end, "it is still running"
        time.sleep(0.05)


SLEEPER = """\
        os.execve("/bin/sleep", ["sleep", "600"], {})
"""
both = pytest.mark.parametrize("options", [[], ["--fresh-process"]], ids=["fork", "process"])
daemons = pytest.mark.parametrize(
    "script",
    [DAEMON, DAEMON.replace("        time.sleep(600)\n", SLEEPER)],
    ids=["same-program", "another-program"],
)


@both
@daemons
def test_a_daemon_ends_with_its_trial(annotate, folder, options, script):
    (folder / "train.py").write_text(script)
    annotate("run", "train.py", "--max-trials", 1, *options)
    until_gone(int((folder / "daemon").read_text()))


@both
@daemons
def test_a_daemon_ends_with_its_killed_driver(drivers, folder, options, script, until):
    (folder / "train.py").write_text(script)
    driver = drivers.start("run", "train.py", "--max-trials", 1, *options, "--", "long")
    until((folder / "daemon").exists)
    driver.kill()
    driver.communicate()
    until_gone(int((folder / "daemon").read_text()))


@both
def test_a_daemon_survives_the_end_of_another_trial(annotate, folder, options):
    (folder / "train.py").write_text(OTHERS_DAEMON)
    words = ["--tuner", "grid", "--max-trials", 2, "--concurrency", 2, "--no-baseline", "--json"]
    done = annotate("run", "train.py", *words, *options)
    assert [t["state"] for t in json.loads(done.stdout)["trials"]] == ["SUCCEEDED"] * 2
    until_gone(int((folder / "daemon").read_text()))
