"""Scripts for NNI that call `nni` themselves, outside and inside a trial."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import annotate

ROOT = Path(annotate.__file__).parent.parent


@pytest.fixture
def script(tmp_path, python):
    """Run code beside a staged `nni`; as a trial if values are given."""
    shutil.copy(ROOT / "nni.py", tmp_path)
    shutil.copytree(ROOT / "runtime" / "stage" / "nni_modules", tmp_path / "nni_modules")

    def run(code, values=None):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        if values is not None:
            environment["NNI_SYS_DIR"] = str(tmp_path)
            (tmp_path / "parameters.json").write_text(json.dumps({"parameters": values}))
        done = subprocess.run(
            [python, "-W", "error", "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        file = tmp_path / "metrics.jsonl"
        return done, file.read_text() if file.exists() else ""

    return run


SAMPLES = """
import nni, nni.utils
got = {
    "choice": nni.choice(1, "a", name="c"),
    "randint": nni.randint(2, 5, name="i"),
    "uniform": nni.uniform(2, 5, name="u"),
    "quniform": nni.quniform(0, 10, 2, name="q"),
    "loguniform": nni.loguniform(1e-3, 1, name="l"),
    "qloguniform": nni.qloguniform(1, 10, 4, name="ql"),
    "normal": nni.normal(0, 1, name="n"),
    "qnormal": nni.qnormal(0, 9, 0.5, name="qn"),
    "lognormal": nni.lognormal(0, 1, name="ln"),
    "qlognormal": nni.qlognormal(0, 1, 1, name="qln"),
}
"""


def test_outside_a_trial_every_sampling_function_draws_from_its_domain(script):
    checks = """
assert got['choice'] in (1, 'a') and got['randint'] in (2, 3, 4)
assert 2 <= got['uniform'] <= 5 and got['quniform'] in (0, 2, 4, 6, 8, 10)
assert type(got['quniform']) is int and 1e-3 <= got['loguniform'] <= 1
assert got['qloguniform'] in (1, 4, 8) and got['qnormal'] % 0.5 == 0
assert got['lognormal'] > 0 and got['qlognormal'] >= 0
assert nni.function_choice(lambda: 3, lambda: 4, name='f') in (3, 4)
"""
    script(f"for _ in range(50):\n    exec({SAMPLES + checks!r})\n")


def test_in_a_trial_sampling_functions_return_its_values_by_name(script):
    values = {"c": "a", "u": 3.5, "train/q/quniform": 4, "f": "high"}
    _, said = script(
        SAMPLES + "def low(): return 0\ndef high(): return 1\n"
        "assert (got['choice'], got['uniform'], got['quniform']) == ('a', 3.5, 4)\n"
        "assert nni.function_choice(low, high, name='f') == 1\n"
        "assert nni.choice((1, 2), (3, 4), name='c') == 'a'\n",
        values,
    )
    assert "'i' is not in the search space" in said


def test_merge_parameter_overrides_the_scripts_values(script):
    script(
        "import argparse, nni\nfrom nni.utils import merge_parameter\n"
        "args = argparse.Namespace(lr=0.1, layers=2, name=None)\n"
        "assert merge_parameter(args, nni.get_next_parameter()) is args\n"
        "assert (args.lr, args.layers, args.name) == (1.0, 3, 'x') and type(args.lr) is float\n"
        "assert nni.merge_parameter({'a': 1}, None) == {'a': 1}\n"
        "for values, error in [({'b': 1}, ValueError), ({'a': 'x'}, TypeError)]:\n"
        "    try:\n        merge_parameter({'a': 1}, values)\n"
        "    except error:\n        continue\n"
        "    raise SystemExit('not refused')\n",
        {"lr": 1, "layers": 3, "name": "x"},
    )


def test_an_unknown_name_of_nni_is_an_attribute_error(script):
    script("import nni\nassert not hasattr(nni, 'sample')\n")


@pytest.mark.parametrize("where", ["import nni", "import subprocess, sys; subprocess.check_call("])
def test_trials_import_our_nni_even_if_the_real_one_is_installed(annotate, folder, where):
    """In the trial's own process and in one that it starts; the installed package stays."""
    other = folder.parent / "site" / "nni"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise SystemExit('the other nni')\n")
    report = "import nni; nni.report_final_result(nni.get_next_parameter()['lr'])"
    started = f"{where}[sys.executable, '-c', {report!r}])" if where.endswith("(") else report
    (folder / "train.py").write_text(started + "\n")
    (folder / "space.json").write_text('{"lr": {"_type": "choice", "_value": [0.5]}}')
    words = ("run", "train.py", "--search-space", "space.json", "--no-baseline", "--max-trials", 1)
    done = annotate(*words, "--json", PYTHONPATH=f"{ROOT}{os.pathsep}{other.parent}")
    assert json.loads(done.stdout)["best"]["metric"] == 0.5
    assert [path.name for path in other.iterdir()] == ["__init__.py"]
