"""The pages in a real browser, with a separate server: every page, any experiment, live."""

import http.client
import json
import os
import re
import signal
import sqlite3
from pathlib import Path

import pytest

from runtime.core.trial import TrialState
from runtime.server import launch
from runtime.store import Store
from tests.runtime.server.conftest import (
    PAGES,
    SCRIPT,
    go,
    keep_trial,
    new_experiment,
    shoot,
    trial,
    zoom,
)


def test_the_token_leaves_the_address_and_stays_in_the_browser(page, site):
    page.goto(f"http://{site.host}/#token={site.token}")
    page.get_by_role("heading", name="Experiments").wait_for()
    assert page.url == f"http://{site.host}/"
    assert page.evaluate("localStorage.getItem('annotate-token')") == site.token


def test_the_plain_address_allows_reading_and_changes_ask_for_the_link(page, site, said):
    page.goto(f"http://{site.host}/e/Plain")
    page.get_by_role("heading", name="Best values").wait_for()
    status, _, body = site.change(
        "/api/v1/experiments/Plain/requests/stop", document={}, **{"X-Annotate-Token": ""}
    )
    assert status == 401
    assert b"annotate webui url" in body


def test_a_visitor_without_the_link_is_told_how_to_get_in(page, open_site, said):
    site = open_site
    page.goto(f"http://{site.host}/e/Plain")
    page.get_by_text("annotate webui url").wait_for()
    assert "Plain" not in page.locator("main").inner_text()
    entry = page.get_by_label("Link or secret")
    entry.fill("no link")
    entry.press("Enter")
    page.get_by_text("neither a link to this server").wait_for()
    entry.fill("A" * 43)
    entry.press("Enter")
    page.get_by_text("The server rejected this secret").wait_for()
    assert entry.input_value() == "A" * 43  # what was typed can be corrected
    entry.fill(f"http://127.0.0.1:{site.port}/e/Plain#token={site.token}")
    entry.press("Enter")
    page.get_by_role("heading", name="Best values").wait_for()
    page.goto("about:blank")  # before the server ends
    assert [text for text in said if "401" not in text] == []
    said.clear()  # the browser itself logs each refusal


@pytest.mark.parametrize("name", ["Plain", "Empty", "StrangeX", "Longest", "Failing", "Many"])
def test_every_page_shows_any_experiment_within_the_window(page, site, name):
    if name == "Failing":
        rows = [(trial(n, TrialState.FAILED, reason="exit code 1"), [], None) for n in range(4)]
        new_experiment(site.home, name, rows, state="ERROR")
    if name == "Many":
        new_experiment(site.home, name, [(trial(n), [], n % 97 / 97) for n in range(2500)])
    for at in PAGES:
        go(page, site, name, at)
        for width, height, scheme in ((1280, 720, "light"), (390, 844, "dark")):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": height})
            shoot(page, f"{name}-{at or 'overview'}-{scheme}-{width}")
            wide = """w => [...document.querySelectorAll('*')].filter(e =>
                e.getBoundingClientRect().right > w + 1 && !e.closest('.scroll, .code, .tabs'))
                .map(e => e.outerHTML.slice(0, 120))"""
            assert page.evaluate(wide, width) == [], at
            assert page.evaluate("document.documentElement.scrollWidth") == width, at
            assert len(page.locator("main").inner_text()) > 20, at


def test_scripts_in_names_values_and_logs_are_shown_as_text(page, site):
    for at in PAGES:
        go(page, site, "StrangeX", at)
        assert page.get_by_role("heading", level=1).first.inner_text() == SCRIPT
        assert page.title() == f"{SCRIPT} – Annotate"
        assert page.locator("main script, main b >> text=a").count() == 0
        assert page.locator("img[onerror]").count() == 0
    go(page, site, "StrangeX", "trials?trial=3")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(f"{SCRIPT}").first.wait_for()
    log = dialog.get_by_label("Log")
    log.get_by_text("last words").wait_for()
    assert log.inner_text().startswith(SCRIPT)  # without the terminal's colour codes
    assert dialog.locator("script").count() == 0
    page.goto(f"http://{site.host}/")
    assert page.get_by_role("link", name=SCRIPT).inner_text() == SCRIPT


def test_the_list_of_experiments_can_be_searched_and_links_to_each(page, site):
    page.goto(f"http://{site.host}/#token={site.token}")
    names = page.locator("main tbody tr")
    page.get_by_role("link", name="Plain").wait_for()
    before = names.count()
    page.get_by_role("searchbox").fill("stopped emp")
    page.get_by_role("link", name="Plain").wait_for(state="detached")
    assert (before > 3, names.count()) == (True, 1)
    page.get_by_role("searchbox").fill("no such thing")
    page.get_by_text("No experiment matches.").wait_for()
    page.get_by_role("searchbox").fill("plain")
    page.get_by_role("link", name="Plain").click()
    page.get_by_role("heading", name="Top 10").wait_for()
    assert page.url == f"http://{site.host}/e/Plain"
    page.go_back()
    page.get_by_role("heading", name="Experiments").wait_for()


