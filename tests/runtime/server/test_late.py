"""Pages whose answers arrive late or out of order, and users who do not wait."""

import time

import pytest
from playwright.sync_api import expect

from runtime.core.trial import Report, TrialState
from runtime.store import Store
from tests.runtime.server.conftest import go, keep_trial, new_experiment, trial
from tests.runtime.server.test_table import numbers, open_table


class Held:
    """Requests of a page that are held back until they are released."""

    def __init__(self, page, pattern):
        self.page, self.pattern, self.routes = page, pattern, []
        page.route(pattern, lambda route: self.routes.append(route))

    def wait_for(self, count):
        while len(self.routes) < count:
            self.page.wait_for_timeout(20)

    def let_go(self):
        """Release the held requests, and hold no further ones."""
        for route in self.routes:
            with self.page.expect_response(route.request.url):
                route.continue_()
        self.page.unroute(self.pattern)


def spoken(page):
    return page.evaluate(
        "document.activeElement.parentElement.querySelector('[role=status]').textContent"
    )


@pytest.mark.parametrize(
    ("at", "label", "words"),
    [
        ("", "Result of each trial", "trial 0: 0"),
        ("timeline", "When and where each trial ran", "trial 0: succeeded"),
        ("importance", "Results along batch", "batch: 32"),
        ("importance", "over lr and batch", "batch: 32"),
    ],
)
def test_keys_work_on_data_that_is_not_drawn_yet(page, site, at, label, words):
    page.add_init_script("window.requestAnimationFrame = () => 0")
    go(page, site, "Plain", at)
    page.locator(f"canvas[aria-label*='{label}']").press("ArrowRight")
    assert words in spoken(page)


def test_the_table_shows_the_last_request_whatever_the_order_of_answers(page, site):
    open_table(page, site)
    first = Held(page, "**/trials?*search=t0007*")
    page.get_by_role("searchbox").fill("t0007")
    first.wait_for(1)
    page.get_by_role("searchbox").fill("t0042")
    expect(page.get_by_text("1 trial", exact=True)).to_be_visible()
    first.let_go()
    page.evaluate("1")
    assert numbers(page) == [42]


def test_a_growing_curve_has_each_report_once_however_late_it_arrives(page, site):
    running = trial(0, TrialState.RUNNING, ended=None)
    folder = new_experiment(site.home, "Late", [(running, [0.1], None)], state="RUNNING")
    go(page, site, "Late", "trials?trial=0")
    dialog = page.get_by_role("dialog", name="Trial 0")
    dialog.get_by_text("1 intermediate result").wait_for()
    late = Held(page, "**/curves?first=1&trial=0")
    with Store.open(folder.store, write=True) as store:
        store.add_reports(0, [Report("intermediate", 0.2, 1e9 + 1)])
    late.wait_for(1)
    with (
        page.expect_response("**/trials?*"),  # of the table, for the next line
        Store.open(folder.store, write=True) as store,
    ):
        store.add_reports(0, [Report("intermediate", 0.3, 1e9 + 2)])
    late.let_go()
    expect(dialog.get_by_role("heading", name="intermediate")).to_have_text(
        "3 intermediate results Reset zoom"
    )


def test_pressing_a_button_twice_opens_one_dialog(page, site):
    open_table(page, site)
    late = Held(page, "**/Plain/trials/9*")
    for number in (99, 99, 98):
        page.get_by_role("button", name=f"Trial {number}", exact=True).click()
    late.wait_for(3)
    late.let_go()
    page.get_by_role("dialog", name="Trial 98").wait_for()
    assert page.locator("dialog").count() == 1


def test_a_page_that_was_left_does_not_overwrite_the_next_one(page, site):
    go(page, site, "Plain")
    late = Held(page, "**/Plain/source")
    page.get_by_role("link", name="Source").click()
    late.wait_for(1)
    page.get_by_role("link", name="Timeline").click()
    page.get_by_role("heading", name="When each trial ran").wait_for()
    late.let_go()
    page.evaluate("1")
    assert page.get_by_role("heading", name="When each trial ran").is_visible()


def test_a_filling_page_does_not_take_the_focus_back(page, site):
    go(page, site, "Plain")
    late = Held(page, "**/Plain/trials?*")
    page.get_by_role("link", name="Trials").press("Enter")
    late.wait_for(1)
    search = page.get_by_role("searchbox")
    search.press_sequentially("t0042")
    late.let_go()
    page.get_by_text("1 trial", exact=True).wait_for()
    expect(search).to_be_focused()


def test_a_focused_button_keeps_the_focus_while_trials_arrive(page, site):
    waits = trial(0, TrialState.WAITING, started=None, ended=None)
    folder = new_experiment(site.home, "Queue", [(waits, [], None)], state="RUNNING")
    go(page, site, "Queue", "timeline")
    button = page.get_by_role("button", name="Trial 0")
    button.focus()
    with Store.open(folder.store, write=True) as store:
        keep_trial(store, trial(1, TrialState.WAITING, started=None, ended=None))
    page.get_by_role("heading", name="Waiting: 2").wait_for()
    expect(button).to_be_focused()


def test_a_charts_button_keeps_the_focus_while_its_trial_runs(page, site):
    running = trial(0, TrialState.RUNNING, started=time.time() - 600, ended=None)
    new_experiment(site.home, "Runs", [(running, [0.1, 0.3], None)], state="RUNNING")
    go(page, site, "Runs", "trials?trial=0")
    dialog = page.get_by_role("dialog", name="Trial 0")
    dialog.locator("canvas").press("+")
    reset = dialog.get_by_role("button", name="Reset zoom")
    reset.focus()
    before = dialog.locator(".headline").text_content()
    expect(dialog.locator(".headline")).not_to_have_text(before)  # its duration keeps counting
    expect(reset).to_be_focused()


def test_a_click_counts_even_if_the_row_is_updated_during_it(page, site):
    running = trial(0, TrialState.RUNNING, ended=None)
    folder = new_experiment(site.home, "Pressed", [(running, [], None)], state="RUNNING")
    open_table(page, site, "Pressed")
    box = page.get_by_role("checkbox", name="Select trial 0")
    box.hover()
    page.mouse.down()
    with Store.open(folder.store, write=True) as store:
        store.end_trial(trial(0))
    page.locator("tr[data-trial='0']").get_by_text("succeeded").wait_for()
    page.mouse.up()
    expect(box).to_be_checked()
