"""Modules of the user's outside the code folder are frozen, or named as not frozen."""

import json
import os
import sys
from pathlib import Path

import pytest

from annotate.project import read_project
from runtime.system.outside import with_outside

TRAIN = "x = 1  # @nni.choice(1, 2, 3, 4, 5)\n"
#: Trial 0 edits the module; the later trials must not see the change.
EDITS = """\
import os, pathlib
if os.environ["NNI_TRIAL_SEQ_ID"] == "0":
    pathlib.Path({path!r}).write_text("K = 100\\n")
# @nni.report_final_result(K)
"""


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(folder, python=sys.executable, **environment):
    """The files outside folder/tools that tools/train.py imports."""
    root = folder / "tools"
    project = read_project(root / "train.py", root)
    environment = {**os.environ, **environment}
    project = with_outside(project, python, environment, folder, root)
    return {str(outside.folder / path) for outside in project.outside for path in outside.files}


def test_packages_are_found_with_what_they_import(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere, {"far/__init__.py": "import farther\n", "farther.py": "import json, typing\n"})
    write(
        folder,
        {
            "tools/train.py": "import proj.core, far, os, numpy, near, missing\n" + TRAIN,
            "tools/near.py": "",
            "near.py": "",
            "proj/__init__.py": "",
            "proj/core.py": "from . import other\n",
            "proj/deep/other.py": "",
            "unused.py": "",
        },
    )
    proj = {str(folder / "proj" / name) for name in ("__init__.py", "core.py", "deep/other.py")}
    assert found(folder) == proj, "the script may put the folder around it on the path itself"
    far = {str(elsewhere / "far" / "__init__.py"), str(elsewhere / "farther.py")}
    assert found(folder, PYTHONPATH=str(elsewhere)) == proj | far


@pytest.mark.parametrize("way", ["PYTHONPATH", "sys.path", "editable"])
def test_a_module_outside_the_code_folder_is_frozen(annotate, folder, tmp_path, way):
    place = folder.resolve() if way != "editable" else tmp_path / "checkout"
    core = place / "proj" / "core.py"
    write(place, {"proj/__init__.py": "", "proj/core.py": "K = 1\n"})
    insert = f"import sys\nsys.path.insert(0, {str(place)!r})\n"
    first = insert if way == "sys.path" else ""
    environment = {"PYTHONPATH": str(place)} if way == "PYTHONPATH" else {}
    if way == "editable":  # what setuptools writes for one, found by a finder of its own
        site = tmp_path / "site-packages"
        write(site, {"sitecustomize.py": _finder(place / "proj")})
        environment = {"PYTHONPATH": str(site)}
    text = f"{first}from proj.core import K\n{TRAIN}{EDITS.format(path=str(core))}"
    write(folder, {"tools/train.py": text})
    words = ("tools/train.py", "--max-trials", 3, "--json")
    done = annotate("run", *words, **environment)
    assert [trial["metric"] for trial in json.loads(done.stdout)["trials"]] == [1, 1, 1]
    assert "not frozen" not in done.stderr
    assert core.read_text() == "K = 100\n"


def _finder(package):
    return f"""\
import sys
from importlib.util import spec_from_file_location
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "proj":
            place = {str(package)!r}
            return spec_from_file_location(
                name, place + "/__init__.py", submodule_search_locations=[place]
            )
Finder.__module__ = "__editable___proj_finder"
sys.meta_path.append(Finder)
"""


def test_modules_that_are_found_only_at_run_time_are_named_once_by_each_program(
    annotate, folder, tmp_path
):
    hidden = tmp_path / "hidden away"
    write(hidden, {"late.py": "", "later.py": ""})
    text = (
        f"import sys\nsys.path.append({str(hidden)!r})\nfor n in ('late', 'later'): __import__(n)\n"
    )
    write(folder, {"tools/train.py": text + TRAIN + "# @nni.report_final_result(x)\n"})
    write(folder, {"far/worker.py": ""})
    child = "import subprocess\nsubprocess.run([sys.executable, '-m', 'far.worker'], check=True)\n"
    with (folder / "tools/train.py").open("a") as file:
        file.write(child * 2)
    done = annotate("run", "tools/train.py", "--max-trials", 2)
    in_child, line = [line for line in done.stderr.splitlines() if "not frozen" in line]
    assert f"not frozen: far ({folder.resolve() / 'far/worker.py'});" in in_child
    assert f"late ({hidden / 'late.py'}), later ({hidden / 'later.py'})" in line
    assert f"--code-folder {tmp_path} freezes" in line


def test_a_module_that_is_loaded_by_its_path_is_frozen(annotate, folder):
    core = folder / "core.py"
    load = (
        "from importlib import util\n"
        f"spec = util.spec_from_file_location('settings', {str(core)!r})\n"
        "module = util.module_from_spec(spec)\nspec.loader.exec_module(module)\nK = module.K\n"
        f"import runpy\nassert runpy.run_path({str(core)!r})['K'] == K\n"
    )
    write(folder, {"core.py": "K = 1\n", "train.py": load + TRAIN + EDITS.format(path=str(core))})
    done = annotate("run", "train.py", "--max-trials", 3, "--json")
    assert [trial["metric"] for trial in json.loads(done.stdout)["trials"]] == [1, 1, 1]


def test_annotations_outside_the_code_folder_come_with_the_option(annotate, folder):
    write(
        folder,
        {
            "tools/train.py": "from proj.core import K\nprint(K)\n",
            "proj/__init__.py": "",
            "proj/core.py": "K = 1  # @nni.choice(1, 2)\n# @nni.report_final_result(K)\n",
        },
    )
    errors = annotate("run", "tools/train.py", code=2, PYTHONPATH=".").stderr
    core = Path(folder.resolve(), "proj", "core.py")
    assert f"tools/train.py has no annotation, but {core} has, outside the code folder" in errors
    assert "hint: --code-folder . includes it\n" in errors
    shown = annotate("show", "tools/train.py", PYTHONPATH=".").stderr
    assert f"{core} has annotations, but is not in the code folder" in shown
    assert "--code-folder . includes them" in shown
    done = annotate(
        *("run", "tools/train.py", "--code-folder", ".", "--max-trials", 1, "--json"),
        PYTHONPATH=".",
    )
    assert json.loads(done.stdout)["trials"][0]["values"] == {"proj.core/K/choice": 1}
