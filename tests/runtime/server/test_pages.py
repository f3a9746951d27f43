"""The pages in a real browser, over a server of their own."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.server import launch
from runtime.store import Store
from runtime.trial import TrialState
from tests.runtime.server.conftest import (
    SCRIPT,
    keep_trial,
    new_experiment,
    serving,
    trial,
    wait_for,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SHOTS = Path(__file__).parents[3] / "screenshots"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
PAGES = ("", "trials", "source", "importance", "timeline")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking"]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield started
        started.close()


@pytest.fixture
def page(browser, site):
    """A page that has the token; a script's error or a broken policy fails the test."""
    made = browser.new_page(viewport={"width": 1280, "height": 720})
    made.set_default_timeout(30_000)
    said = []
    made.on("pageerror", lambda error: said.append(str(error)))
    made.on("console", lambda m: said.append(m.text) if "Security Policy" in m.text else None)
    made.on("dialog", lambda dialog: said.append(dialog.message) or dialog.dismiss())
    made.goto(f"http://{site.host}/#token={site.token}")
    made.get_by_role("heading", name="Experiments").wait_for()
    yield made
    made.close()
    assert said == []


def go(page, site, name, at=""):
    page.goto(f"http://{site.host}/e/{name}/{at}")
    page.get_by_role("navigation", name="Pages").wait_for()
    page.wait_for_function("() => document.querySelector('main').textContent !== 'Loading…'")


def shoot(page, name):
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def test_the_token_leaves_the_address_and_stays_in_the_browser(page, site):
    assert page.url == f"http://{site.host}/"
    assert page.evaluate("localStorage.getItem('annotate-token')") == site.token


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_page_shows_any_experiment(page, site, width, scheme):
    page.set_viewport_size({"width": width, "height": 720})
    page.emulate_media(color_scheme=scheme)
    for name in ("Plain", "Empty", "StrangeX"):
        for at in PAGES:
            go(page, site, name, at)
            page.locator("main .card").first.wait_for()
            shoot(page, f"{name}-{at or 'overview'}-{scheme}-{width}")
            wide = """w => [...document.querySelectorAll('*')].filter(e =>
                e.getBoundingClientRect().right > w + 1 && !e.closest('.scroll, .code, .tabs'))
                .map(e => e.outerHTML.slice(0, 120))"""
            assert page.evaluate(wide, width) == [], (name, at)


