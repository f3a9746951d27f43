"""Resume: with a new search space, with edited sources, and after a reboot."""

import json
import signal
import subprocess
import sys

import psutil
import pytest

NUMBERED = """\
x = 0.5  # @nni.uniform(0, 1)
kind = "a"  # @nni.choice("a", "b", "c")
# @nni.report_final_result(x)
"""

SLOW = """\
import time
x = 0.5  # @nni.uniform(0, 1)
for step in range(600 if x != 0.5 else 1):
    time.sleep(0.1)
    # @nni.report_intermediate_result(step)
# @nni.report_final_result(x)
"""


def document(annotate, *words, **more):
    return json.loads(annotate(*words, "--json", **more).stdout)


@pytest.fixture
def stopped(folder, drivers):
    """An experiment that was killed during its third trial."""
    script = folder / "train.py"
    script.write_text(NUMBERED.replace("# @nni.rep", "open('met', 'a').write('x')\n# @nni.rep"))
    slow = "import time, os\ntime.sleep(60 * (os.environ['NNI_TRIAL_SEQ_ID'] == '4'))\n"
    script.write_text(NUMBERED + slow)
    driver = drivers.start("run", "train.py", "--max-trials", 8, "--seed", 3, "--tuner", "random")
    drivers.until_reported(4)
    driver.kill()
    driver.communicate()
    script.write_text(NUMBERED)
    return drivers.experiment()


def test_results_inside_a_new_space_still_count_on_resume(annotate, stopped, tmp_path):
    before = json.loads(annotate("trial", "ls", "--json").stdout)
    file = tmp_path / "space.yml"
    file.write_text(
        "train/x/uniform: {_type: uniform, _value: [0.25, 0.75]}\n"
        "train/kind/choice: {_type: choice, _value: [a, b]}\n"
    )
    code = stopped.path / "snapshot/code/train.py"
    code.write_text(code.read_text().replace("60 *", "0 *"))
    done = annotate("resume", stopped.id, "--search-space", file, "--foreground", "--json")
    results = json.loads(done.stdout)
    assert "changed x: uniform(0, 1) is now uniform(0.25, 0.75)" in done.stderr
    inside = [
        t
        for t in before[:4]
        if 0.25 <= t["values"]["train/x/uniform"] <= 0.75
        and t["values"]["train/kind/choice"] in ("a", "b")
    ]
    assert f"{len(inside)} of 4 results lie in the search space" in done.stderr
    assert results["trials"][:4] == before[:4]
    assert [t["number"] for t in results["trials"]] == list(range(8))
    for trial in results["trials"][5:]:
        assert 0.25 <= trial["values"]["train/x/uniform"] <= 0.75
        assert trial["values"]["train/kind/choice"] in ("a", "b")


def test_a_space_that_the_snapshot_does_not_support_is_refused(annotate, stopped, tmp_path):
    file = tmp_path / "space.json"
    space = {
        "train/y/uniform": {"_type": "uniform", "_value": [0, 1]},
        "train/kind/choice": {"_type": "choice", "_value": ["a", "z"]},
    }
    file.write_text(json.dumps(space))
    refused = annotate("resume", "--search-space", file, code=2).stderr
    assert "the script has no annotation for 'train/y/uniform'" in refused
    assert "'train/kind/choice' has no option 'z'" in refused
    assert "--annotations" in refused


def test_resume_with_edited_annotations_replaces_the_snapshot(annotate, folder, stopped):
    before = json.loads(annotate("trial", "ls", "--json").stdout)
    (folder / "train.py").write_text(
        NUMBERED.replace("uniform(0, 1)", "uniform(5, 6)").replace("(x)", "(x + 100)")
    )
    done = annotate("resume", "--annotations", "--json")
    results = json.loads(done.stdout)
    assert "changed x: uniform(0, 1) is now uniform(5, 6)" in done.stderr
    assert "0 of 4 results lie in" in done.stderr
    assert results["trials"][:4] == before[:4]
    assert results["trials"][4]["state"] == "SYS_CANCELED"
    assert "lie outside the changed search space" in results["trials"][4]["reason"]
    assert all(105 <= t["metric"] <= 106 for t in results["trials"][5:])
    assert "time.sleep" in (stopped.path / "snapshot-1/source/train.py").read_text()


def test_after_a_reboot_process_ids_from_before_are_ignored(annotate, folder, drivers):
    (folder / "train.py").write_text(SLOW)
    driver = drivers.start("run", "train.py", "--max-trials", 2, "--seed", 4)
    drivers.until_reported(1)
    running = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.communicate()
    psutil.wait_procs(running, timeout=60)
    place = drivers.experiment()
    # After a reboot, process IDs belong to other processes: here, to one that must survive.
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (place.path / "lock").write_text(f"{other.pid}\n")
    code = place.path / "snapshot/code/train.py"
    code.write_text(code.read_text().replace("600", "1"))
    results = document(annotate, "resume")
    assert [t["state"] for t in results["trials"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert other.poll() is None
    other.send_signal(signal.SIGKILL)
    other.wait()


def test_a_home_with_a_newline_in_its_name_works(annotate, folder, tmp_path):
    home = tmp_path / "a\nb"
    (folder / "train.py").write_text(NUMBERED)
    results = document(annotate, "run", "train.py", "--max-trials", 3, ANNOTATE_HOME=str(home))
    listed = document(annotate, "trial", "ls", results["experiment"], ANNOTATE_HOME=str(home))
    assert listed == results["trials"]
    assert [t["state"] for t in listed] == ["SUCCEEDED"] * 3
    refused = annotate("resume", results["experiment"], code=2, ANNOTATE_HOME=str(home))
    assert "is done" in refused.stderr
