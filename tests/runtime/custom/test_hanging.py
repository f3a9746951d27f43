"""Custom algorithms that hang, crash, print or start processes."""

import json
import os
import signal
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.custom import CustomTuner
from runtime.custom.conversation import Conversation
from runtime.custom.stacks import Stacks
from tests.runtime.processes import runs

SPACE = SearchSpace.from_json({"x": {"_type": "uniform", "_value": [0, 1]}})

SCRIPT = """\
x = 0.5  # @nni.uniform(0, 1)
for step in range(3):
    # @nni.report_intermediate_result(x)
    pass
# @nni.report_final_result(x)
"""

#: Its second ask does not return until a file named `mended` exists.
HANGS = """
    import os, time
    from tuners import Tuner
    class Own(Tuner):
        count = 0
        def ask(self):
            self.count += 1
            if self.count == 2 and not os.path.exists("mended"):
                with open("hangs.part", "w") as file:
                    file.write(str(os.getpid()))
                os.rename("hangs.part", "hangs")
                while True:
                    time.sleep(60)
            (parameter,) = self.space
            return {parameter.key: self.count / 8}
        def tell(self, values, metric):
            pass
"""

RUN = ["run", "train.py", "--tuner", "own.py:Own", "--max-trials", "4"]


@pytest.fixture
def own(folder):
    """Writes the user's script and algorithm."""

    def write(text):
        (folder / "train.py").write_text(SCRIPT)
        (folder / "own.py").write_text(textwrap.dedent(text))
        return folder

    return write


def state(annotate):
    return json.loads(annotate("experiment", "status", "--json").stdout)


def resumed(annotate, folder):
    """The experiment's outcome after the algorithm was fixed and the experiment resumed."""
    (folder / "mended").touch()
    document = json.loads(annotate("resume", "--json").stdout)
    assert document["state"] == "DONE"
    return [trial["metric"] for trial in document["trials"]]


