"""NNI's REST API: documents, arbitrary input, and changes of a running experiment."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.runtime.server.conftest import SCRIPT, running, wait_for


def test_the_documents_are_nnis(site):
    profile = site.json("/api/v1/nni/experiment")
    assert profile["id"] == "Plain"
    assert json.loads(profile["params"]["searchSpace"])["train/lr/loguniform"]["_type"]
    jobs = site.json("/api/v1/nni/trial-jobs")
    assert [job["sequenceId"] for job in jobs] == list(range(100))
    job = site.json(f"/api/v1/nni/trial-jobs/{jobs[7]['id']}")
    parameters = json.loads(job["hyperParameters"][0])["parameters"]
    assert parameters["train/batch/choice"] == 64
    assert json.loads(json.loads(job["finalMetricData"][0]["data"])) == 0.07
    assert site.json("/api/v1/nni/job-statistics") == [
        {"trialJobStatus": "SUCCEEDED", "trialJobNumber": 100}
    ]
    every, latest = (site.json(f"/api/v1/nni/metric-data{end}") for end in ("", "-latest"))
    assert len(every) == 200
    assert every == latest
    assert len(site.json(f"/api/v1/nni/metric-data/{job['id']}")) == 2
    assert site.json("/api/v1/nni/check-status") == {"status": "DONE", "errors": []}


def test_results_and_output_are_nnis(site):
    (first, *_), jobs = site.json("/api/v1/nni/export-data"), site.json("/api/v1/nni/trial-jobs")
    assert first.keys() == {"parameter", "value", "trialJobId"}
    assert json.loads(first["value"]) == 0
    metrics = site.json("/api/v1/nni/metric-data-range/7/9")
    assert [m["parameterId"] for m in metrics] == ["7", "7", "8", "8", "9", "9"]
    assert site.json("/api/v1/nni/metric-data-range/9/7") == []
    assert site.json("/api/v1/nni/experiment/imported-data") == []
    metadata = site.json("/api/v1/nni/experiment-metadata?experiment=Plain")
    assert metadata["status"] == "DONE"
    assert metadata["port"] == site.port
    assert metadata in site.json("/api/v1/nni/experiments-info")
    for name in ("trial-log/7/TRIAL_STDERR", "trial-file/7/stdout"):
        assert site.ask(f"/api/v1/nni/{name}")[0] == 200, "nothing was printed"
    assert site.ask("/api/v1/nni/trial-file/7/model.onnx")[0] == 404
    assert "endTime" in jobs[0]
    (waiting,) = site.json("/api/v1/nni/trial-jobs?experiment=StrangeX&status=WAITING")
    assert "endTime" not in waiting, "as in NNI, whose clients iterate over what is there"
    assert "finalMetricData" not in waiting


def test_any_experiment_can_be_requested(site):
    assert site.json("/api/v1/nni/trial-jobs?experiment=Empty") == []
    assert site.json("/api/v1/nni/metric-data?experiment=Empty") == []
    assert site.json("/api/v1/nni/check-status?experiment=Empty")["status"] == "STOPPED"
    assert site.json("/api/v1/nni/experiment?experiment=None", 404)["error"]


def test_nan_and_infinity_are_valid_json(site):
    for path in ("experiment", "trial-jobs", "metric-data", "metric-data-latest"):
        site.json(f"/api/v1/nni/{path}?experiment=StrangeX")
    jobs = site.json("/api/v1/nni/trial-jobs?experiment=StrangeX")
    assert json.loads(json.loads(jobs[1]["finalMetricData"][0]["data"])) == "nan"
    assert jobs[3]["message"] == SCRIPT
    for path in ("", "/trials", "/trials/1", "/curves?trial=1", "/values", "/results.json"):
        site.json(f"/api/v1/experiments/StrangeX{path}")


def test_a_stopped_experiment_refuses_changes(site):
    for method, path, document in (
        ("DELETE", "/trial-jobs/0", None),
        ("PUT", "/experiment?update_type=TRIAL_CONCURRENCY", {"params": {"trialConcurrency": 2}}),
        ("POST", "/trial-jobs", {"lr": 0.01}),
    ):
        status, _, body = site.change(f"/api/v1/nni{path}", method, document)
        assert status == 409
        assert "is not running" in json.loads(body)["error"]


@pytest.mark.filterwarnings("ignore")
def test_the_api_matches_its_openapi_document(site):
    schema = schemathesis.openapi.from_dict(site.json("/api/openapi.json"))
    headers = {"Origin": f"http://{site.host}", "X-Annotate-Token": site.token}
    headers["Content-Type"] = "application/json"  # even without a body
    # Undocumented requests other than GET get 403 or 415 before the method is checked.
    excluded = schemathesis.checks.CHECKS.get_by_names(["unsupported_method"])
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 20
    for operation in operations:

        @settings(
            max_examples=8,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
            derandomize=True,
        )
        @given(case=operation.as_strategy())
        def run(case):
            case.call_and_validate(
                base_url=f"http://{site.host}", headers=headers, excluded_checks=excluded
            )

        run()


SLOW = """\
import time
x = 0.5  # @nni.uniform(0, 1)
for step in range(6000 if x > 0.1 else 1):
    time.sleep(0.1)
    # @nni.report_intermediate_result(step)
