"""What trials see of the GPUs of their job: null devices of a real Slurm."""

from types import SimpleNamespace

import pytest

from runtime.executors.slurm.commands import Status
from runtime.executors.slurm.jobs import SlurmJob

SCRIPT = """\
import os, time
x = 0.5  # @nni.uniform(0, 1)
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
for name in {others!r}:
    while not os.path.exists(name):
        open({mine!r} + os.environ["NNI_TRIAL_SEQ_ID"], "w").close()
        time.sleep(0.02)
# @nni.report_final_result(x)
"""


@pytest.mark.parametrize(
    ("devices", "slots", "shares"),
    [
        ("0,1,2,3", 2, ["0,2", "1,3"]),
        ("0,1,2", 2, ["0,2", "1"]),
        ("0,1", 4, ["0", "1", "0", "1"]),
        ("GPU-a,GPU-b", 2, ["GPU-a", "GPU-b"]),
        ("0,1", 1, [None]),
        (None, 2, [None, None]),
    ],
)
def test_the_slots_of_a_pilot_share_its_gpus(devices, slots, shares):
    job = SlurmJob("1", Status("1", "RUNNING"), SimpleNamespace(facts={"devices": devices}))
    assert [job.gpus_of(slot, slots) for slot in range(slots)] == shares


def test_a_slot_is_given_again_once_its_trial_has_ended():
    job = SlurmJob("1", Status("1", "RUNNING"))
    assert [job.take(7), job.take(8), job.take(7)] == [0, 1, 0]
    job.give_back(7)
    assert (job.take(9), job.take(10, 5)) == (0, 5)


@pytest.mark.engines
@pytest.mark.parametrize(
    ("options", "seen"),
    [("pilots=1,slots=2,gres=gpu:2", ["0", "1"]), ("nodelist=n1,gres=gpu:1", ["0", "1"])],
)
def test_trials_see_their_share_of_the_gpus_of_their_job(project, tmp_path, options, seen):
    mine = f"{tmp_path}/mark"
    others = [f"{mine}0", f"{mine}1"]  # both run at the same time
    (project.folder / "train.py").write_text(SCRIPT.format(others=others, mine=mine))
    words = ["--slurm", f"time=10,{options}", "--max-trials", "2", "--concurrency", "2"]
    project.run("run", "train.py", *words)
    outputs = [project.experiment / "trials" / str(trial) / "stdout" for trial in (0, 1)]
    assert sorted(output.read_text().strip() for output in outputs) == seen
