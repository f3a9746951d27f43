"""The charts, used by pointer and keyboard."""

import pytest

from runtime.core.trial import TrialState
from runtime.store import Store
from tests.runtime.server.conftest import go, keep_trial, new_experiment, trial, zoom

NESTED = {
    "model": {
        "_type": "choice",
        "_value": [
            {"_name": "tree", "depth": {"_type": "randint", "_value": [1, 9]}},
            {"_name": "knn", "k": {"_type": "choice", "_value": [1, 3, 5]}},
        ],
    },
    "lr": {"_type": "loguniform", "_value": [1e-4, 0.1]},
}


@pytest.fixture(scope="module")
def nested(site):
    """An experiment that alternates between trees and neighbours; deeper trees are better."""
    rows = []
    for n in range(20):
        model = (
            {"_name": "tree", "depth": 1 + n % 8}
            if n % 2
            else {"_name": "knn", "k": (1, 3, 5)[n % 3]}
        )
        values = {"model": model, "lr": 10 ** (-4 + n / 8)}
        rows.append((trial(n, values=values), [n / 20, n / 10], n % 8 + n % 2))
    new_experiment(site.home, "Nested", rows, space=NESTED)
    return "Nested"


def tip(page):
    return page.locator(".tip:visible")


def open_axes(page, site, name):
    go(page, site, name, "trials")
    page.get_by_role("button", name="Parameters").click()
    page.locator("button.axis[style*=left]").first.wait_for()


def at(page, name):
    """The middle of an axis of the parallel coordinates, found by its name."""
    box = page.get_by_role("button", name=f"Axis {name}", exact=True).bounding_box()
    return box["x"] + box["width"] / 2


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()


def test_a_chart_zooms_in_by_dragging_and_out_by_double_click(page, site):
    go(page, site, "Plain")
    chart = page.locator("canvas").first
    reset = page.get_by_role("button", name="Reset zoom")
    chart.focus()
    assert not reset.is_visible()
    zoom(page, chart)
    page.keyboard.press("Home")
    first = tip(page).inner_text()
    assert not first.startswith("trial 0:")  # a hidden element cannot be focused
    reset.wait_for()
    chart.dblclick(position={"x": 100, "y": 100})
    reset.wait_for(state="hidden")
    zoom(page, chart)
    reset.click()
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"


def test_a_chart_is_read_and_zoomed_by_keyboard(page, site):
    go(page, site, "Plain")
    page.locator("canvas").first.focus()
    page.keyboard.press("End")
    tip(page).get_by_text("trial 99: 0.99").wait_for()
    page.keyboard.press("ArrowLeft")
    tip(page).get_by_text("trial 98: 0.98").wait_for()
    live = page.locator(".chart [role=status]").first
    assert live.inner_text().startswith("trial 98")
    page.keyboard.press("+")
    page.get_by_role("button", name="Reset zoom").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Reset zoom").wait_for(state="hidden")
    page.keyboard.press("Home")
    tip(page).get_by_text("baseline, the script unchanged").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Trial 0").wait_for()


def test_non_numeric_and_outlying_results_are_in_the_chart(page, site):
    rows = [(trial(n), [], 0.5 + n / 100) for n in range(30)]
    rows += [(trial(30), [], 1e9), (trial(31, TrialState.FAILED), [], None)]
    new_experiment(site.home, "Far", rows)
    go(page, site, "Far")
    page.locator("canvas").first.focus()
    page.keyboard.press("End")
    tip(page).get_by_text("trial 31: –").wait_for()
    page.keyboard.press("ArrowLeft")
    tip(page).get_by_text("trial 30: 1e9").wait_for()
    bottom = tip(page).bounding_box()["y"]
    page.keyboard.press("Home")
    assert bottom < tip(page).bounding_box()["y"]  # at the upper edge


def test_trials_selected_on_the_axes_are_listed_in_the_table(page, site, nested):
    open_axes(page, site, nested)
    names = page.locator("button.axis b")
    said = ["model", "model › depth", "model › k", "lr", "result"]
    assert sorted(names.all_inner_texts()) == sorted(said)
    box = page.locator(".parallel canvas").bounding_box()
    top, bottom = box["y"] + 52, box["y"] + box["height"] - 40
    drag(page, (at(page, "model"), top), (at(page, "model"), (top + bottom) / 2))
    page.get_by_text("10 trials selected").wait_for()  # the upper of two options
    page.get_by_role("button", name="Select these in the table").click()
    page.get_by_role("button", name="Compare 10").wait_for()
    assert page.get_by_role("checkbox", name="Select trial 18").is_checked()
    assert not page.get_by_role("checkbox", name="Select trial 19").is_checked()
    drag(page, (at(page, "result"), top), (at(page, "result"), top + 100))
    page.get_by_text("2 trials selected").wait_for()
    page.mouse.click(at(page, "result"), top + 20)  # releases that axis
    page.get_by_text("10 trials selected").wait_for()
    page.get_by_role("button", name="Reset axes").click()
    page.get_by_text("Drag along an axis").wait_for()
    page.get_by_label("Show", exact=True).select_option("best 10 %")


