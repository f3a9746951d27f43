"""A signal ends the driver with a sentence, whatever it is doing."""

import json
import signal
import subprocess
import sys

import pytest

from runtime.driver.signals import Signals

#: Ends where an experiment is loaded but does not run yet.
INTERRUPTED = """
import signal
from runtime.cli import driving
from runtime.core.config import Config
from runtime.driver import build
from runtime.driver.signals import Signals
from runtime.driver.start import Start
from runtime.kept import lookup
from runtime.store import Store

(folder,) = lookup.folders()
with Store.open(folder.store) as store:
    row = store.experiment()
start = Start(Config.from_json(row.config), row.space, lambda: folder)
with Signals(detached=False), driving.resumable(folder):
    parts = build.prepare(start, print)
    with build.open_store(start, parts, folder) as (store, algorithms, notes):
        store.set_state("RUNNING", None, None)
        signal.raise_signal(signal.SIGTERM)
"""


def test_a_signal_between_loading_and_running_is_stored_and_answered(annotate, folder):
    (folder / "train.py").write_text("x = 1  # @nni.uniform(0, 2)\n# @nni.report_final_result(x)\n")
    annotate("run", "train.py", "--max-trials", 1, "--tuner", "random")
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    status = json.loads(annotate("experiment", "status", "--json").stdout)
    assert "Interrupted. To continue: annotate resume " in done.stderr
    assert done.stderr.rstrip().endswith("KeyboardInterrupt"), "not ended by the signal"
    assert (status["state"], status["reason"]) == ("STOPPED", "interrupted")


def test_signals_interrupt_the_loop_while_it_runs_and_the_program_otherwise():
    calls = []
    with Signals(detached=False) as signals:
        with signals.sent_to(lambda *, at_once: calls.append(at_once)):
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.raise_signal(number)
        assert calls == [False, True, True]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGHUP)


@pytest.mark.parametrize("detached", [False, True])
def test_a_driver_under_nohup_or_in_the_background_ignores_the_end_of_its_terminal(detached):
    earlier = signal.signal(signal.SIGHUP, signal.SIG_DFL if detached else signal.SIG_IGN)
    try:
        with Signals(detached=detached):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, earlier)