@pytest.mark.parametrize("how", ["stop", signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=str)
def test_an_experiment_stops_at_once_while_an_ask_hangs(own, drivers, annotate, until, how):
    folder = own(HANGS)
    driver = drivers.start(*RUN)
    until((folder / "hangs").exists)
    pid = int((folder / "hangs").read_text())
    if how == "stop":
        annotate("stop")
    else:
        driver.send_signal(how)
    _, errors = driver.communicate(timeout=20)
    assert driver.returncode == 130, errors
    assert "annotate resume" in errors
    until(lambda: not runs(pid))
    assert resumed(annotate, folder) == [0.5, 0.125, 0.25, 0.375]


def test_max_duration_ends_an_experiment_while_an_ask_hangs(own, annotate, until):
    folder = own(HANGS)
    document = json.loads(annotate(*RUN, "--max-duration", "4s", "--json").stdout)
    assert document["reason"] == "--max-duration 4s reached"
    assert [trial["metric"] for trial in document["trials"]] == [0.5, 0.125]
    until(lambda: not runs(int((folder / "hangs").read_text())))


def test_ask_timeout_ends_the_experiment_and_names_the_line(own, annotate, until):
    folder = own(HANGS)
    done = annotate(*RUN, "--ask-timeout", "3s", code=2)
    assert f"{folder / 'own.py'}:13: Own.ask did not return within --ask-timeout 3s" in done.stderr
    until(lambda: not runs(int((folder / "hangs").read_text())))
    assert resumed(annotate, folder) == [0.5, 0.125, 0.25, 0.375]


LOADS_FOR_EVER = """
    import os, time
    with open("hangs.part", "w") as file:
        file.write(str(os.getpid()))
    os.rename("hangs.part", "hangs")
    time.sleep(1000)
"""


def test_an_algorithm_that_hangs_while_loading_can_be_interrupted(own, drivers, home, until):
    folder = own(LOADS_FOR_EVER)
    driver = drivers.start(*RUN, "--ask-timeout", "3s")
    until((folder / "hangs").exists)
    driver.send_signal(signal.SIGINT)
    driver.communicate(timeout=20)
    assert driver.returncode == 130
    assert not list(home.glob("experiments/*"))
    until(lambda: not runs(int((folder / "hangs").read_text())))


def test_loading_ends_at_max_duration(own, annotate):
    folder = own(LOADS_FOR_EVER)
    done = annotate(*RUN, "--max-duration", "3s", code=2)
    assert f"{folder / 'own.py'}:6: Own did not load within --max-duration 3s" in done.stderr


#: Hangs where it is created, if there is a file named `slow`.
SLOW = """
    import os, time
    from tuners import Tuner
    class Own(Tuner):
        def __init__(self, space, **context):
            super().__init__(space, **context)
            if os.path.exists("slow"):
                open("hangs", "w").close()
                time.sleep(1000)
        def ask(self):
            (parameter,) = self.space
            return {parameter.key: 0.25}
        def tell(self, values, metric):
            pass
"""


def test_a_resumed_experiment_can_be_stopped_while_its_class_is_loaded(
    own, drivers, annotate, until
):
    folder = own(SLOW)
    annotate(*RUN, "--max-trials", "1")
    (folder / "slow").touch()
    words = "resume", "-f", "--max-trials", "2"

    done = annotate(*words, "--ask-timeout", "3s", code=2)
    assert f"{folder / 'own.py'}:9: Own did not load within --ask-timeout 3s" in done.stderr
    assert state(annotate)["state"] == "ERROR"

    (folder / "hangs").unlink()
    driver = drivers.start(*words)
    until((folder / "hangs").exists)
    assert state(annotate)["state"] == "RUNNING"
    assert "has stopped" in annotate("stop").stdout
    _, errors = driver.communicate(timeout=20)
    assert driver.returncode == 130, errors
    status = state(annotate)
    assert (status["state"], status["reason"]) == ("STOPPED", "stopped by a request")

    (folder / "hangs").unlink()
    driver = drivers.start(*words)
    until((folder / "hangs").exists)
    driver.send_signal(signal.SIGTERM)
    _, errors = driver.communicate(timeout=20)
    assert driver.returncode == 130, errors
    assert state(annotate)["reason"] == "interrupted"

    (folder / "slow").unlink()
    (folder / "hangs").unlink()
    assert len(json.loads(annotate(*words, "--json").stdout)["trials"]) == 2


def test_a_resumed_experiment_can_be_stopped_while_recall_hangs(own, drivers, annotate, until):
    text = """
        import os, time
        from tuners import Tuner
        class Own(Tuner):
            def ask(self):
                (parameter,) = self.space
                return {parameter.key: 0.25}
            def recall(self, values):
                if os.path.exists("slow"):
                    open("hangs", "w").close()
                    time.sleep(1000)
            def tell(self, values, metric):
                pass
    """
    folder = own(text)
    annotate(*RUN, "--max-trials", "2")
    (folder / "slow").touch()
    driver = drivers.start("resume", "-f", "--max-trials", "3")
    until((folder / "hangs").exists)
    annotate("stop")
    _, errors = driver.communicate(timeout=20)
    assert driver.returncode == 130, errors
    (folder / "slow").unlink()
    assert len(json.loads(annotate("resume", "--json").stdout)["trials"]) == 3


def test_the_last_results_are_told_at_a_normal_end(own, annotate):
    text = """
        import time
        from tuners import Tuner
        class Own(Tuner):
            count = 0
            def ask(self):
                (parameter,) = self.space
                self.count += 1
                return {parameter.key: self.count / 4}
            def tell(self, values, metric):
                time.sleep(0.4)
                print(metric, file=open("lessons", "a"))
    """
    folder = own(text)
    annotate(*RUN, "--max-trials", "3", "--concurrency", "3")
    assert sorted((folder / "lessons").read_text().splitlines()) == ["0.25", "0.5", "0.5"]


def test_no_algorithm_outlives_a_driver_that_is_killed(own, drivers, until):
    folder = own(HANGS.replace("time.sleep(60)", "pass"))
    driver = drivers.start(*RUN)
    until((folder / "hangs").exists)
    driver.kill()
    driver.communicate()
    until(lambda: not runs(int((folder / "hangs").read_text())))


def conversation(folder, **options):
    config = Config("train.py", str(folder), sys.executable, tuner=f"{folder / 'own.py'}:Own")
    arguments = {"args": {}, "space": SPACE.to_json()}
    return Conversation(config, "tuner", config.tuner, arguments, **options)


def test_a_slow_call_is_reported_with_its_line_and_again_after_twice_the_time(own):
    folder = own(HANGS)
    talk = conversation(folder, patience=0.25)
    notes = []
    named = threading.Event()

    def note(text):
        notes.append(text)
        if len(notes) == 2:
            named.set()

    talk.follow(note)
    talk.call("ask")
    raised = []

    def ask():
        try:
            talk.call("ask")
        except AnnotateError as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert named.wait(30)
    talk.close()
    thread.join(30)
    waiting = f"still waiting for Own.ask ({folder / 'own.py'}:13)"
    assert notes[:2] == [f"{waiting}, 0.2s so far", f"{waiting}, 0.5s so far"]
    assert len(raised) == 1, "close() makes the blocked call raise"


def test_a_stack_is_named_by_its_innermost_frame_outside_installed_packages(tmp_path):
    stacks = Stacks()
    for path, line in ((tmp_path / ".venv/lib/site-packages/m.py", 3), (tmp_path / "own.py", 7)):
        os.write(stacks.fileno(), f'  File "{path}", line {line} in f\n'.encode())
    assert stacks.read(tmp_path) == f"{tmp_path / 'own.py'}:7"
    assert stacks.read(tmp_path) is None
    stacks.close()


CRASHES = """
    import os, sys
    from tuners import Tuner
    class Own(Tuner):
        def ask(self):
            (parameter,) = self.space
            return {parameter.key: 0.25}
        def tell(self, values, metric):
            if metric == 0.25:
                crash()

    def crash():
        HOW
"""


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("os._exit(3)", ":13: ENDED exit code 3"),
        ("sys.exit(3)", ":13: SystemExit: 3"),
        ("1 / 0", ":13: ZeroDivisionError: division by zero"),
        (
            "import ctypes; ctypes.string_at(0)",
            ":13: the process ended in Own.tell: killed by SIGSEGV",
        ),
        ("os.abort()", ":13: the process ended in Own.tell: killed by SIGABRT"),
        (
            "os.kill(os.getpid(), 9)",
            ":8: the process ended in Own.tell: killed by SIGKILL: out of memory, or by another",
        ),
    ],
)
def test_a_crash_is_reported_with_the_users_file_and_line(own, annotate, how, message):
    folder = own(CRASHES.replace("HOW", how))
    done = annotate(*RUN, code=2)
    message = message.replace("ENDED", "the process ended in Own.tell:")
    assert f"annotate: {folder / 'own.py'}{message}" in done.stderr
    assert "annotate resume" in done.stderr
    assert state(annotate)["state"] == "ERROR"


