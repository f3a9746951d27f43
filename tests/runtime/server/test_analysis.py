"""Analyses over all results: importance, progress and GPUs; and changes."""

import asyncio
import json
import threading

import pytest

from runtime.core.trial import GpuUse, TrialState
from runtime.server.importances import ImportanceCache
from runtime.store import Store
from tests.runtime.server.conftest import keep_trial, new_experiment, trial

LR, BATCH, HOSTILE = (
    "train/lr/loguniform",
    "train/batch/choice",
    "train/<img src=x onerror=alert(1)>/choice",
)
NESTED = {
    "opt": {
        "_type": "choice",
        "_value": [
            {"_name": "<i>adam</i>"},
            {"_name": "sgd", "lr": {"_type": "uniform", "_value": [0, 1]}},
        ],
    }
}


def depends_on_batch(n):
    return trial(n), [], 0.1 * (n % 3) + 0.0001 * (n % 7)


def learned(site, name):
    return site.json(f"/api/v1/experiments/{name}/importance")


def test_the_parameter_that_results_depend_on_matters_most(site):
    failed = (trial(60, TrialState.FAILED, reason="exit code 1"), [], None)
    new_experiment(site.home, "Depends", [*map(depends_on_batch, range(60)), failed])
    importance = learned(site, "Depends")
    first = importance["parameters"][0]
    assert (first["key"], first["name"], first["options"]) == (BATCH, "batch", [32, 64, 128])
    assert importance["alone"][0] == {"sides": [1], **importance["alone"][0]}
    assert importance["alone"][0]["share"] > 0.95
    assert first["along"]["mean"] == pytest.approx([0, 0.1, 0.2], abs=0.02)
    assert (importance["results"], importance["used"], importance["reason"]) == (60, 60, "")
    assert importance["counts"] == {"SUCCEEDED": 60, "FAILED": 1}
    assert [HOSTILE in p["key"] for p in importance["parameters"]].count(True) == 1


def test_the_marginal_of_a_pair_has_a_row_for_each_cell_of_the_first(site):
    new_experiment(site.home, "Paired", list(map(depends_on_batch, range(40))))
    ask = "/api/v1/experiments/Paired/importance/pair"
    answer = site.json(f"{ask}?first=1&second=0")
    assert len(answer["mean"]) == len(answer["spread"]) == 3
    assert len(answer["mean"][0]) == 32
    assert answer["mean"][2][5] > answer["mean"][0][5]
    for wrong, status in (("0&second=0", 404), ("0&second=99", 404), ("-1&second=0", 422)):
        assert site.ask(f"{ask}?first={wrong}")[0] == status
    assert site.ask("/api/v1/experiments/Empty/importance/pair?first=0&second=1")[0] == 404


def test_a_nested_parameter_has_the_path_to_it(site):
    def nested(n):
        inner = "<i>adam</i>" if n % 2 else {"_name": "sgd", "lr": n / 60}
        values = {"opt": {"_name": inner} if n % 2 else inner}
        return trial(n, values=values), [], float(n % 2)

    new_experiment(site.home, "Inside", list(map(nested, range(60))), space=NESTED)
    importance = learned(site, "Inside")
    inner = next(p for p in importance["parameters"] if p["key"] == "opt/lr")
    assert inner["name"] == "opt = sgd › lr"
    assert inner["route"] == [["opt", "sgd"], ["lr", None]]


def test_a_domain_among_the_options_is_named_by_its_law(site):
    law = {"_name": "nni.uniform(0, 1)", "uniform": {"_type": "uniform", "_value": [0, 1]}}
    space = {"p": {"_type": "choice", "_value": [0, law]}}
    rows = [
        (trial(n, values={"p": {**law, "uniform": n / 60} if n % 2 else 0}), [], float(n % 2))
        for n in range(20)
    ]
    new_experiment(site.home, "Laws", rows, space=space)
    assert "p (uniform)" in [p["name"] for p in learned(site, "Laws")["parameters"]]
    parameter = json.loads(site.ask("/api/v1/experiments/Laws")[2])["space"][0]
    assert parameter["text"] == "choice(0, uniform(0, 1))"
    assert parameter["children"][0]["name"] == "p (uniform)"


@pytest.mark.parametrize("name", ["Empty", "StrangeX"])
def test_with_too_few_results_the_reason_and_the_parameters_are_returned(site, name):
    importance = learned(site, name)
    assert importance["reason"].startswith("importance needs 12 results")
    assert "alone" not in importance
    assert [p["along"] for p in importance["parameters"]] == [None] * 3