def test_axes_are_drawn_without_trials_and_fill_as_trials_arrive(page, site):
    folder = new_experiment(site.home, "Axes", [], state="RUNNING")
    open_axes(page, site, "Axes")
    assert page.locator("button.axis").count() == 4
    with Store.open(folder.store, write=True) as store:
        keep_trial(store, trial(0), [], 0.5)
        keep_trial(store, trial(1, values={"train/lr/loguniform": 0}), [], 0.7)  # has no logarithm
    page.locator("tr[data-trial='1']").wait_for()
    page.get_by_role("button", name="Axis lr").press("Enter")
    page.get_by_label("at most").fill("0")
    page.get_by_role("button", name="Apply", exact=True).click()
    page.get_by_text("1 trial selected").wait_for()


def test_an_axis_is_moved_by_dragging_its_name_and_by_the_arrow_keys(page, site, nested):
    open_axes(page, site, nested)
    lr = page.get_by_role("button", name="Axis lr")
    before = at(page, "lr")
    lr.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        f"() => document.activeElement.getBoundingClientRect().x < {before} - 60"
    )
    y = lr.bounding_box()["y"] + 8
    drag(page, (at(page, "lr"), y), (at(page, "model") + 4, y))
    page.wait_for_function(
        """() => { const left = n => parseFloat(
            document.querySelector(`[aria-label='Axis ${n}']`).style.left);
        return left('lr') < left('model'); }"""
    )
    assert page.get_by_role("dialog").count() == 0  # a drag is not a click


def test_trials_can_be_selected_on_an_axis_by_keyboard(page, site, nested):
    open_axes(page, site, nested)
    page.get_by_role("button", name="Axis model › depth").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Filter by model › depth")
    dialog.get_by_label("at least").fill("3")
    dialog.get_by_label("trials without it").uncheck()
    dialog.get_by_role("button", name="Apply", exact=True).press("Enter")
    page.get_by_text("7 trials selected").wait_for()  # depths 4, 6 and 8 of 2, 4, 6, 8 …
    page.get_by_role("button", name="Axis model", exact=True).press("Enter")
    page.get_by_label("knn").check()
    page.get_by_label("tree").uncheck()
    page.get_by_role("button", name="Apply", exact=True).click()
    page.get_by_text("0 trials selected").wait_for()


def test_a_line_shows_its_trial_and_opens_it(page, site, nested):
    open_axes(page, site, nested)
    box = page.locator(".parallel canvas").bounding_box()
    middle = (at(page, "lr") + at(page, "result")) / 2
    for y in range(60, int(box["height"]) - 40, 3):
        page.mouse.move(middle, box["y"] + y)
        if tip(page).count():
            break
    number = tip(page).inner_text().split(":")[0]
    page.mouse.down()
    page.mouse.up()
    page.get_by_role("dialog", name=number.capitalize(), exact=True).wait_for()


def test_curves_are_compared_and_filtered_by_the_value_at_a_step(page, site, nested):
    go(page, site, nested, "trials")
    page.get_by_role("button", name="Intermediate results").click()
    legend = page.locator(".legend").first
    legend.get_by_text("and 8 more").wait_for()
    page.get_by_label("report number").fill("1")
    page.get_by_label("bound").fill("1.7")
    page.get_by_label("bound").press("Enter")
    legend.get_by_text("trial 17").wait_for()
    assert legend.locator("span").count() == 3
    page.get_by_label("Comparison").select_option("at most")
    legend.get_by_text("trial 16").or_(legend.get_by_text("and 6 more")).first.wait_for()
    page.get_by_role("checkbox", name="Select trial 3").check()
    page.get_by_text("The trial selected in the table.").wait_for()
    assert legend.inner_text().strip() == "trial 3"
    zoom(page, page.locator("main canvas").first)
    page.get_by_role("button", name="Reset zoom").wait_for()


def test_a_growing_curve_loads_only_new_points(page, site):
    running = trial(0, TrialState.RUNNING, ended=None)
    folder = new_experiment(site.home, "Growing", [(running, [0.1] * 20, None)], state="RUNNING")
    asked = []
    page.on("request", lambda r: asked.append(r.url) if "/curves?" in r.url else None)
    go(page, site, "Growing", "trials")
    page.get_by_role("button", name="Intermediate results").click()
    page.locator(".legend").get_by_text("trial 0").wait_for()
    with (
        page.expect_request("**/curves?first=20&trial=0"),
        Store.open(folder.store, write=True) as store,
    ):
        store.add_reports(0, [report(20), report(21)])
    assert asked[0].endswith("first=0&trial=0")
    page.get_by_role("button", name="Duration").click()
    with Store.open(folder.store, write=True) as store:
        keep_trial(store, trial(1), [], 0.5)
    page.locator("tr[data-trial='1']").wait_for()


def report(n):
    from runtime.core.trial import Report

    return Report("intermediate", n / 10, 1e9 + n)
