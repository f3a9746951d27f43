"""Measure the web pages with one huge experiment, the server, and Chromium.

  python benchmarks/pages.py
  python benchmarks/pages.py --trials 1000 --reports 10

Prints one JSON document: seconds until the overview of all trials is usable (its chart and numbers
are shown), bytes of the first line of changes and of one update, milliseconds for a page of the
table, seconds for the importance of the parameters and the wait of another request meanwhile, and
the share of a core that server and browser use when idle. Needs Chromium and the `test` extra.
Repeated measurements are medians of --repeats.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import psutil

from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Origin, Report, Trial, TrialState
from runtime.server import launch
from runtime.store import ExperimentRow, Store

SPACE = {
    "train/lr/loguniform": {"_type": "loguniform", "_value": [1e-5, 0.1]},
    "train/batch/choice": {"_type": "choice", "_value": [32, 64, 128]},
    "train/dropout/uniform": {"_type": "uniform", "_value": [0, 0.9]},
    "train/width/quniform": {"_type": "quniform", "_value": [16, 512, 16]},
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--reports", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--idle", type=float, default=20.0, metavar="SECONDS")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["ANNOTATE_HOME"] = home
        folder = _fill(Path(home), args.trials, args.reports)
        (link, *_) = launch.ensure()
        try:
            base = link.partition("/#")[0]
            measured = _table(base, args.repeats) | _importance(base) | _browser(base, folder, args)
        finally:
            launch.stop()
    print(json.dumps({"trials": args.trials, "reports": args.reports} | measured, indent=2))


def _fill(home: Path, trials: int, reports: int) -> ExperimentFolder:
    folder = ExperimentFolder(home / "experiments" / "Huge")
    folder.stage.mkdir(parents=True)
    config = Config("train.py", str(home), "python", name="huge", max_trials=trials)
    space = SearchSpace.from_json(SPACE)
    row = ExperimentRow("Huge", "huge", "DONE", None, config.to_json(), space, 1e9, 1e9 + trials)
    rng = random.Random(0)
    with Store.create(folder.store, row) as store:
        store.sync_in_background()
        for number in range(trials):
            _keep(store, number, reports, rng)
    return folder


def _keep(store: Store, number: int, reports: int, rng: random.Random) -> None:
    values = {
        "train/lr/loguniform": 10 ** rng.uniform(-5, -1),
        "train/batch/choice": rng.choice((32, 64, 128)),
        "train/dropout/uniform": rng.uniform(0, 0.9),
        "train/width/quniform": rng.randrange(16, 513, 16),
    }
    at = 1e9 + number
    name, state = f"t{number:05}", TrialState.SUCCEEDED
    trial = Trial(number, name, Origin.TUNER, state, values, created=at, started=at, ended=at + 0.9)
    store.add_trial(trial)
    store.start_trial(number, at)
    curve = [Report("intermediate", 1 - 1 / (n + 2), at) for n in range(reports)]
    store.add_reports(number, [*curve, Report("final", rng.gauss(0.8, 0.05), at)])
    store.end_trial(trial)


def _table(base: str, repeats: int) -> dict[str, float]:
    """Milliseconds for a page in the middle of the table, and for a search by values."""
    questions = {
        "table_page_ms": "offset=5000&sort=metric",
        "table_search_ms": "search=" + urllib.parse.quote("lr<0.001 batch=64 metric>0.85"),
    }
    url = f"{base}/api/v1/experiments/Huge/trials?limit=25&"
    return {name: _median_ms(url + words, repeats) for name, words in questions.items()}


def _importance(base: str) -> dict[str, float]:
    """Seconds to the first result, and the longest wait of another request meanwhile."""
    took = []

    def learn() -> None:
        start = time.perf_counter()
        _open(f"{base}/api/v1/experiments/Huge/importance").read()
        took.append(time.perf_counter() - start)

    learning = threading.Thread(target=learn)
    learning.start()
    waits = [0.0]
    while not took:
        waits.append(_median_ms(f"{base}/api/v1/nni/version", 1))
    learning.join()
    return {"importance_s": round(took[0], 3), "others_wait_ms": max(waits)}


def _open(url: str) -> http.client.HTTPResponse:
    known = {"X-Annotate-Token": launch.token()}
    response = urllib.request.urlopen(urllib.request.Request(url, headers=known), timeout=60)
    assert isinstance(response, http.client.HTTPResponse)
    return response


def _median_ms(url: str, repeats: int) -> float:
    for _ in range(100):  # the server may still be starting
        try:
            _open(url).read()
            break
        except OSError:
            time.sleep(0.1)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        _open(url).read()
        times.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(times), 1)


def _browser(base: str, folder: ExperimentFolder, args: argparse.Namespace) -> dict[str, object]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    options = ["--no-sandbox", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        loads = [_load(browser, base, args.trials) for _ in range(args.repeats)]
        page = browser.new_page()
        page.goto(f"{base}/e/Huge#token={launch.token()}")
        time.sleep(3)
        idle = _idle(args.idle)
        browser.close()
    return {"overview_s": round(statistics.median(loads), 3), **idle, **_updates(base, folder)}


def _load(browser: object, base: str, trials: int) -> float:
    page = browser.new_page(viewport={"width": 1280, "height": 720})  # type: ignore[attr-defined]
    start = time.perf_counter()
    page.goto(f"{base}/e/Huge#token={launch.token()}")
    # The chart can be read by keyboard as soon as it is drawn with every trial.
    page.wait_for_function(
        f"""() => {{ const c = document.querySelector('canvas'); if (!c) return false;
        c.dispatchEvent(new KeyboardEvent('keydown', {{key: 'End', bubbles: true}}));
        return document.querySelector('.tip').textContent.startsWith('trial {trials - 1}:'); }}"""
    )
    took = time.perf_counter() - start
    page.close()
    return took


def _idle(seconds: float) -> dict[str, float]:
    """Percent of one core that the server and all of Chromium's processes use."""
    (server,) = launch.running()
    ours = psutil.Process()
    groups = {
        "idle_server_percent": [psutil.Process(server.pid)],
        "idle_browser_percent": [p for p in ours.children(recursive=True) if "chrom" in p.name()],
    }
    before = {name: _cpu(processes) for name, processes in groups.items()}
    time.sleep(seconds)
    return {n: round(100 * (_cpu(p) - before[n]) / seconds, 2) for n, p in groups.items()}


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(p.cpu_times().user + p.cpu_times().system for p in processes)


def _updates(base: str, folder: ExperimentFolder) -> dict[str, float]:
    """Bytes of the first line and of the update for one more trial, and the update's delay."""
    with _open(f"{base}/api/v1/experiments/Huge/events") as events:
        whole = events.readline()
        number = json.loads(whole)["trials"][-1][0] + 1
        with Store.open(folder.store, write=True) as store:
            store.sync_in_background()
            start = time.perf_counter()
            _keep(store, number, 1, random.Random(1))
        line = events.readline()
        took = time.perf_counter() - start
    return {"first_bytes": len(whole), "update_bytes": len(line), "update_s": round(took, 3)}


if __name__ == "__main__":
    main()
