"""The folder of a trial that has ended keeps what is kept nowhere else."""

import json

from runtime.core.paths import ExperimentFolder
from runtime.loop.remains import tidy

SCRIPT = """\
import os
import nni
x = 0.5  # @nni.choice(0.5, 1.0, 2.0, 3.0)
settings = open("settings.yaml").read()
if x == 1.0:
    print("printed")
if x == 2.0:
    open(os.path.join(os.environ["NNI_OUTPUT_DIR"], "model"), "w").close()
if x == 3.0:
    raise SystemExit("failed")
# @nni.report_intermediate_result(x)
# @nni.report_final_result(x)
"""


def test_a_trial_keeps_what_it_printed_and_wrote_and_nothing_else(annotate, folder, home):
    (folder / "train.py").write_text(SCRIPT)
    (folder / "settings.yaml").write_text("rate: 0.1  # @nni.uniform(0, 1)\n")
    values = [word for x in (1.0, 2.0, 3.0) for word in ("--enqueue", f"x={x}")]
    words = ("--max-trials", "4", "--concurrency", "2", "--max-failures", "9", *values)
    summary = annotate("run", "train.py", "--minimize", "--fresh-process", *words).stdout
    assert "  results  " in summary
    assert "  logs  " not in summary  # the best trial printed nothing
    (above,) = home.glob("experiments/*/trials")
    kept = {str(path.relative_to(above)) for path in above.rglob("*")}
    experiment = above.parent.name
    trials = json.loads(annotate("trial", "ls", experiment, "--json").stdout)
    number = {t["values"].get("train/x/choice"): t["number"] for t in trials}
    printed, wrote, failed = (number[x] for x in (1.0, 2.0, 3.0))
    assert kept == {
        f"{printed}",
        f"{printed}/stdout",
        f"{wrote}",
        f"{wrote}/output",
        f"{wrote}/output/model",
        f"{failed}",
        f"{failed}/stderr",
    }
    silent = annotate("log", "trial", experiment, "-T", wrote)
    assert (silent.stdout, silent.stderr) == ("", f"annotate: trial {wrote} has printed nothing\n")
    assert annotate("log", "trial", experiment, "-T", failed).stdout == "failed\n"
    assert [t["metric"] for t in trials if t["number"] == wrote] == [2.0]


def test_files_that_a_trial_put_beside_ours_stay(tmp_path):
    trial = ExperimentFolder(tmp_path).trial(0)
    trial.output.mkdir(parents=True)
    for name in ("stdout", "metrics.jsonl", "parameters.json", "mine"):
        (trial.path / name).touch()
    trial.stderr.mkdir()
    tidy(trial)
    assert sorted(path.name for path in trial.path.iterdir()) == ["mine", "stderr"]


def test_a_folder_that_the_trial_removed_is_no_mistake(tmp_path):
    tidy(ExperimentFolder(tmp_path).trial(0))
