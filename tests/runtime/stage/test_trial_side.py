"""`nni.py` in real processes of every Python that it supports."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import annotate

NNI = Path(annotate.__file__).parent.parent / "nni.py"


@pytest.fixture
def trial(tmp_path, python):
    """Run code with `nni` as a trial would, and return the process and the lines it reported."""
    (tmp_path / "nni.py").write_bytes(NNI.read_bytes())

    def run(code, values=None, check=True, watched=()):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        if values is not None:
            document = {"parameters": values, "watched": list(watched)}
            environment |= {"NNI_SYS_DIR": str(tmp_path), "NNI_TRIAL_SEQ_ID": "3"}
            (tmp_path / "parameters.json").write_text(json.dumps(document))
        done = subprocess.run(
            [python, "-W", "error", "-c", "import nni\n" + code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        file = tmp_path / "metrics.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return done, [json.loads(line) for line in lines]

    return run


def test_outside_a_trial_there_are_no_values_and_reports_are_printed(trial):
    done, lines = trial(
        "print(nni.get_next_parameter(), nni.get_trial_id(), nni.get_sequence_id())\n"
        "nni.report_intermediate_result(0.5)\n"
        "print(nni.written('k', 7), nni.given('k'), nni.chosen('k', 1))\n"
    )
    assert done.stdout == "{} STANDALONE 0\n7 False False\n"
    assert done.stderr == "[nni] intermediate result: 0.5\n"
    assert lines == []


def test_a_trial_sees_its_values(trial):
    values = {"a": 0.1, "n": None, "c": {"_name": "x", "uniform": 0.3}}
    done, _ = trial(
        "assert nni.given('a') and nni.value('a') == 0.1\n"
        "assert nni.given('n') and nni.value('n') is None and nni.chosen('n', None)\n"
        "assert nni.value('c', 'uniform') == 0.3 and not nni.given('c', 'other')\n"
        "assert nni.chosen('c', {'_name': 'x'}) and not nni.chosen('c', {'_name': 'y'})\n"
        "assert nni.get_current_parameter('a') == 0.1 and nni.get_sequence_id() == 3\n"
        "nni.get_next_parameter()['a'] = 9\n"
        "print(nni.value('a'))\n",
        values,
    )
    assert done.stdout == "0.1\n"


BUDGET_READS = """\
import json, sys
def tells(way):
    global nni
    for name in ("nni", "annotate_effects", "nni.sampling"):
        sys.modules.pop(name, None)
    import nni
    open("metrics.jsonl", "w").close()
    way()
    lines = [json.loads(line) for line in open("metrics.jsonl")]
    return [line["value"].count("TRIAL_BUDGET") for line in lines if line["type"] == "used"]
assert sum(tells(lambda: nni.get_next_parameter())) == WHOLE
assert sum(tells(lambda: nni.get_current_parameter())) == WHOLE
assert sum(tells(lambda: [nni.get_current_parameter("TRIAL_BUDGET") for _ in range(2)])) == 1
assert sum(tells(lambda: nni.randint(1, 9, name="TRIAL_BUDGET"))) == 1
assert tells(lambda: nni.get_current_parameter("lr")) == [0]
assert tells(lambda: nni.uniform(0, 1, name="lr")) == [0]
assert sum(tells(lambda: [nni.get_current_parameter(n) for n in ("lr", "TRIAL_BUDGET")])) == 1
"""


@pytest.mark.parametrize("named", [True, False])
def test_a_trial_tells_that_it_reads_its_budget(trial, tmp_path, named):
    """Asking for all values counts if the script's code names the budget, which is then watched."""
    stage = Path(annotate.__file__).parent.parent / "runtime" / "stage"
    (tmp_path / "annotate_effects.py").write_bytes((stage / "annotate_effects.py").read_bytes())
    shutil.copytree(stage / "nni_modules", tmp_path / "nni_modules")
    watched = ["lr", "TRIAL_BUDGET"] if named else ["lr"]
    code = f"import os; os.chdir({str(tmp_path)!r})\nWHOLE = {named:d}\n{BUDGET_READS}"
    trial(code, {"lr": 0.5, "TRIAL_BUDGET": 3}, watched=watched)


