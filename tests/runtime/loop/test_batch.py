"""What a script receives from the batch tuner, with real scripts in real processes."""

import json

import pytest

from annotate.errors import AnnotateError, SpaceError
from runtime.core.config import Config
from runtime.kept import lookup
from runtime.server.nni.changes import enqueue
from runtime.server.nni.documents import trial_job
from runtime.store import Store
from runtime.store.reader import Reader

ASKS = """\
import nni
PARAMS = {"optimizer": "none", "lr": 0.1}
PARAMS.update(nni.get_next_parameter())
assert nni.get_current_parameter("lr") == PARAMS["lr"]
nni.report_final_result(PARAMS["lr"])
"""
OPTIONS = [{"optimizer": "Adam", "lr": 0.5}, {"optimizer": "SGD", "lr": 0.25, "momentum": 0.9}]
PLAIN = """\
import nni
assert nni.get_current_parameter("lr") is None
nni.report_final_result(nni.get_next_parameter() + nni.get_current_parameter())
"""
ANNOTATED = """\
import nni
lr = 0.5  # @nni.choice(0.25, 1)
assert nni.get_next_parameter().get("train/lr/choice", 0.5) == lr
# @nni.report_final_result(lr)
"""


def batch(annotate, folder, options):
    space = {"combine_params": {"_type": "choice", "_value": options}}
    (folder / "space.json").write_text(json.dumps(space))
    words = ["--search-space", "space.json", "--tuner", "BatchTuner", "--no-baseline"]
    return annotate("run", "train.py", *words).stdout


def test_a_script_and_the_exports_get_the_chosen_option_itself(annotate, folder):
    (folder / "train.py").write_text(ASKS)
    output = batch(annotate, folder, OPTIONS)
    (line,) = [x for x in output.splitlines() if x.startswith("  annotate try")]
    assert line.split()[2:] == ["train.py", "optimizer=Adam", "lr=0.5"]
    assert "final lr: 0.5" in annotate(*line.split()[1:]).stderr
    (place,) = lookup.folders()
    with Store.open(place.store) as store, Reader(place.store) as reader:
        config = Config.from_json(store.experiment().config)
        job = trial_job(place, config, reader, store.trials()[1])
    assert json.loads(job.hyperParameters[0])["parameters"] == OPTIONS[1]
    with pytest.raises(AnnotateError, match="is not running"):
        enqueue(place, OPTIONS[1])
    with pytest.raises(SpaceError, match="there is no parameter 'optimizer'"):
        enqueue(place, {"optimizer": "Adam"})
    _check_exports(annotate, folder)


def _check_exports(annotate, folder):
    annotate("experiment", "export", "--filename", "all.json", "--type", "json")
    annotate("experiment", "export", "--filename", "all.csv", "--type", "csv")
    rows = json.loads((folder / "all.json").read_text())
    assert [row["parameter"] for row in rows] == OPTIONS
    assert ",optimizer,lr,momentum," in (folder / "all.csv").read_text()
    for name in ("all.json", "all.csv"):
        imported = annotate("experiment", "import", "--filename", name).stdout
        assert imported.startswith("2 results")
        assert "skipped" not in imported


def test_an_option_may_be_any_value(annotate, folder):
    (folder / "train.py").write_text(PLAIN)
    output = batch(annotate, folder, [2, 3])
    assert output.startswith("\nBest: trial 1 with ")
    assert " 6.\n" in output
    assert "annotate try" not in output


def test_an_annotated_script_gets_the_option_as_the_value_of_its_choice(annotate, folder):
    (folder / "train.py").write_text(ANNOTATED)
    output = annotate("run", "train.py", "--tuner", "batch", "--json").stdout
    assert [trial["metric"] for trial in json.loads(output)["trials"]] == [0.5, 0.25, 1]
