"""The pages with running experiments: source, trials and requests."""

import re
import subprocess
from contextlib import contextmanager

import pytest

from tests.runtime.server.conftest import go, running, serving, shoot, wait_for

DONE = """\
import math

def smooth(x): return math.exp(-x)
def sharp(x): return 1 / (1 + x)

rate = 0.5  # @nni.uniform(0, 1)
size = "small"  # @nni.choice("small", "<b>big</b>", "😀 größer")
# @nni.function_choice(smooth(rate), sharp(rate), name=smooth)
score = smooth(rate)
for step in range(5):
    # @nni.report_intermediate_result(score * step / 4)
    print("step", step)
# @nni.report_final_result(score)
"""

SLOW = """\
import time
x = 0.5  # @nni.uniform(0, 1)
print("hello from", x)
for step in range(9000 if x > 0.05 else 1):
    time.sleep(0.1)
    # @nni.report_intermediate_result(step + x)
# @nni.report_final_result(x)
"""


@pytest.fixture
def done(annotate, folder, home, page):
    """A server with a finished experiment of eight trials, and the script's folder."""
    (folder / "train.py").write_text(DONE, encoding="utf-8")
    annotate("run", "train.py", "--max-trials", 8, "--tuner", "random", "--seed", 3)
    with serving(home) as site:
        yield site, site.json("/api/v1/experiments")[0]["id"]
        page.goto("about:blank")  # or it would keep asking a server that is gone


@contextmanager
def stopped_at_last(folder, home, page):
    """A server with an experiment that runs one trial at a time until it is stopped."""
    (folder / "train.py").write_text(SLOW)
    with running(home, "--max-trials", "9", "--max-failures", "9") as (site, name, driver):
        yield site, name
        page.goto("about:blank")  # or it would keep asking a server that is gone
        assert driver.wait(timeout=60) is not None


def test_the_source_is_shown_with_values_and_the_diff_of_apply(done, page, folder):
    site, name = done
    best = site.json(f"/api/v1/experiments/{name}")["best"]["values"]["train/rate/uniform"]
    go(page, site, name, "source")
    rate = page.locator("#L6")
    assert rate.locator(".hot").inner_text() == "0.5"
    assert rate.locator(".annotation").inner_text() == "# @nni.uniform(0, 1)"
    rate.get_by_text("best").wait_for()
    assert "8 values tried" in rate.locator(".spark").get_attribute("title")
    assert re.search(
        r"<b>big</b> \d times, 😀 größer \d times",
        page.locator("#L7 .spark").get_attribute("title"),
    )
    assert page.locator("#L9 .hot").inner_text() == "smooth(rate)"
    diff = page.get_by_label("Diff")
    assert "-rate = 0.5  # @nni.uniform(0, 1)" in diff.inner_text()
    assert f"+rate = {best}  # @nni.uniform(0, 1)" in diff.inner_text()
    shoot(page, "source")
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied.").wait_for()
    patch = page.evaluate("navigator.clipboard.readText()")
    subprocess.run(["patch", "--dry-run", "-p1"], input=patch.encode(), cwd=folder, check=True)
    page.get_by_role("button", name="Copy command").click()
    page.wait_for_function(
        f"async () => await navigator.clipboard.readText() === 'annotate apply {name}'"
    )
    assert (folder / "train.py").read_text(encoding="utf-8") == DONE


def test_a_parameter_links_to_its_line_and_back_to_its_trials(done, page):
    site, name = done
    go(page, site, name)
    page.get_by_role("link", name="size").first.click()
    line = page.locator("#L7.sought")
    line.evaluate("line => { line.dataset.same = ''; }")
    page.get_by_role("navigation", name="Parameters").get_by_role("link", name="rate").click()
    page.wait_for_url("**#L6")
    assert line.get_attribute("data-same") == ""  # a jump within the page does not change it
    page.locator("#L6").get_by_role("link", name="rate").click()
    page.locator("th[aria-sort=ascending]", has_text="rate").wait_for()
    page.get_by_role("button", name="Trial 0", exact=True).click()
    log = page.get_by_role("dialog").get_by_label("Log")
    log.get_by_text("step 4").wait_for()
    page.get_by_role("dialog").get_by_text("5 intermediate results").wait_for()


def test_the_page_can_run_and_kill_trials_and_stop_the_experiment(folder, home, page, said):
    with stopped_at_last(folder, home, page) as (site, name):
        go(page, site, name, "trials")
        page.get_by_role("button", name="Trial 0", exact=True).click()
        dialog = page.get_by_role("dialog", name="Trial 0")
        dialog.get_by_label("Log").get_by_text("hello from 0.5").wait_for()
        # It counts up by itself, several at a time.
        dialog.get_by_text(re.compile(r"[1-9]\d intermediate results")).wait_for()
        dialog.get_by_role("button", name="Run with changes").click()
        own = page.get_by_role("dialog", name="Run a custom trial")
        entry = own.get_by_label("x")
        assert entry.input_value() == "0.5"
        for wrong, why in (("much", "much is not a number"), ("7", "x")):
            entry.fill(wrong)
            own.get_by_role("button", name="Run trial").click()
            own.get_by_role("alert").get_by_text(why).wait_for()
        entry.fill("0.01")
        entry.press("Enter")
        own.wait_for(state="detached")
        page.locator("tr[data-trial='1']").get_by_text("waiting").wait_for()
        page.get_by_role("button", name="Trial 0", exact=True).click()
        dialog.get_by_role("button", name="Kill", exact=True).click()
        dialog.get_by_text("user canceled").wait_for()
        dialog.get_by_role("button", name="Close").click()
        page.locator("tr[data-trial='0']").get_by_text("user canceled").wait_for()
        page.locator("tr[data-trial='1']").get_by_text("0.01").last.wait_for()
        page.get_by_role("combobox", name="State").select_option("running")
        page.locator("tr[data-trial='2']").wait_for()
        page.get_by_role("button", name="Stop", exact=True).click()
        page.locator("#top").get_by_text("stopped").wait_for()
    refused, asked = said
    assert "409" in refused  # the value outside the space
    assert asked.startswith("Stop the experiment and its running trials")
    said.clear()


def test_a_running_trials_reports_are_drawn_within_a_second(folder, home, page):
    with stopped_at_last(folder, home, page) as (site, name):
        go(page, site, name)
        wait_for(lambda: _reports(site, name) > 3)
        page.get_by_role("link", name="Trials").click()
        page.locator("tr[data-trial='0']").wait_for()
        page.get_by_text("Columns").click()
        page.get_by_label("Reports", exact=True).check()
        page.keyboard.press("Escape")
        shown = (
            "() => Number(document.querySelector('tr[data-trial=\"0\"] td:nth-child(7)').innerText)"
        )
        page.wait_for_function(f"{shown} > 0")
        wait_for(lambda: _reports(site, name) - page.evaluate(shown) <= 10)  # of ten per second
        site.change(f"/api/v1/experiments/{name}/requests/stop", "POST", {})
        page.locator("#top").get_by_text("stopped").wait_for()


def _reports(site, name):
    answer = site.json(f"/api/v1/experiments/{name}/curves?trial=0")
    return len(answer["0"])
