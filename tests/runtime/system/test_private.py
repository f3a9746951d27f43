"""The experiments' home is its owner's alone; what a trial writes has the user's own modes."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SCRIPT = """\
import os
x = 0.5  # @nni.uniform(0, 1)
open("mine", "w").close()
open(os.path.join(os.environ["NNI_OUTPUT_DIR"], "mine"), "w").close()
print(x)
# @nni.report_final_result(x)
"""


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o000, 0o027])
def test_every_file_of_the_home_is_private_whatever_the_umask(folder, home, umask):
    (folder / "train.py").write_text(SCRIPT)
    fresh = ["--fresh-process"] if umask else []
    command = ["run", "train.py", "--max-trials", "2", "--tuner", "random", *fresh]
    for words in (command, ["ui"], ["ui", "--stop"]):
        subprocess.run([sys.executable, "-m", "annotate", *words], check=True, umask=umask)
    files = [home, *home.rglob("*")]
    of_trials = [path for path in files if path.parent.name == "output"]
    ours = [path for path in files if path not in of_trials and not path.is_symlink()]
    assert [path for path in ours if mode(path) != (0o700 if path.is_dir() else 0o600)] == []
    assert {mode(path) for path in (folder / "mine", *of_trials)} == {0o666 & ~umask}


@pytest.fixture
def public():
    """A folder that every user can reach, which pytest's are not."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


HOMELESS = """\
annotate: no home folder is known for user 54321
hint: set ANNOTATE_HOME to a folder for the experiments
"""


def test_a_user_without_a_home_is_told_to_name_one(public):
    caps = "+dac_read_search"  # to reach an interpreter in another user's folder
    become = ["setpriv", "--reuid", "54321", "--clear-groups"]
    become += ["--inh-caps", caps, "--ambient-caps", caps, sys.executable]
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "ANNOTATE_HOME")}
    if os.geteuid() != 0 or subprocess.run([*become, "-c", ""], check=False).returncode:
        pytest.skip("nobody without an account can run this interpreter")
    script = public / "train.py"
    script.write_text("x = 0.5  # @nni.uniform(0, 1)\n# @nni.report_final_result(x)\n")
    script.chmod(0o600)  # the user may read it by the capability alone
    home = public / "home"
    home.mkdir()
    os.chown(home, 54321, -1)
    run = ["run", "train.py", "--max-trials", "2"]

    def annotate(*words, **variables):
        command = [*become, "-m", "annotate", *words]
        variables = {**environment, **variables}
        return subprocess.run(
            command, cwd=public, env=variables, capture_output=True, text=True, check=False
        )

    for words in (["experiment", "list"], ["config", "show"], run):
        done = annotate(*words)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", HOMELESS), words
    done = annotate(*run, "--python", "~/none", ANNOTATE_HOME=str(home))
    assert "--python ~/none: interpreter not found" in done.stderr
    done = annotate("try", "train.py", "x=0.25", ANNOTATE_HOME=str(home))
    assert "final x: 0.25" in done.stderr
    done = annotate(*run, ANNOTATE_HOME=str(home))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
