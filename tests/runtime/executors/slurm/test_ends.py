"""How jobs end: pre-emption, time limits, renewal, and jobs that are of no use."""

import itertools
import json

import pytest

pytestmark = pytest.mark.engines

ONCE_TOO_LONG = """\
import os, time
x = 0.5  # @nni.uniform(0, 1)
print("step 0", flush=True)
print("step 1", flush=True)
print("step 2", flush=True)
if not os.path.exists({mark!r}):
    open({mark!r}, "w").close()
    time.sleep(1000)
# @nni.report_final_result(x)
"""


def preempt(cluster):
    """Have a job of a higher priority take both nodes for a moment."""
    words = ("--partition=urgent", "--exclusive", "--nodes=2", "--time=1", "--output=/dev/null")
    return cluster.ask("sbatch", "--parsable", *words, "--wrap=sleep 1").strip()


@pytest.mark.parametrize("kind", ["", ",pilots=1,slots=2"])
def test_trials_of_preempted_jobs_run_again(project, cluster, kind):
    project.write(80)
    words = ["--slurm", f"partition=cheap,time=10{kind}", "--max-trials", "2", "--concurrency", "2"]
    run = project.start("run", "train.py", *words)
    project.wait_for_steps(0, 1)
    jobs = [project.job(0), project.job(1)]
    preempt(cluster)
    _, err = project.finish(run)
    for trial, job in enumerate(jobs):
        reason = f"Slurm job {job} was pre-empted"
        assert f"trial {trial} was interrupted because {reason}; it will run again" in err
    project.check([0, 1], 80)
    assert all(trial.retries == 0 for trial in project.trials())


def test_a_preempted_pilot_ends_its_trials_in_the_time_that_it_is_given(project, cluster):
    project.write(100)
    words = ["--slurm", "partition=patient,time=10,pilots=1", "--max-trials", "2"]
    run = project.start("run", "train.py", *words)
    project.wait_for_steps(0)
    job = project.job(0)
    preempt(cluster)
    _, err = project.finish(run)
    assert "interrupted" not in err
    project.check([0, 1], 100)
    assert project.job(0) == job, "it ended there"
    assert project.job(1) != job, "no other trial began there"


@pytest.mark.parametrize("kind", ["", ",pilots=1"])
def test_a_trial_that_the_time_limit_cuts_off_runs_again(project, cluster, tmp_path, kind):
    script = ONCE_TOO_LONG.format(mark=str(tmp_path / "mark"))
    (project.folder / "train.py").write_text(script)
    run = project.start("run", "train.py", "--slurm", f"time=1{kind}", "--max-trials", "1")
    project.wait_for_steps(0)
    job = project.job(0)
    _, err = project.finish(run)
    assert f"trial 0 was interrupted because Slurm job {job} reached its time limit" in err
    (trial,) = project.trials()
    assert trial.metric is not None
    assert trial.retries == 0


def test_a_pilot_is_renewed_before_its_time_ends(project, cluster):
    project.write(60)
    words = ["--slurm", "time=1,pilots=1,slots=2", "--max-trials", "40", "--json"]
    out, err = project.run("run", "train.py", *words)
    assert "interrupted" not in err
    project.check(range(40), 60)
    trials = sorted(json.loads(out)["trials"], key=lambda trial: trial["started"])
    machines = list(dict.fromkeys(trial["machine"] for trial in trials))
    assert len(machines) >= 2
    for old, new in itertools.pairwise(machines):
        last = max(trial["started"] for trial in trials if trial["machine"] == old)
        submitted = cluster.submitted(new.removeprefix("slurm-"))
        assert submitted <= last, "the new one was asked for while the old one took trials"


def test_jobs_of_no_use_end_the_experiment(project, cluster):
    project.write(1)
    words = ["--slurm", "time=10", "--python", "/no/python", "--max-trials", "1"]
    _, err = project.run("run", "train.py", *words, code=2)
    assert "3 Slurm jobs ended before a trial could start" in err
    assert "/no/python" in err
    name = project.experiment.name
    project.wait_for(lambda: name not in cluster.ask("squeue", "-h", "-o", "%j"))


def test_what_a_killed_pilot_leaves_is_removed_by_the_next(project, cluster):
    project.write(60)
    words = ["--slurm", "pilots=1,time=10,nodelist=n1", "--max-trials", "1"]
    run = project.start("run", "train.py", *words)
    project.wait_for_steps(0)
    cluster.kill_trials("n1")
    _, err = project.finish(run)
    assert "trial 0 was interrupted" in err
    project.check([0], 60)
    root = cluster.home("n1") / ".local/share/annotate/agent"
    assert list(root.glob(f"experiments/{project.experiment.name}*")) == []
