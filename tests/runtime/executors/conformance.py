"""The contract of an executor, in real processes. Each executor's tests inherit it."""

import queue
import signal
import sys
import time

import pytest

from annotate.errors import AnnotateError
from runtime.core.paths import TrialFolder
from runtime.executors.base import Cleared, Ended, Job, Reported, Started, Waiting
from tests.runtime.processes import runs

REPORT = (
    "import json, os\n"
    "def report(value, kind='intermediate'):\n"
    "    with open(os.environ['NNI_SYS_DIR'] + '/metrics.jsonl', 'a') as file:\n"
    "        file.write(json.dumps({'type': kind, 'value': value, 'time': 1}) + '\\n')\n"
)


class ExecutorConformance:
    """A subclass has a fixture `create`, a function from `post` to an executor.

    It may override `adapt`, for an executor that needs its jobs in another form.
    """

    @pytest.fixture
    def create(self):
        raise NotImplementedError

    @pytest.fixture
    def adapt(self):
        """Turns a job that runs Python code into an equal one for this executor."""
        return lambda job: job

    @pytest.fixture
    def inbox(self):
        return queue.Queue()

    @pytest.fixture
    def executor(self, create, inbox):
        executor = create(inbox.put)
        yield executor
        executor.close()

    @pytest.fixture
    def job(self, adapt, tmp_path):
        """Makes a job that runs Python code, in which `report` reports a result."""

        def make(number, code, command=(sys.executable, "-c")):
            folder = TrialFolder(tmp_path / "it's" / str(number))
            folder.output.mkdir(parents=True, exist_ok=True)
            return adapt(Job(number, folder, None, (*command, REPORT + code)))

        return make

    def until_ended(self, inbox, trial, timeout=60.0):
        events = []
        deadline = time.monotonic() + timeout
        while not (events and isinstance(events[-1], Ended) and events[-1].trial == trial):
            event = inbox.get(timeout=max(0.01, deadline - time.monotonic()))
            if event.trial == trial and not isinstance(event, Waiting):
                events.append(event)
        return events

    @pytest.mark.parametrize(
        ("code", "expected"),
        [("pass", 0), ("raise SystemExit(3)", 3), ("os.kill(os.getpid(), 9)", -9), ("1 / 0", 1)],
    )
    def test_a_job_starts_and_ends_with_its_exit_code(self, executor, inbox, job, code, expected):
        executor.start(job(0, code))
        first, *_, last = self.until_ended(inbox, 0)
        assert isinstance(first, Started)
        assert last.code == expected

    def test_every_report_comes_before_the_end(self, executor, inbox, job):
        executor.start(job(0, "for n in range(5000): report(n)"))
        events = self.until_ended(inbox, 0)
        values = [r.value for e in events if isinstance(e, Reported) for r in e.batch.reports]
        assert values == list(range(5000))

    def test_a_report_arrives_while_the_job_runs(self, executor, inbox, job):
        executor.start(job(0, "import time\nreport(1)\ntime.sleep(60)"))
        while not isinstance(inbox.get(timeout=60), Reported):
            pass
        executor.stop(0, grace=10)
        assert self.until_ended(inbox, 0)[-1].code == -signal.SIGTERM

    def test_output_goes_to_the_jobs_files(self, executor, inbox, job):
        printing = job(0, "import sys\nprint('out')\nprint('err', file=sys.stderr)")
        executor.start(printing)
        self.until_ended(inbox, 0)
        assert printing.folder.stdout.read_text() == "out\n"
        assert printing.folder.stderr.read_text() == "err\n"

    def test_jobs_run_side_by_side(self, executor, inbox, job, tmp_path):
        meet = (
            f"import time\nplace = {str(tmp_path)!r}\nopen(place + '/met' + NAME, 'w')\n"
            "while len([n for n in os.listdir(place) if n.startswith('met')]) < 2:"
            " time.sleep(0.01)"
        )
        for number in (0, 1):
            executor.start(job(number, f"NAME = '{number}'\n{meet}"))
        codes = {}
        while len(codes) < 2:
            event = inbox.get(timeout=60)
            if isinstance(event, Ended):
                codes[event.trial] = event.code
        assert codes == {0: 0, 1: 0}

    def test_a_job_that_ignores_sigterm_is_killed_after_the_grace_period(
        self, executor, inbox, job
    ):
        executor.start(
            job(
                0,
                "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                "report(1)\ntime.sleep(60)",
            )
        )
        while not isinstance(inbox.get(timeout=60), Reported):
            pass
        executor.stop(0, grace=0.2)
        assert self.until_ended(inbox, 0)[-1].code == -signal.SIGKILL

    def test_processes_that_a_job_leaves_behind_are_killed(self, executor, inbox, job):
        code = (
            "import subprocess, sys\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import signal, time; "
            "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'])\n"
            "report(child.pid)\n"
        )
        executor.start(job(0, code))
        events = self.until_ended(inbox, 0)
        (pid,) = [r.value for e in events if isinstance(e, Reported) for r in e.batch.reports]
        while inbox.get(timeout=60) != Cleared(0):
            pass
        assert _is_gone(pid)

    def test_stopping_a_trial_that_is_not_running_does_nothing(self, executor, inbox, job):
        executor.stop(7, grace=1)
        executor.start(job(0, "pass"))
        self.until_ended(inbox, 0)
        executor.stop(0, grace=0)

    def test_a_trial_can_run_again(self, executor, inbox, job):
        executor.start(job(0, "pass"))
        self.until_ended(inbox, 0)
        executor.start(job(0, "raise SystemExit(4)"))
        assert self.until_ended(inbox, 0)[-1].code == 4

    def test_a_missing_command_is_named(self, executor, inbox, job):
        try:
            executor.start(job(0, "", command=("/no/such/python",)))
            reason = self.until_ended(inbox, 0)[-1].cause
        except AnnotateError as error:
            reason = error.message
        assert reason.startswith("/no/such/python cannot be started")

    def test_closing_kills_running_jobs(self, create, inbox, job):
        executor = create(inbox.put)
        executor.start(job(0, "import time\nreport(os.getpid())\ntime.sleep(60)"))
        while not isinstance(event := inbox.get(timeout=60), Reported):
            pass
        executor.close()
        assert _is_gone(event.batch.reports[0].value)


def _is_gone(pid, within=60.0):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not runs(pid):
            return True
        time.sleep(0.05)
    return False
