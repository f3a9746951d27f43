"""Our modules and the user's never mix, whatever the working folder and PYTHONPATH contain."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import annotate_hpo
from annotate_hpo import PACKAGES

#: A user's module; the test fails if anything but a trial imports it.
OWN = """\
import os
if "NNI_SYS_DIR" not in os.environ:
    raise SystemExit(f"{__file__} was imported outside a trial")
name = "the user's"
"""
LAYOUTS = {
    "packages": [f"{name}/__init__.py" for name in (*PACKAGES, "nni")],
    "modules": [f"{name}.py" for name in (*PACKAGES, "nni", "run")],
    "folders": [f"{name}/own.py" for name in (*PACKAGES, "nni")],
    "libraries": ["typing.py", "random.py", "rich.py", "numpy.py", "libcst/__init__.py"],
    "startup": ["sitecustomize.py", "usercustomize.py", "runtime.py", "tuners/own.py", "typing.py"],
}
#: Python imports these at start-up, even in the command that the user types.
AT_START = """\
import os
if "NNI_SYS_DIR" in os.environ:
    import runtime, tuners.own, typing
name = "the user's"
"""
#: Records what each name is in a trial.
SCRIPT = """\
import importlib, json, os, sys
x = 0.5  # @nni.uniform(0, 1)
def what(name):
    try:
        return importlib.import_module(name).name
    except ImportError as error:
        return str(error)
seen = {name: what(name) for name in %r}
seen["PYTHONPATH"] = os.environ.get("PYTHONPATH")
with open(os.path.join(os.environ["NNI_OUTPUT_DIR"], "seen.json"), "w") as file:
    json.dump(seen, file)
while os.path.exists("wait") and os.environ["NNI_TRIAL_SEQ_ID"] == "1":
    pass
