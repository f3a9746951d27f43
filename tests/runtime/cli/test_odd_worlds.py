"""Streams that are closed or full, folders that are gone: a sentence, and no result is lost."""

import json
import os
import subprocess
import sys

import pytest

from runtime.cli import main
from runtime.core.config import Config
from runtime.driver.resumable import check_resumable
from runtime.kept import lookup
from runtime.store import Store
from tests.runtime.server.conftest import new_experiment, trial

SCRIPT = "lr = 0.1  # @nni.uniform(0, 1)\n# @nni.report_final_result(lr)\n"
REMOVES = """\
import os, shutil
lr = 0.1  # @nni.uniform(0, 1)
if os.environ["NNI_TRIAL_SEQ_ID"] == "1":
    experiment = os.path.dirname(os.path.dirname(os.environ["NNI_SYS_DIR"]))
    # At once: the driver kills the trial when it notices, which may be in the middle of a removal.
    os.rename(experiment, experiment + "-gone")
    shutil.rmtree(experiment + "-gone")
# @nni.report_final_result(lr)
"""


def shell(line, **options):
    line = line.replace("annotate", f"{sys.executable} -m annotate")
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, **options)


def states():
    (folder,) = lookup.folders()
    with Store.open(folder.store) as store:
        return store.experiment().state, [t.state.value for t in store.trials()]


def test_closed_and_full_streams_lose_no_result(folder):
    (folder / "train.py").write_text(SCRIPT)
    run = "annotate run train.py --tuner random --max-trials 2"
    done = shell(f"{run} <&- >&- 2>&-")
    assert done.returncode == 0
    assert states() == ("DONE", ["SUCCEEDED"] * 2)
    done = shell("annotate resume --max-trials 3 2>/dev/full >/dev/full")
    assert done.returncode == 2
    assert states() == ("DONE", ["SUCCEEDED"] * 3)
    done = shell("annotate trial ls >/dev/full")
    assert done.returncode == 2
    assert "annotate: the output cannot be written: No space left on device\n" in done.stderr


def test_a_folder_that_is_gone_is_no_current_one(tmp_path):
    gone = tmp_path / "gone"
    line = f"mkdir '{gone}' && cd '{gone}' && rmdir '{gone}' && annotate trial ls"
    done = shell(line)
    assert done.returncode == 2
    assert done.stderr == (
        "annotate: the current folder cannot be used: No such file or directory\n"
        "hint: it was deleted or moved; change to a folder that exists\n"
    )


def test_a_driver_whose_folder_vanishes_ends_with_an_error(annotate, folder):
    (folder / "train.py").write_text(REMOVES)
    done = annotate("run", "train.py", "--tuner", "random", "--max-trials", 5, code=2)
    assert done.stdout == ""
    assert "experiment.db was removed while it was in use\n" in done.stderr
    assert "All results are kept" not in done.stderr
    assert lookup.folders() == []


@pytest.mark.parametrize("gone", ["project", "stage", "snapshot", "python"])
def test_resume_names_what_is_gone(home, folder, gone):
    experiment = new_experiment(home, "Good1111", [(trial(0), [0.1], 0.5)])
    experiment.snapshot.mkdir()
    paths = {"project": folder / "project", "python": folder / "python"}
    paths["project"].mkdir()
    paths["python"].touch(mode=0o755)
    paths |= {"stage": experiment.stage, "snapshot": experiment.snapshot}
    (experiment.stage / "root").write_bytes(os.fsencode(paths["project"]))
    config = Config("train.py", str(folder), str(paths["python"]))
    check_resumable(experiment, config)
    paths[gone].rename(folder / "elsewhere")
    with pytest.raises(Exception, match=r"(?s)Good1111 cannot be resumed: .* is gone"):
        check_resumable(experiment, config)


def test_an_export_replaces_a_file_only_by_force(home, folder, capsys):
    new_experiment(home, "Good1111", [(trial(0), [0.1], 0.5)])
    (folder / "mine.json").write_text("mine")
    (folder / "link.json").symlink_to("mine.json")
    for name in ("mine.json", "link.json"):
        export = ["experiment", "export", "Good1111", "--filename", name]
        assert main(export) == 2
        assert f"{name} already exists; nothing was written" in capsys.readouterr().err
        assert (folder / "mine.json").read_text() == "mine"
    assert main([*export, "--force"]) == 0
    assert (folder / "link.json").is_symlink()
    assert json.loads((folder / "mine.json").read_text())[0]["number"] == 0
    assert main(["experiment", "export", "Good1111", "--filename", "/dev/null"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["link.json", "mine.json"]
