"""What an experiment optimizes, decided by the code that reports it."""

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from annotate.project import read_project
from runtime.core.config import BY_DEFAULT, BY_INTERMEDIATE, BY_NAME, Config
from runtime.core.objective import goal, objective_of, with_new_name, with_objective

VALUE = "lr = 0.1  # @nni.uniform(0, 1)\n"
FINAL = "# @nni.report_final_result({})\n"


def project_of(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return read_project(folder / "train.py", folder)


@pytest.fixture
def objective(tmp_path):
    def objective(**files):
        known = objective_of(project_of(tmp_path, **files), PurePosixPath("train.py"))
        return known.name, "max" if known.maximize else "min", known.by

    return objective


@pytest.mark.parametrize(
    "report",
    [
        FINAL.format("val_loss"),
        '"""@nni.report_final_result(val_loss)"""\n',
        "# @nni.report_final_result({\n#     'default': val_loss, 'acc': acc})\n",
        "import nni\nnni.report_final_result(float(val_loss))\n",
        "import nni as n\nn.report_final_result(metric=val_loss)\n",
        "from nni import report_final_result as report\nreport(val_loss)\n",
        FINAL.format("val_loss") + FINAL.format("0.0") + FINAL.format("val_loss"),
    ],
)
def test_annotations_and_calls_name_the_metric(objective, report):
    assert objective(train=VALUE + report) == ("val_loss", "min", BY_NAME)


def test_metrics_that_agree_decide_and_those_that_disagree_do_not(objective, tmp_path):
    both = VALUE + FINAL.format("test_loss") + FINAL.format("best_loss")
    assert objective(train=both) == ("", "min", BY_NAME)
    assert objective(train=VALUE + FINAL.format("acc") + FINAL.format("loss"))[1:] == (
        "max",
        BY_DEFAULT,
    )
    project = read_project(tmp_path / "train.py", tmp_path)
    assert objective_of(project, None).disagree == ("acc", "loss")


def test_intermediate_results_decide_if_the_final_name_says_nothing(objective):
    intermediate = "# @nni.report_intermediate_result(val_loss)\n"
    best = VALUE + intermediate + FINAL.format("best")
    assert objective(train=best) == ("best", "min", BY_INTERMEDIATE)
    named = VALUE + intermediate + FINAL.format("acc")
    assert objective(train=named) == ("acc", "max", BY_NAME)


def test_the_scripts_own_report_goes_before_those_of_modules_and_of_other_scripts(objective):
    files = {"helper": FINAL.format("acc"), "other": FINAL.format("perplexity")}
    own = VALUE + "import helper\n" + FINAL.format("loss")
    assert objective(train=own, **files) == ("loss", "min", BY_NAME)
    assert objective(train=VALUE + "import helper\n", **files) == ("acc", "max", BY_NAME)


def test_a_given_direction_is_kept_and_has_no_reason(tmp_path):
    config = Config("train.py", str(tmp_path), "python", maximize=True)
    project = project_of(tmp_path, train=VALUE + FINAL.format("val_loss"))
    given, notes = with_objective(config, project, has_direction=True)
    assert (goal(given, new=True), notes) == ("maximize val_loss", [])
    chosen, notes = with_objective(config, project, has_direction=False)
    assert goal(chosen, new=True) == "minimize val_loss (by its name; --maximize overrides)"
    assert goal(chosen, new=False) == "minimize val_loss (by its name)"
    assert notes == []
    assert goal(Config.from_json({**config.to_json(), "metric_name": ""}), new=False) == "maximize"


def test_names_that_disagree_are_noted(tmp_path):
    config = Config("train.py", str(tmp_path), "python")
    project = project_of(tmp_path, train=VALUE + FINAL.format("acc") + FINAL.format("loss"))
    config, (note,) = with_objective(config, project, has_direction=False)
    assert goal(config, new=True) == "maximize (default; --minimize overrides)"
    assert note.startswith("The script reports acc and loss, which improve in opposite directions.")


def test_a_script_that_was_changed_brings_a_new_name_but_the_old_direction(tmp_path):
    config = Config("train.py", str(tmp_path), "python", metric_name="acc", optimize_by=BY_NAME)
    project = project_of(tmp_path, train=VALUE + FINAL.format("val_loss"))
    changed, (note,) = with_new_name(config, project)
    assert changed == replace(config, metric_name="val_loss")
    assert note == (
        "The script now reports val_loss; the experiment keeps its direction, maximize."
    )