PRINTS = """
    import os, subprocess, sys
    from tuners import Tuner
    print("as it is imported")
    class Own(Tuner):
        def ask(self):
            print("from print")
            print("from an error", file=sys.stderr)
            os.write(1, b"to descriptor 1\\n")
            subprocess.run(["echo", "from a child"], check=True)
            subprocess.run([sys.executable, "-c", "print('from a child in Python')"], check=True)
            os.closerange(3, 4)
            (parameter,) = self.space
            return {parameter.key: 0.25}
        def tell(self, values, metric):
            pass
"""


def test_an_algorithms_output_goes_only_to_the_log(own, annotate, drivers):
    own(PRINTS.replace("            os.closerange(3, 4)\n", ""))
    done = annotate(*RUN[:-1], "2", "--json")
    json.loads(done.stdout)
    log = drivers.experiment().log.read_text()
    lines = ["as it is imported", "from print", "from an error", "to descriptor 1", "from a child"]
    for line in [*lines, "from a child in Python"]:
        assert f"INFO Own: {line}\n" in log
        assert line not in done.stderr


def test_an_algorithms_output_is_shown_if_it_cannot_be_loaded(own, annotate):
    own("print('so far')\nclass Own: pass\n")
    done = annotate(*RUN, code=2)
    assert "Own: so far\n" in done.stderr


def test_processes_that_an_algorithm_starts_end_with_it(own, until):
    text = """
        import subprocess, sys
        from tuners import Tuner
        class Own(Tuner):
            def ask(self):
                child = subprocess.Popen(["sleep", "1000"])
                return {"pid": child.pid}
            def tell(self, values, metric):
                pass
    """
    folder = own(text)
    config = Config("train.py", str(folder), sys.executable, tuner=f"{folder / 'own.py'}:Own")
    tuner = CustomTuner(config, SPACE)
    pid = tuner.ask()["pid"]
    assert runs(pid)
    tuner.close()
    until(lambda: not runs(pid))


def test_a_worker_that_outlives_its_call_does_not_hide_that_the_algorithm_has_ended(own):
    text = """
        import multiprocessing, os, time
        from tuners import Tuner
        class Own(Tuner):
            def ask(self):
                multiprocessing.get_context("fork").Process(target=time.sleep, args=(1000,)).start()
                os._exit(5)
            def tell(self, values, metric):
                pass
    """
    folder = own(text)
    config = Config("train.py", str(folder), sys.executable, tuner=f"{folder / 'own.py'}:Own")
    tuner = CustomTuner(config, SPACE)
    with pytest.raises(AnnotateError, match=r"own\.py:7: .* ended in Own\.ask: exit code 5"):
        tuner.ask()
    tuner.close()