def test_a_script_in_names_values_and_logs_is_text(page, site):
    go(page, site, "StrangeX", "trials")
    assert page.get_by_role("heading", level=1).inner_text() == SCRIPT
    page.get_by_role("button", name="Trial 3", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(f"{SCRIPT}").first.wait_for()
    page.wait_for_function(
        "document.querySelector('dialog pre').textContent.includes('last words')"
    )
    assert SCRIPT in dialog.locator("pre").inner_text()
    assert "taken" not in page.title().replace(SCRIPT, "")
    assert page.locator("main script, dialog script, main b >> text=a").count() == 0
    assert page.locator("img[onerror]").count() == 0


def test_the_table_searches_sorts_and_pages_on_the_server(page, site):
    go(page, site, "Plain", "trials")
    rows = page.locator("tbody tr[data-trial]")
    numbers = "rows => rows.map(row => Number(row.dataset.trial))"
    page.wait_for_function("() => document.querySelectorAll('tr[data-trial]').length === 25")
    assert rows.evaluate_all(numbers) == list(range(99, 74, -1))
    page.get_by_role("button", name="On", exact=True).click()
    page.locator("tr[data-trial='74']").wait_for()
    search = page.get_by_role("searchbox")
    search.fill("batch=64 metric>=0.9")
    page.get_by_text("1–3 of 3").wait_for()
    assert sorted(rows.evaluate_all(numbers)) == [91, 94, 97]
    page.get_by_role("button", name="Result", exact=True).last.click()
    page.locator("th[aria-sort=ascending]", has_text="Result").wait_for()
    assert rows.evaluate_all(numbers) == [91, 94, 97]
    search.fill("nothing like it")
    page.get_by_text("No trial is like that.").wait_for()


def test_trials_are_chosen_and_compared(page, site):
    go(page, site, "Plain", "trials")
    for number in (98, 99):
        page.get_by_role("checkbox", name=f"Choose trial {number}").check()
    page.get_by_role("button", name="Compare").click()
    dialog = page.get_by_role("dialog", name="Comparison")
    assert "0.98" in dialog.inner_text()
    assert "0.99" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert page.get_by_role("checkbox", name="Choose trial 98").is_checked()


def test_charts_are_read_by_keyboard(page, site):
    go(page, site, "Plain")
    page.locator("canvas").first.focus()
    page.wait_for_function(
        """() => { document.querySelector('canvas').dispatchEvent(
            new KeyboardEvent('keydown', {key: 'End', bubbles: true}));
            return document.querySelector('.tip').textContent.startsWith('trial 99: 0.99'); }"""
    )


def test_what_a_trial_reports_appears_without_losing_what_was_chosen(page, site):
    folder = new_experiment(site.home, "Live", [(trial(n), [], n / 10) for n in range(30)])
    go(page, site, "Live", "trials")
    page.get_by_role("checkbox", name="Choose trial 28").check()
    page.evaluate("window.mark = 1; window.scrollTo(0, 200)")
    with Store.open(folder.store, write=True) as store:
        keep_trial(store, trial(30), [0.5], 77.5)
    page.locator("tr[data-trial='30']").get_by_text("77.5").wait_for()
    assert page.get_by_role("checkbox", name="Choose trial 28").is_checked()
    assert page.evaluate("window.mark") == 1
    assert page.evaluate("window.scrollY") > 0


def test_an_update_brings_only_what_changed(site):
    folder = new_experiment(site.home, "Delta", [(trial(n), [], n / 10) for n in range(50)])
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    connection.request("GET", "/api/v1/experiments/Delta/events")
    answer = connection.getresponse()
    whole = json.loads(answer.readline())
    assert whole["whole"]
    assert len(whole["trials"]) == 50
    with Store.open(folder.store, write=True) as store:
        keep_trial(store, trial(50, TrialState.RUNNING, ended=None))
    line = json.loads(answer.readline())
    assert not line["whole"]
    assert [row[0] for row in line["trials"]] == [50]
    connection.close()


def test_a_server_that_goes_is_said_and_comes_back(page, site):
    go(page, site, "Plain")
    page.get_by_text("0.99").first.wait_for()
    before = os.environ["ANNOTATE_HOME"]
    os.environ["ANNOTATE_HOME"] = str(site.home)
    try:
        (server,) = launch.running()
        os.kill(server.pid, signal.SIGKILL)
        page.locator("#offline").wait_for(state="visible")
        launch.ensure(site.port)
        page.locator("#offline").wait_for(state="hidden")
    finally:
        os.environ["ANNOTATE_HOME"] = before


def test_the_source_is_shown_with_values_and_the_diff_that_apply_makes(
    annotate, folder, home, browser
):
    (folder / "train.py").write_text(
        "x = 0.5  # @nni.uniform(0, 1)\n# @nni.report_final_result(x)\n"
    )
    annotate("run", "train.py", "--max-trials", 6, "--tuner", "random", "--seed", 3)
    best = json.loads(annotate("trial", "ls", "--json").stdout)
    found = max(best, key=lambda t: t["metric"])["values"]["train/x/uniform"]
    with serving(home) as site:
        (name,) = [row["id"] for row in site.json("/api/v1/experiments")]
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        go(page, site, name, "source")
        diff = page.get_by_label("apply").locator("pre").inner_text()
        shoot(page, "source")
        assert page.locator("#L1 .hot").inner_text() == "0.5"
        assert "6 values tried" in page.locator("#L1 .spark").get_attribute("title")
        page.close()
    assert "-x = 0.5  # @nni.uniform(0, 1)" in diff
    assert f"+x = {found}  # @nni.uniform(0, 1)" in diff
    assert (folder / "train.py").read_text().startswith("x = 0.5")


def test_a_running_trial_is_killed_and_the_experiment_stopped_from_the_page(folder, home, browser):
    (folder / "train.py").write_text(
        "import time\nx = 0.5  # @nni.uniform(0, 1)\nfor step in range(900):\n"
        "    time.sleep(0.1)\n    # @nni.report_intermediate_result(step)\n"
        "# @nni.report_final_result(x)\n"
    )
    words = ("run", "train.py", "--max-trials", "2", "--tuner", "random", "--max-failures", "9")
    driver = subprocess.Popen(
        [sys.executable, "-m", "annotate", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with serving(home) as site:
            jobs = "/api/v1/nni/trial-jobs?status=RUNNING"
            wait_for(lambda: site.ask(jobs)[2].startswith(b"[{"))
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.on("dialog", lambda dialog: dialog.accept())
            name = site.json("/api/v1/nni/experiment")["id"]
            page.goto(f"http://{site.host}/e/{name}/trials#token={site.token}")
            page.get_by_role("button", name="Trial 0", exact=True).click()
            page.get_by_role("button", name="Kill", exact=True).click()
            page.locator("tr[data-trial='0']").get_by_text("user canceled").wait_for()
            page.get_by_role("button", name="Stop", exact=True).click()
            page.locator("#top").get_by_text("stopped").wait_for()
            page.close()
        assert driver.wait(timeout=60) is not None
    finally:
        driver.terminate()
        driver.wait(timeout=60)


def test_no_file_of_ours_loads_anything_from_elsewhere():
    static = Path(launch.__file__).parent / "static"
    for path in static.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|innerHTML|eval\(|document\.write", text), path


def test_reading_changes_no_store(site):
    folder = new_experiment(site.home, "Still", [(trial(n), [0.1], 0.5) for n in range(5)])
    before = folder.store.read_bytes()
    for path in ("", "/trials", "/values", "/source", "/results.csv", "/curves?trial=1"):
        assert site.ask(f"/api/v1/experiments/Still{path}")[0] == 200
    assert folder.store.read_bytes() == before
    with sqlite3.connect(folder.store) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
