"""Trials run with the interpreter that `python` would have been."""

import json
import os
import sys
from pathlib import Path

import pytest

from annotate.errors import AnnotateError
from runtime.system.interpreter import interpreter
from tests.conftest import INTERPRETERS

SCRIPT = "x = 1  # @nni.choice(1, 2)\n# @nni.report_final_result(x)\n"
OTHER = next((path for path in INTERPRETERS if not Path(path).samefile(sys.executable)), None)
needs_another = pytest.mark.skipif(OTHER is None, reason="there is only one Python here")


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def python(path):
    """A Python that is not ours, by its own path."""
    return program(path, f'exec "{sys.executable}" "$@"')


def found(folders, script="", folder=None, option=None, **environment):
    path = os.pathsep.join(map(str, folders))
    return interpreter(option, {"PATH": path, **environment}, script, folder)


def test_python_of_the_path_comes_before_python3_and_environments(tmp_path):
    first, second, active = (
        python(tmp_path / name) for name in ("a/python3", "b/python", "active/bin/python")
    )
    folders = [tmp_path / "a", tmp_path / "b"]
    assert found(folders, VIRTUAL_ENV=str(tmp_path / "active")) == second
    assert found(folders[:1], VIRTUAL_ENV=str(tmp_path / "active")) == first
    assert found([], CONDA_PREFIX=str(tmp_path / "active")) == active
    assert found([]) == sys.executable
    assert found([Path(sys.executable).parent]) == sys.executable
    assert found(folders, option=first) == first


def test_a_shim_stands_for_what_it_starts_in_the_folder(tmp_path):
    real = python(tmp_path / "real" / "python")
    shim = f'[ "$PWD" = "{tmp_path}" ] || exit 127\necho {real}\necho 3 12'
    program(tmp_path / "shims" / "python", shim)
    assert found([tmp_path / "shims"], folder=tmp_path) == real
    with pytest.raises(AnnotateError, match="does not run as a Python interpreter"):
        found([tmp_path / "shims"], folder=tmp_path / "real")


def test_a_script_that_can_be_run_by_itself_names_its_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own, of_path = python(tmp_path / "own" / "python3.9"), python(tmp_path / "bin" / "python")
    script = tmp_path / "train.py"
    for line, wanted in {
        f"#!{own} -u": own,
        "#!/usr/bin/env -S python -u": of_path,
        "#!/bin/sh": of_path,
        "import os": of_path,
    }.items():
        script.write_text(f"{line}\n")
        script.chmod(0o755)
        assert found([tmp_path / "bin"], "./train.py") == wanted
        assert found([tmp_path / "bin"], "train.py") == of_path
    script.write_text(f"#!{own}\n")
    script.chmod(0o644)
    assert found([tmp_path / "bin"], "./train.py") == of_path
    script.write_text("#!/nowhere/python3\n")
    script.chmod(0o755)
    with pytest.raises(AnnotateError, match="names /nowhere/python3 in its first line"):
        found([tmp_path / "bin"], "./train.py")


@pytest.mark.parametrize(("version", "words"), [("2 7", "is Python 2.7"), ("3 7", "is Python 3.7")])
def test_an_old_python_is_refused_with_what_to_do(tmp_path, version, words):
    old = program(tmp_path / "python", f"echo {tmp_path}/python\necho {version}")
    for where in ({"folders": [tmp_path]}, {"folders": [], "option": old}):
        with pytest.raises(AnnotateError, match=words) as error:
            found(**where)
        assert "--python" in error.value.hint


def test_the_environment_that_only_we_are_installed_in_is_passed_over(tmp_path, monkeypatch):
    ours = tmp_path / "pipx" / "venvs" / "annotate-hpo"
    python(ours / "bin" / "python")
    users = python(tmp_path / "bin" / "python")
    monkeypatch.setattr(sys, "prefix", str(ours))
    assert found([ours / "bin", tmp_path / "bin"]) == users


@needs_another
def test_a_run_uses_the_python_of_the_path_and_names_it(annotate, folder):
    (folder / "train.py").write_text("import of_no_package\n" + SCRIPT)
    path = os.pathsep.join([str(Path(OTHER).parent), os.environ["PATH"]])
    done = annotate("run", "train.py", "--max-trials", 1, "--json", PATH=path, code=1)
    (trial,) = json.loads(done.stdout)["trials"]
    used = done.stderr.splitlines()[0].rpartition(", ")[2]
    assert Path(used).samefile(OTHER)
    assert trial["reason"] == (
        "exit code 1: ModuleNotFoundError: No module named 'of_no_package'"
        f" in {used}; choose another interpreter with --python"
    )
    tried = annotate("try", "train.py", PATH=path, code=1).stderr
    assert f"it ran with {used}; --python names another" in tried


def test_config_show_says_that_no_interpreter_fits(annotate, tmp_path):
    program(tmp_path / "old" / "python", "echo python\necho 2 7")
    shown = annotate("config", "show", "--json", PATH=str(tmp_path / "old")).stdout
    assert "is Python 2.7" in json.loads(shown)["trials' interpreter"]