def test_a_class_that_closes_our_connection_is_named_and_ended(own, until):
    text = """
        import os, time
        from tuners import Tuner
        class Own(Tuner):
            def ask(self):
                with open("pid", "w") as file:
                    file.write(str(os.getpid()))
                os.closerange(3, 100)
                time.sleep(1000)
            def tell(self, values, metric):
                pass
    """
    folder = own(text)
    config = Config("train.py", str(folder), sys.executable, tuner=f"{folder / 'own.py'}:Own")
    tuner = CustomTuner(config, SPACE)
    with pytest.raises(AnnotateError, match=r"own\.py:5: .* it closed its connection to Annotate"):
        tuner.ask()
    tuner.close()
    until(lambda: not runs(int((folder / "pid").read_text())))


def test_an_algorithm_runs_in_the_trials_folder(own, tmp_path, monkeypatch):
    text = """
        import os
        from tuners import Tuner
        class Own(Tuner):
            def ask(self):
                return {"cwd": os.getcwd()}
            def tell(self, values, metric):
                pass
    """
    folder = own(text)
    monkeypatch.chdir(tmp_path)
    config = Config("train.py", str(folder), sys.executable, tuner=f"{folder / 'own.py'}:Own")
    tuner = CustomTuner(config, SPACE)
    assert Path(tuner.ask()["cwd"]) == folder
    tuner.close()


def test_an_invalid_interpreter_is_named(own):
    folder = own(HANGS)
    config = Config("train.py", str(folder), "/bin/false", tuner=f"{folder / 'own.py'}:Own")
    with pytest.raises(AnnotateError, match=r"the process ended in Own: exit code 1"):
        CustomTuner(config, SPACE)
    config = Config("train.py", str(folder), "/no/python", tuner=f"{folder / 'own.py'}:Own")
    with pytest.raises(AnnotateError, match=r"Own cannot be run by /no/python in .*: No such file"):
        CustomTuner(config, SPACE)


#: Judges the first result of trial 0, and hangs at that of trial 1 until `mended` exists.
JUDGE_HANGS = """
    import os, time
    from tuners import Assessor, Verdict
    class Own(Assessor):
        def judge(self, trial, curve):
            if trial == 1 and not os.path.exists("mended"):
                open("hangs", "w").close()
                time.sleep(1000)
            return Verdict.STOP if trial == 2 else Verdict.KEEP
        def finished(self, trial, curve, ok):
            print(trial, curve, ok, file=open("finished", "a"))
"""

JUDGED = ["run", "train.py", "--tuner", "random", "--seed", "1", "--assessor", "own.py:Own"]


@pytest.mark.parametrize("how", ["stop", signal.SIGINT], ids=str)
def test_an_experiment_stops_at_once_while_an_assessor_hangs(own, drivers, annotate, until, how):
    folder = own(JUDGE_HANGS)
    driver = drivers.start(*JUDGED, "--max-trials", "4")
    until((folder / "hangs").exists)
    if how == "stop":
        annotate("stop")
    else:
        driver.send_signal(how)
    _, errors = driver.communicate(timeout=20)
    assert driver.returncode == 130, errors
    (folder / "finished").unlink()
    (folder / "mended").touch()
    document = json.loads(annotate("resume", "--json").stdout)
    states = [trial["state"] for trial in document["trials"]]
    assert states == ["SUCCEEDED", "SUCCEEDED", "EARLY_STOPPED", "SUCCEEDED"]
    assert document["trials"][2]["reason"] == "stopped by the assessor after 1 result"
    trials = [line.split()[0] for line in (folder / "finished").read_text().splitlines()]
    assert trials == ["0", "1", "2", "3"], "the new process is told what the first one knew"


def test_ask_timeout_limits_an_assessor_too(own, annotate):
    folder = own(JUDGE_HANGS)
    done = annotate(*JUDGED, "--ask-timeout", "3s", code=2)
    words = f"{folder / 'own.py'}:8: Own.judge did not return within --ask-timeout 3s"
    assert words in done.stderr
    assert state(annotate)["state"] == "ERROR"


def test_a_bug_in_an_assessor_ends_the_experiment_and_names_the_line(own, annotate):
    folder = own(JUDGE_HANGS.replace("time.sleep(1000)", "curve[7]"))
    done = annotate(*JUDGED, code=2)
    assert f"{folder / 'own.py'}:8: IndexError: list index out of range" in done.stderr