def test_other_requests_are_answered_while_importance_is_computed(site):
    space = {f"p{n}": {"_type": "uniform", "_value": [0, 1]} for n in range(20)}

    def spread(n):
        values = {key: (n * (k + 3) * 0.618) % 1 for k, key in enumerate(space)}
        return trial(n, values=values), [], values["p0"]

    new_experiment(site.home, "Wide", list(map(spread, range(500))), space=space)
    order = []

    def learn():
        learned(site, "Wide")
        order.append("learned")

    learning = threading.Thread(target=learn)
    learning.start()
    site.json("/api/v1/nni/version")
    order.append("answered")
    learning.join()
    assert order == ["answered", "learned"]


def test_importance_is_recomputed_only_for_new_results(site):
    rows = list(map(depends_on_batch, range(20)))
    folder = new_experiment(site.home, "Once", rows)

    async def look():
        importances = ImportanceCache()
        first, other = await asyncio.gather(importances.of(folder), importances.of(folder))
        assert first is other
        with Store.open(folder.store, write=True) as store:
            keep_trial(store, *depends_on_batch(20))
        while (await importances.of(folder)).results == 20:
            await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(look(), 60))


def test_progress_has_each_improvement_by_number_and_by_time(site):
    nan = float("nan")
    metrics = [0.5, 0.4, nan, 0.7, float("inf"), 0.6]
    rows = [(trial(n, ended=1e9 + 10 - n), [], y) for n, y in enumerate(metrics)]
    rows.append((trial(6, TrialState.FAILED), [], 9.0))
    new_experiment(site.home, "Progress", rows)
    new_experiment(site.home, "Downwards", rows, maximize=False)
    answer = site.json("/api/v1/experiments/Progress/progress")
    assert answer["by_number"] == [[0, 10, 0.5], [3, 7, 0.7]]
    assert answer["by_time"] == [[5, 5, 0.6], [3, 7, 0.7]]
    assert (answer["last_number"], answer["last_seconds"]) == (5, 10)
    answer = site.json("/api/v1/experiments/Downwards/progress")
    assert answer["by_number"] == [[0, 10, 0.5], [1, 9, 0.4]]
    empty = site.json("/api/v1/experiments/Empty/progress")
    assert empty == {"by_number": [], "by_time": [], "last_number": None, "last_seconds": None}


def test_gpu_use_is_returned_for_all_or_selected_trials(site):
    folder = new_experiment(site.home, "Cards", list(map(depends_on_batch, range(3))))
    with Store.open(folder.store, write=True) as store:
        store.set_gpu(1, GpuUse(("0", "1"), 3.5, None, 1 << 30, 50.0))
        store.set_gpu(2, GpuUse(waits=({"rule": "full", "text": "<b>full</b>"},)))
    answer = site.json("/api/v1/experiments/Cards/gpus")
    assert answer["1"]["gpus"] == ["0", "1"]
    assert answer["2"]["waits"] == [{"rule": "full", "text": "<b>full</b>"}]
    assert list(site.json("/api/v1/experiments/Cards/gpus?trial=0&trial=1")) == ["1"]


WANTED = [
    ("trials", {"value": 9}),
    ("trials", {"value": None}),
    ("duration", {"seconds": "1h30m"}),
    ("duration", {"seconds": None}),
    ("space", {"space": {"x": {"_type": "uniform", "_value": [0, 1]}}}),
]


@pytest.mark.parametrize(("kind", "document"), WANTED)
def test_changing_a_stopped_experiment_is_refused_with_the_resume_command(site, kind, document):
    path = f"/api/v1/experiments/Plain/requests/{kind}"
    status, _, body = site.change(path, document=document)
    assert (status, b"annotate resume Plain" in body) == (409, True)
    for wrong in ({"Origin": "http://evil.example"}, {"X-Annotate-Token": "no"}):
        assert site.change(path, document=document, **wrong)[0] in (401, 403)


@pytest.mark.parametrize(
    ("kind", "document", "said"),
    [
        ("duration", {"seconds": "soon"}, b"not a duration"),
        ("space", {"space": {"x": {"_type": "unifrom", "_value": [0, 1]}}}, b"did you mean"),
        ("trials", {"seconds": "1h"}, b"the request 'trials' takes value"),
        ("trials", {"value": 0}, b"must be at least 1"),
    ],
)
def test_an_invalid_change_is_refused_with_the_reason(site, kind, document, said):
    status, _, body = site.change(f"/api/v1/experiments/Plain/requests/{kind}", document=document)
    assert status in (409, 422)
    assert said in body