def test_the_overview_shows_best_baseline_counts_limits_and_settings(page, site):
    go(page, site, "Plain")
    main = page.locator("main")
    assert "0.99" in page.get_by_label("Best result").inner_text()
    assert "trial 99, baseline 0.00 (+0.99)" in page.get_by_label("Best result").inner_text()
    assert "100" in page.get_by_role("region", name="Trials", exact=True).inner_text()
    first = main.locator("[aria-label='Top 10'] tbody tr").first
    assert first.locator("td").nth(1).inner_text() == "0.99"
    page.get_by_role("button", name="Lowest").click()
    assert first.locator("td").nth(1).inner_text() == "0.00"
    assert "loguniform(1e-05, 0.1)" in main.inner_text()
    assert "train.py" in main.locator("dl").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Results as CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 101
    with page.expect_download() as download:
        page.get_by_role("button", name="Search space").click()
    assert set(json.loads(Path(download.value.path()).read_text())) >= {"train/lr/loguniform"}
    page.get_by_role("link", name="succeeded 100").click()
    page.get_by_text("100 trials").wait_for()
    assert page.get_by_role("combobox", name="State").input_value() == "SUCCEEDED"


def test_the_overview_of_an_ended_experiment_shows_its_notes(page, site):
    new_experiment(site.home, "Equal", [(trial(n), [], 0.5) for n in range(6)])
    go(page, site, "Equal")
    notes = page.get_by_label("Notes").get_by_role("listitem")
    assert notes.all_inner_texts() == ["no parameter had an effect: all 6 results are 0.5"]
    shoot(page, "notes")
    go(page, site, "Plain")
    assert page.get_by_label("Notes").count() == 0


def test_a_failed_trial_shows_the_end_of_its_log(page, site):
    go(page, site, "StrangeX")
    failed = page.get_by_label("Failures")
    failed.get_by_text("1 trial failed, most recently trial 3").wait_for()
    failed.get_by_text("last words").wait_for()
    failed.get_by_role("button", name="Show log").click()
    page.get_by_role("dialog", name="Trial 3").wait_for()


def test_new_reports_appear_without_losing_the_selection(page, site):
    folder = new_experiment(site.home, "Live", [(trial(n), [], n / 10) for n in range(60)])
    go(page, site, "Live", "trials")
    page.get_by_role("checkbox", name="Select trial 58").check()
    zoom(page, page.locator("main canvas").first)
    page.get_by_role("button", name="Trial 57", exact=True).focus()
    page.evaluate("window.mark = 1; window.scrollTo(0, 200)")
    row = page.locator("tr[data-trial='57'] td.mono").element_handle()
    page.evaluate("cell => getSelection().selectAllChildren(cell)", row)
    with Store.open(folder.store, write=True) as store:
        keep_trial(store, trial(60), [0.5], 77.5)
    page.locator("tr[data-trial='60']").get_by_text("77.5").wait_for()
    assert page.get_by_role("checkbox", name="Select trial 58").is_checked()
    assert page.get_by_role("button", name="Reset zoom").is_visible()
    assert page.evaluate("window.mark") == 1
    assert page.evaluate("window.scrollY") == 200
    assert page.evaluate("document.activeElement.textContent") == "57"


def test_an_update_has_only_changes_and_arrives_within_a_second(site):
    folder = new_experiment(site.home, "Delta", [(trial(n), [], n / 10) for n in range(50)])
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    known = {"X-Annotate-Token": site.token}
    connection.request("GET", "/api/v1/experiments/Delta/events", headers=known)
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
    some = site.json("/api/v1/experiments/Delta/values?trial=3&trial=50")
    assert sorted(some) == ["3", "50"]


def test_a_lost_server_is_reported_and_the_page_reconnects(page, site, said):
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
    assert [text for text in said if "net::ERR" not in text] == []
    said.clear()  # the browser itself logs failed requests


def test_a_missing_page_says_so(page, site, said):
    page.goto(f"http://{site.host}/e/Nothing#token={site.token}")
    page.get_by_role("alert").get_by_text("there is no experiment Nothing").wait_for()
    page.get_by_role("link", name="All experiments").click()
    page.get_by_role("heading", name="Experiments").wait_for()
    page.goto(f"http://{site.host}/e/Plain/trials?trial=999")
    page.get_by_role("status").get_by_text("there is no trial 999").wait_for()
    assert all("404" in text for text in said)
    said.clear()


def test_no_static_file_loads_anything_from_another_site():
    static = Path(launch.__file__).parent / "static"
    for path in filter(Path.is_file, static.rglob("*")):
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


def test_results_are_labelled_with_the_name_of_their_metric(page, site):
    named = {"metric_name": "val_<b>", "optimize_by": "by its name", "maximize": False}
    new_experiment(site.home, "Named", [(trial(n), [], n / 10) for n in range(4)], **named)
    go(page, site, "Named")
    best = page.get_by_role("region", name="Best val_<b>").inner_text()
    assert best.splitlines()[:2] == ["Best val_<b> (minimize, by its name)", "0"]
    page.get_by_role("heading", name="val_<b> of each trial").wait_for()
    assert "minimize val_<b> (by its name)" in page.locator("main dl").inner_text()
    assert page.locator("[aria-label='Top 10'] th").all_inner_texts()[1] == "val_<b>"
    go(page, site, "Named", "trials")
    assert page.get_by_role("button", name="val_<b>", exact=True).count() == 2  # chart and column
    example = page.get_by_role("searchbox").get_attribute("placeholder")
    assert example == "text, number, lr<0.1 metric>0.9", "< ends a name in a search"
    page.get_by_role("button", name="Trial 1", exact=True).click()
    assert "val_<b>; started" in page.get_by_role("dialog").inner_text()
    page.goto(f"http://{site.host}/")
    assert "val_<b>" in page.locator("tr", has_text="Named").inner_text()