def test_options_of_different_types_are_distinguished(trial):
    trial(
        "assert nni.chosen('i', 1) and not nni.chosen('i', True) and not nni.chosen('i', 1.0)\n"
        "assert nni.chosen('s', '1') and not nni.chosen('s', 1)\n",
        {"i": 1, "s": "1"},
    )


def test_reports_are_whole_lines_with_plain_numbers(trial):
    _, lines = trial(
        "from fractions import Fraction\n"
        "class Scalar:\n"
        "    def item(self): return 0.25\n"
        "nni.report_intermediate_result(True)\n"
        "nni.report_intermediate_result(Scalar())\n"
        "nni.report_intermediate_result(Fraction(1, 2))\n"
        "nni.report_intermediate_result(float('nan'))\n"
        "nni.report_final_result({'default': 1, 'loss': Scalar(), 'note': 'x', 'o': [1, (2,)]})\n",
        {},
    )
    values = [line["value"] for line in lines]
    assert values[:3] == [1, 0.25, 0.5]
    assert values[3] != values[3]
    assert values[4] == {"default": 1, "loss": 0.25, "note": "x", "o": [1, [2]]}
    assert [line["type"] for line in lines] == ["intermediate"] * 4 + ["final"]


def test_a_scalar_whose_item_has_its_own_type_is_a_number(trial):
    code = (
        "class Long:\n"
        "    def item(self): return Long()\n"
        "    def __float__(self): return 0.75\n"
        "nni.report_final_result(Long())\n"
    )
    assert trial(code, {})[1][0]["value"] == 0.75


def test_a_report_may_contain_a_self_reference_beside_its_number(trial):
    code = "r = {'default': 1}\nr['self'] = r\nnni.report_final_result(r)\n"
    value = trial(code, {})[1][0]["value"]
    assert value["default"] == value["self"]["self"]["default"] == 1


def test_reporting_too_long_a_value_raises_in_the_trial(trial):
    code = "nni.report_final_result({'default': 1, 'log': 'x' * 10**6})"
    done, lines = trial(code, {}, check=False)
    assert "a result of 10000" in done.stderr
    assert "is too long" in done.stderr
    assert lines == []
    long = "[[0] * 1000 for _ in range(1000)]"
    _, (line,) = trial(f"assert len(nni.written('k', {long})) == 1000", {})
    assert len(line["value"]) == 1000


@pytest.mark.parametrize(
    "metric",
    ["'0.9'", "None", "[1, 2]", "{'loss': 1}", "{'default': 'x'}", "b'1'", "1j", "10**400"],
)
def test_reporting_a_value_without_a_number_raises_in_the_trial(trial, metric):
    done, lines = trial(f"nni.report_final_result({metric})", {}, check=False)
    assert done.returncode == 1
    assert "TypeError: a result" in done.stderr
    assert lines == []


def test_the_written_value_of_a_place_is_recorded_once(trial):
    _, lines = trial(
        "for lr in (0.1, 0.2): assert nni.written('lr', lr) == lr\n"
        "nni.written('o', object)\n"
        "nni.written('f', max, option='max(a, b)')\n",
        {},
    )
    shown = {line["key"]: line["value"] for line in lines}
    assert shown == {"lr": 0.1, "o": "<class 'object'>", "f": "max(a, b)"}


def test_processes_of_a_trial_can_report_concurrently(trial):
    _, lines = trial(
        "import os\n"
        "children = []\n"
        "for _ in range(4):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        result = {'default': 0, 'x': 'y' * 500}\n"
        "        for _ in range(200): nni.report_intermediate_result(result)\n"
        "        os._exit(0)\n"
        "    children.append(pid)\n"
        "for pid in children: assert os.waitpid(pid, 0)[1] == 0\n",
        {},
    )
    assert len(lines) == 800


def test_threads_and_commands_of_a_trial_can_report_concurrently(trial):
    _, lines = trial(
        "import subprocess, sys, threading\n"
        "def report():\n"
        "    for n in range(200): nni.report_intermediate_result(n)\n"
        "threads = [threading.Thread(target=report) for _ in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "code = 'import nni; nni.report_final_result(7)'\n"
        "subprocess.run([sys.executable, '-c', code], check=True)\n"
        "for thread in threads: thread.join()\n",
        {},
    )
    assert sorted(line["value"] for line in lines if line["type"] == "intermediate") == sorted(
        list(range(200)) * 4
    )
    assert [line["value"] for line in lines if line["type"] == "final"] == [7]