# @nni.report_final_result(x)
"""


def test_changes_reach_a_running_experiment(folder, home):
    (folder / "train.py").write_text(SLOW)
    with running(home, "--max-trials", "3", "--seed", "1") as (site, _, _):
        trial = wait_for(lambda: _running(site))
        answer = site.change("/api/v1/nni/trial-jobs", "POST", {"x": 7})
        assert answer[0] == 409
        assert "x" in json.loads(answer[2])["error"]
        assert site.change("/api/v1/nni/trial-jobs", "POST", {"x": 0.01})[0] == 200
        result = {"parameter": {"x": 0.5}, "value": "0.25"}  # its value is text in NNI's exports
        assert site.change("/api/v1/nni/experiment/import-data", "POST", [result])[0] == 200
        (imported,) = site.json("/api/v1/nni/experiment/imported-data")
        assert list(json.loads(imported)["parameter"].values()) == [0.5]
        assert json.loads(imported)["value"] == 0.25
        body = {"params": {"trialConcurrency": 2, "maxTrialNum": 2}}
        path = "/api/v1/nni/experiment?update_type="
        assert site.change(f"{path}TRIAL_CONCURRENCY", "PUT", body)[0] == 200
        mine = wait_for(lambda: _ended(site, {"SUCCEEDED"}))
        assert json.loads(mine["hyperParameters"][0])["parameter_source"] == "customized"
        assert site.change(f"{path}MAX_TRIAL_NUM", "PUT", body)[0] == 200
        for kind, wrong in (
            ("kill", {"trial": "x"}),
            ("concurrency", {"value": 0}),
            ("import", {"results": []}),
            ("stop", {"trial": 1}),
            ("enqueue", {"values": {"x": 7}}),
        ):
            url = f"/api/v1/experiments/{site.json('/api/v1/nni/experiment')['id']}"
            assert site.change(f"{url}/requests/{kind}", "POST", wrong)[0] in (409, 422), kind
        assert site.change(f"/api/v1/nni/trial-jobs/{trial['id']}", "DELETE")[0] == 200
        assert wait_for(lambda: _ended(site, {"USER_CANCELED"}))["id"] == trial["id"]


def _jobs(site):
    status, _, body = site.ask("/api/v1/nni/trial-jobs")
    return json.loads(body) if status == 200 else []


def _running(site):
    return next((job for job in _jobs(site) if job["status"] == "RUNNING"), None)


def _ended(site, states):
    return next((job for job in _jobs(site) if job["status"] in states), None)