# @nni.report_final_result(x)
"""
CONFIG = """\
useAnnotation: true
trialCommand: python3 train.py
trialConcurrency: 1
maxTrialNumber: 2
tuner: {name: Random}
trainingService: {platform: local}
"""
COMMAND = Path(sys.executable).with_name("annotate")


def module(file):
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.fixture(params=LAYOUTS)
def names(request, folder):
    """The modules of a project that have the names of ours."""
    for name in LAYOUTS[request.param]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(AT_START if name.endswith("customize.py") else OWN)
    modules = [module(name) for name in LAYOUTS[request.param]]
    (folder / "train.py").write_text(SCRIPT % modules)
    return modules


@pytest.fixture
def run(folder):
    """Run a command as the user would, with the project on PYTHONPATH."""

    def run(*words, start=(COMMAND,), errors=False, **environment):
        done = subprocess.run(
            [*start, *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stderr if errors else done.stdout

    return run


def seen(home, trial=1):
    """What the trial imported, and the first folder on its path."""
    (file,) = home.glob(f"experiments/[!.]*/trials/{trial}/output/seen.json")
    stage = file.parents[3] / "stage"
    return json.loads(file.read_text()), str(stage)


PYTHON = [sys.executable, "-m", "annotate_hpo"]
ISOLATED = [sys.executable, "-I", "-m", "annotate_hpo"]
#: Each layout with the command, and each other start with one layout.
STARTS = [
    *(pytest.param(name, [COMMAND], {}, id=f"{name}-annotate") for name in LAYOUTS),
    pytest.param("packages", PYTHON, {}, id="packages--m"),
    pytest.param("modules", ISOLATED, {}, id="modules--I -m"),
    pytest.param("startup", [COMMAND], {"PYTHONSAFEPATH": "1"}, id="startup-PYTHONSAFEPATH"),
    pytest.param(
        "libraries", [COMMAND], {"PYTHONSTARTUP": "typing.py"}, id="libraries-PYTHONSTARTUP"
    ),
]


@pytest.mark.parametrize(("names", "start", "environment"), STARTS, indirect=["names"])
def test_a_run_uses_our_modules_and_its_trials_the_users(
    run, names, home, folder, start, environment
):
    words = ("run", "train.py", "--tuner", "random", "--max-trials", "2", "--json")
    document = json.loads(run(*words, start=start, **environment))
    assert [trial["state"] for trial in document["trials"]] == ["SUCCEEDED"] * 2
    for number in (0, 1):
        values, stage = seen(home, number)
        assert values == dict.fromkeys(names, "the user's") | {"PYTHONPATH": f"{stage}:{folder}"}


@pytest.mark.parametrize("names", ["packages", "startup"], indirect=True)
def test_every_command_works_beside_modules_with_our_names(run, names, home, folder, until):
    run("check", "train.py")
    run("show", "train.py")
    run("try", "train.py", "x=0.25")
    (folder / "config.yml").write_text(CONFIG)
    (folder / "wait").touch()
    created = json.loads(run("create", "-c", "config.yml", "--json"))
    name, page = created["experiment"], created["pages"][0]

    def until_trials_are(*states):
        def are():
            return [trial["state"] for trial in json.loads(run("trial", "ls", name, "--json"))]

        until(lambda: are() == list(states))

    until_trials_are("SUCCEEDED", "RUNNING")
    with urllib.request.urlopen(page.partition("#")[0], timeout=60) as answer:
        assert answer.status == 200
    run("stop", name)
    (folder / "wait").unlink()
    run("resume", name)
    until_trials_are("SUCCEEDED", "SUCCEEDED")
    for number in (0, 1):
        values, _ = seen(home, number)
        assert {values[name] for name in names} == {"the user's"}
    assert run("ui").startswith("http://127.0.0.1")
    run("ui", "--stop")


@pytest.mark.parametrize("fresh", [[], ["--fresh-process"]], ids=["fork", "process"])
def test_a_trial_never_finds_our_modules(run, home, folder, fresh):
    """Not even in the interpreter that we are installed in."""
    names = [*PACKAGES, "annotate_hpo", "run", "nni.own"]
    (folder / "train.py").write_text(SCRIPT % names)
    python = ("--python", sys.executable)
    run("run", "train.py", "--max-trials", "1", *python, *fresh, PYTHONPATH="")
    values, stage = seen(home, 0)
    assert values.pop("PYTHONPATH") == stage
    assert values == {name: f"No module named {name!r}" for name in names}


def test_libraries_on_pythonpath_are_still_found(folder, tmp_path):
    """They come last, and folders of plain source are skipped."""
    offered, plain = tmp_path / "offered", tmp_path / "plain"
    (offered / "numpy-2.0.dist-info").mkdir(parents=True)
    (plain / "project.egg-info").mkdir(parents=True)
    for place in (offered, plain):
        (place / "typing.py").write_text(OWN)
    code = (
        "import sys, annotate_hpo, runtime.cli\n"
        "runtime.cli.main = lambda: print(*sys.path, sep='\\n')\n"
        "sys.argv = ['annotate']\n"
        "annotate_hpo.main()\n"
    )
    path = {annotate_hpo.SET_ASIDE: f"{plain}:{offered}:", "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **path},
        capture_output=True,
        text=True,
        check=True,
    )
    output = done.stdout.splitlines()
    assert output[-1] == str(offered)
    assert not {str(plain), str(folder), ""}.intersection(output)


def test_a_link_of_another_name_is_the_same_command(run, folder, tmp_path):
    (folder / "typing.py").write_text(OWN)
    link = tmp_path / "nnictl"
    link.symlink_to(COMMAND)
    assert "annotate " in run("--version", start=[link])


def test_the_interpreters_options_survive_the_restart_without_pythonpath(run, folder):
    (folder / "typing.py").write_text(OWN)
    start = [sys.executable, "-X", "importtime", "-um", "annotate_hpo"]
    done = run("--version", start=start, errors=True)
    assert done.count("import time: self") == 2
    assert "annotate " in run("--version", start=[sys.executable, "-m", "annotate_hpo"])


def test_an_experiment_from_before_the_stage_program_was_renamed_resumes(annotate, home, folder):
    (folder / "train.py").write_text(SCRIPT % [])
    words = ("run", "train.py", "--max-trials", 1, "--tuner", "random", "--fresh-process")
    annotate(*words)
    (stage,) = home.glob("experiments/[!.]*/stage")
    (stage / "annotate_run.py").rename(stage / "run.py")
    done = annotate("resume", stage.parent.name, "--max-trials", 2, "--foreground", "--json")
    assert [t["state"] for t in json.loads(done.stdout)["trials"]] == ["SUCCEEDED"] * 2
