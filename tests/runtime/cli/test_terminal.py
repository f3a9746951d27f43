"""Ctrl-C in a real terminal, where the system turns the key into a signal."""

import contextlib
import json
import os
import pty
import re
import select
import sys
import time

import psutil
import pytest

from runtime.cli.terminal import counted

SCRIPT = """\
import os, signal, subprocess, time
x = 0.5  # @nni.uniform(0, 1)
if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 600; sleep 600"])
# @nni.report_intermediate_result(x)
time.sleep(600 if x != 0.5 else 0)
# @nni.report_final_result(x)
"""


class Terminal:
    """`annotate` in a new terminal, with its output and the processes that it started."""

    def __init__(self, *words):
        self.text = ""
        self.started = {}
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(sys.executable, [sys.executable, "-m", "annotate", *words])

    def read(self, seconds):
        """Read its output; returns whether it has ended."""
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.pid).children(recursive=True):
                self.started[process.pid] = process
        if select.select([self.file], [], [], seconds)[0]:
            try:
                data = os.read(self.file, 65536)
            except OSError:
                data = b""  # the other end is closed
            if not data:
                return True
            self.text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data.decode(errors="replace"))
        return False

    def until(self, holds):
        end = time.monotonic() + 60
        while not holds():
            assert not self.read(0.02), self.text
            assert time.monotonic() < end, self.text

    def press_ctrl_c(self):
        os.write(self.file, b"\x03")

    def code(self):
        """The exit code, once it and everything it started have ended."""
        while not self.read(0.05):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.file)
        psutil.wait_procs(self.started.values(), timeout=60)
        assert not [p for p in self.started.values() if p.is_running()]
        return os.waitstatus_to_exitcode(status)


@pytest.fixture(params=[[], ["--fresh-process"]], ids=["fork", "process"])
def terminal(request, folder, home):
    """A terminal in which trial 1 has reported and now sleeps."""

    def start():
        (folder / "train.py").write_text(SCRIPT)
        words = ["run", "train.py", "--max-trials", "3", "--tuner", "random", *request.param]
        opened = Terminal(*words)
        pattern = "experiments/*/trials/1/metrics.jsonl"
        opened.until(lambda: [p for p in home.glob(pattern) if p.stat().st_size])
        return opened

    return start


def goes_on(text, home):
    (experiment,) = (home / "experiments").glob("[!.]*")
    return f"Interrupted. To continue: annotate resume {experiment.name}" in text


def test_one_ctrl_c_stops_the_trials_keeps_results_and_names_the_resume_command(
    terminal, annotate, home
):
    it = terminal()
    it.press_ctrl_c()
    assert it.code() == 130
    assert "stopping the running trials; interrupt again to kill them" in it.text
    assert goes_on(it.text, home)
    assert "Traceback" not in it.text
    listed = json.loads(annotate("trial", "ls", "--json").stdout)
    assert [t["state"] for t in listed] == ["SUCCEEDED", "INTERRUPTED"]


def test_a_second_ctrl_c_kills_trials_that_do_not_stop(terminal, home, monkeypatch):
    monkeypatch.setenv("STUBBORN", "1")
    it = terminal()
    it.press_ctrl_c()
    it.until(lambda: "interrupt again to kill them" in it.text)
    assert not it.read(1.0)
    began = time.monotonic()
    it.press_ctrl_c()
    assert it.code() == 130
    assert time.monotonic() - began < 8, "the grace is ten seconds"
    assert goes_on(it.text, home)
    assert "Traceback" not in it.text


def test_ctrl_c_before_the_first_trial_names_the_resume_command_too(folder, home, annotate):
    (folder / "train.py").write_text(SCRIPT.replace("600", "0"))
    it = Terminal("run", "train.py", "--max-trials", "2", "--tuner", "random")
    it.until(lambda: list(home.glob("experiments/*/lock")))
    it.press_ctrl_c()
    assert it.code() == 130
    assert goes_on(it.text, home)
    assert "Traceback" not in it.text
    done = json.loads(annotate("resume", "--json").stdout)
    assert [t["state"] for t in done["trials"]] == ["SUCCEEDED"] * 2


def test_ctrl_c_during_creation_leaves_no_experiment(folder, home):
    (folder / "train.py").write_text(SCRIPT)
    it = Terminal("run", "train.py")
    it.until(lambda: list(home.glob("experiments/[!.]*")))
    it.press_ctrl_c()
    assert it.code() == 130
    assert not list(home.glob("experiments/[!.]*")) or goes_on(it.text, home)
    assert "Traceback" not in it.text


def test_many_items_are_counted_on_a_terminal_only(monkeypatch, capsys):
    items = range(20_000)
    assert list(counted(items, "reading")) == list(items)
    assert capsys.readouterr().err == ""
    master, slave = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(slave, "w") as screen:
        monkeypatch.setattr(sys, "stderr", screen)
        assert list(counted(items, "reading")) == list(items)
        assert b"reading" in os.read(master, 65536)
    os.close(master)
