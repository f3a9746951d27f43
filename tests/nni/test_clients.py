"""NNI's own clients, from its wheels, with a running experiment of ours."""

import json
import subprocess

import pytest

from tests.conftest import INTERPRETERS
from tests.runtime.server.conftest import running, wait_for

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1200)]

TRAIN = """\
import time
x = 0.5  # @nni.uniform(0, 1)
# @nni.report_intermediate_result(x)
if x != 0.5:
    time.sleep(600)
# @nni.report_final_result({"default": x, "loss": 1})
"""
NNICLI = """\
import json, sys
from nnicli import Experiment
experiment = Experiment()
experiment.connect_experiment("http://localhost:" + sys.argv[1])
jobs, results = experiment.list_trial_jobs(), experiment.export_data()
print(json.dumps({
    "id": experiment.exp_id,
    "status": experiment.get_experiment_status()["status"],
    "jobs": [[job.trialJobId, job.status, job.hyperParameters[0].parameters] for job in jobs],
    "one": experiment.get_trial_job(jobs[0].trialJobId).finalMetricData[0].data,
    "results": [[r.trialJobId, r.parameter, r.value] for r in results],
    "metrics": [m.data for m in experiment.get_job_metrics(jobs[1].trialJobId)[jobs[1].trialJobId]],
    "statistics": experiment.get_job_statistics(),
    "profile": experiment.get_experiment_profile()["params"]["trialConcurrency"],
}))
"""
EXPERIMENT = """\
import json, sys
from nni.experiment import Experiment
experiment = Experiment.connect(int(sys.argv[1]))
jobs, results = experiment.list_trial_jobs(), experiment.export_data()
print(json.dumps({
    "id": experiment.id,
    "status": experiment.get_status(),
    "jobs": [[job.trialJobId, job.status, job.hyperParameters[0].parameters] for job in jobs],
    "one": experiment.get_trial_job(jobs[0].trialJobId).finalMetricData[0].data,
    "results": [[r.trialJobId, r.parameter, r.value] for r in results],
    "metrics": [m.data for m in experiment.get_job_metrics(jobs[1].trialJobId)[jobs[1].trialJobId]],
    "statistics": experiment.get_job_statistics(),
    "profile": experiment.get_experiment_profile()["params"]["trialConcurrency"],
    "pid": experiment._proc.pid,
}))
"""
#: Of each: the wheel, what pip installs with it, and the script.
CLIENTS = {
    "nnicli": (["--no-deps", "nni==1.9"], ["requests"], NNICLI),
    "Experiment": (["nni==3.0"], [], EXPERIMENT),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_nnis_client_reads_a_running_experiment(name, folder, home, tmp_path):
    wheel, packages, script = CLIENTS[name]
    old = [python for python in INTERPRETERS if "3.10" in python]
    if not old:
        pytest.skip("NNI's packages need a Python of their time, such as 3.10")
    python = tmp_path / "environment" / "bin" / "python"
    subprocess.run([old[0], "-m", "venv", python.parents[1]], check=True)
    pip = [python, "-m", "pip", "install", "-q"]
    for words in filter(None, (packages, wheel)):
        subprocess.run([*pip, *words], check=True)
    (folder / "train.py").write_text(TRAIN)
    with running(home, "--max-trials", "9", "--concurrency", "2") as (site, experiment, driver):
        wait_for(lambda: len(site.json("/api/v1/nni/metric-data")) >= 4)
        done = subprocess.run(
            [python, "-c", script, str(site.port)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])  # NNI 3 logs before it
    first, second, *_ = answer["jobs"]
    assert (answer["id"], answer["status"], answer["profile"]) == (experiment, "RUNNING", 2)
    assert first[1:] == ["SUCCEEDED", {"train/x/uniform": 0.5}]
    assert second[1] == "RUNNING"
    assert answer["one"] == {"default": 0.5, "loss": 1}
    assert answer["results"] == [[first[0], first[2], {"default": 0.5, "loss": 1}]]
    assert answer["metrics"] == [second[2]["train/x/uniform"]]
    states = {row["trialJobStatus"]: row["trialJobNumber"] for row in answer["statistics"]}
    assert states == {"SUCCEEDED": 1, "RUNNING": 2}
    assert answer.get("pid", driver.pid) == driver.pid
