"""Trials run the snapshot's code; everything else is as in a plain run."""

import subprocess

import pytest


def frozen(text):
    """The source with `"plain"` replaced, which stands for an instrumented copy."""
    return text.replace("plain", "frozen")


SCRIPT = """\
import os, sys
print("plain", __name__, __file__, sys.argv, sys.path[0], __doc__, __spec__)
"""


def test_a_script_runs_as_in_a_plain_run(run_script, folder, python):
    argv = ["train.py", "--x", "1"]
    done = run_script({"train.py": SCRIPT}, {"train.py": frozen(SCRIPT)}, argv)
    _assert_as_alone(done, folder, python)


def test_a_users_command_runs_as_in_a_plain_run(run, folder, python):
    command = ["PYTHON", "train.py", "--x", "1"]
    done = run(command, {"train.py": SCRIPT}, {"train.py": frozen(SCRIPT)})
    _assert_as_alone(done, folder, python)


def _assert_as_alone(done, folder, python):
    alone = subprocess.run(
        [python, "train.py", "--x", "1"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == frozen(alone.stdout)


def test_interpreter_options_are_kept(run):
    script = "import sys\nprint('plain', sys.flags.optimize, sys.warnoptions)\n"
    done = run(
        ["PYTHON", "-O", "-W", "ignore::UserWarning", "train.py"],
        {"train.py": script},
        {"train.py": frozen(script)},
    )
    assert done.stdout == "frozen 1 ['ignore::UserWarning']\n"


def test_modules_come_from_the_snapshot_under_the_users_paths(run_script, folder):
    module = "import os\nvalue = 'plain'\nplace = os.path.abspath(__file__)\n"
    files = {
        "train.py": "import pkg.sub, other\nfrom pkg import near\n"
        "for m in (pkg.sub, other, near): print(m.value, m.place)\n",
        "pkg/__init__.py": "from . import near\n",
        "pkg/near.py": module,
        "pkg/sub.py": module,
        "other.py": module,
    }
    done = run_script(files, {n: frozen(t) for n, t in files.items()})
    places = [folder / "pkg/sub.py", folder / "other.py", folder / "pkg/near.py"]
    assert done.stdout == "".join(f"frozen {place}\n" for place in places)
    assert not list(folder.rglob("__pycache__")), "the user's folder is never written"


def test_editing_or_deleting_a_module_does_not_affect_trials(run_script, folder):
    files = {"train.py": "import other\nprint(other.value)\n", "other.py": "value = 'plain'\n"}
    run_script(files, {"other.py": "value = 'frozen'\n"})
    (folder / "other.py").unlink()
    done = run_script({}, {})
    assert done.stdout == "frozen\n"


def test_data_files_next_to_a_module_are_the_users(run_script, folder):
    (folder / "data.txt").write_text("data")
    script = (
        "import os\nhere = os.path.dirname(os.path.abspath(__file__))\n"
        "print(open(os.path.join(here, 'data.txt')).read())\n"
    )
    assert run_script({"train.py": script}, {}).stdout == "data\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_runs_the_snapshots_code(run_script, method):
    script = f"""\
    import multiprocessing
    import helper

    def work(n):
        return n, "plain", helper.value, __name__ in ("__main__", "__mp_main__")

    if __name__ == "__main__":
        with multiprocessing.get_context("{method}").Pool(2) as pool:
            print(pool.map(work, range(2)))
    """
    files = {"train.py": script, "helper.py": "value = 'plain'\n"}
    done = run_script(files, {n: frozen(t) for n, t in files.items()})
    assert done.stdout == "[(0, 'frozen', 'frozen', True), (1, 'frozen', 'frozen', True)]\n"


def test_scripts_started_by_a_trial_run_the_snapshots_code(run_script):
    files = {
        "train.py": "import subprocess, sys\n"
        "subprocess.run([sys.executable, 'worker.py', 'a'], check=True)\n"
        "subprocess.run([sys.executable, '-m', 'pkg.job', 'b'], check=True)\n",
        "worker.py": "import sys\nprint('plain', sys.argv)\n",
        "pkg/__init__.py": "",
        "pkg/job.py": "import sys\nprint('plain', sys.argv[1:], __name__, __package__)\n",
    }
    done = run_script(files, {n: frozen(t) for n, t in files.items()})
    assert done.stdout == "frozen ['worker.py', 'a']\nfrozen ['b'] __main__ pkg\n"


def test_a_shell_script_that_starts_python_runs_the_snapshots_code(run, folder):
    (folder / "run.sh").write_text('exec "$1" train.py\n')
    done = run(
        ["bash", "run.sh", "PYTHON"],
        {"train.py": "print('plain')\n"},
        {"train.py": "print('frozen')\n"},
    )
    assert done.stdout == "frozen\n"


def test_a_traceback_shows_only_the_users_files_and_lines(run_script, folder):
    script = "def f():\n    raise ValueError('plain')\n\nf()\n"
    done = run_script({"train.py": script}, {"train.py": frozen(script)}, code=1)
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{folder / "train.py"}", line 4, in <module>' or lines[1] == (
        '  File "train.py", line 4, in <module>'  # Python 3.8 keeps the path as typed
    )
    assert lines[-1] == "ValueError: frozen"
    assert "annotate_trial" not in done.stderr
    assert "annotate_frozen" not in done.stderr


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(7)", 7),
        ("sys.exit()", 0),
        ("sys.exit('no')", 1),
        ("os._exit(5)", 5),
        ("raise KeyboardInterrupt", -2),
        ("os.kill(os.getpid(), 9)", -9),
    ],
)
def test_the_script_exits_as_in_a_plain_run(run_script, end, code):
    run_script({"train.py": f"import os, sys\n{end}\n"}, {}, code=code)


def test_exit_handlers_and_threads_finish_as_in_a_plain_run(run_script):
    script = (
        "import atexit, threading, time\n"
        "atexit.register(print, 'exit')\n"
        "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\n"
        "print('main')\n"
    )
    assert run_script({"train.py": script}, {}).stdout == "main\nthread\nexit\n"


def test_exit_handlers_run_after_an_interrupt_too(run_script):
    script = "import atexit\natexit.register(print, 'exit')\nraise KeyboardInterrupt\n"
    assert run_script({"train.py": script}, {}, code=-2).stdout == "exit\n"


def test_the_scripts_objects_can_be_pickled(run_script):
    script = (
        "import pickle\nclass Thing:\n    pass\n"
        "print(type(pickle.loads(pickle.dumps(Thing()))).__module__)\n"
    )
    assert run_script({"train.py": script}, {}).stdout == "__main__\n"


def test_the_environments_sitecustomize_still_runs(run_script, tmp_path, monkeypatch):
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import builtins\nbuiltins.theirs = 'ran'\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    script = "import sys\nprint(theirs, sys.modules['sitecustomize'].__file__)\n"
    done = run_script({"train.py": script}, {})
    assert done.stdout == f"ran {site / 'sitecustomize.py'}\n"


def test_a_users_module_named_nni_does_not_hide_ours(run_script):
    files = {"train.py": "import nni\nprint(nni.get_experiment_id())\n", "nni.py": "x = 1\n"}
    assert run_script(files, {}).stdout == "EXP\n"


def test_output_can_be_followed_line_by_line(run_script):
    script = "import os\nprint('first')\nos._exit(0)\n"
    assert run_script({"train.py": script}, {}).stdout == "first\n"
