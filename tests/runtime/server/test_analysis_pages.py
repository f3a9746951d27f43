"""Importance, comparison, timeline and changes in a real browser, with a separate server."""

from dataclasses import replace

import pytest

from runtime.core.trial import GpuUse, TrialState
from runtime.store import Store
from tests.runtime.server.conftest import (
    SCRIPT,
    go,
    keep_trial,
    new_experiment,
    running,
    shoot,
    trial,
    wait_for,
)
from tests.runtime.server.test_accessibility import faults, settle

UNIT = {"_type": "uniform", "_value": [0, 1]}
HOSTILE = {
    f"m/{SCRIPT}/uniform": UNIT,
    "m/<img src=x onerror=alert(1)>/choice": {
        "_type": "choice",
        "_value": [{"_name": "<b>a</b>", "<i>in</i>": UNIT}, {"_name": SCRIPT, "x": UNIT}],
    },
}


def hostile(number):
    inside = {"_name": "<b>a</b>", "<i>in</i>": number / 40} if number % 2 else None
    inside = inside or {"_name": SCRIPT, "x": number / 40}
    values = dict(zip(HOSTILE, (number * 0.618 % 1, inside), strict=True))
    return trial(number, values=values), [], number * 0.618 % 1


@pytest.fixture(scope="module")
def many(site):
    """Experiments with meaningful results, and one in which every name is an attack."""
    rows = [(trial(n), [], 0.1 * (n % 3) + n / 1e4) for n in range(90)]
    rows.append((trial(90, TrialState.FAILED, reason="exit code 1"), [], None))
    new_experiment(site.home, "Batch", rows, title="by batch", max_trials=91, seed=3)
    space = {
        "train/lr/loguniform": {"_type": "loguniform", "_value": [1e-5, 0.1]},
        "train/depth/randint": {"_type": "randint", "_value": [1, 5]},
    }
    other = [
        (
            trial(n, values=dict(zip(space, (10 ** (-1 - n / 20), 1 + n % 4), strict=True))),
            [],
            2 - n / 40,
        )
        for n in range(40)
    ]
    new_experiment(site.home, "Depth", other, title="by depth", space=space, maximize=False)
    folder = new_experiment(
        site.home, "Attack", list(map(hostile, range(40))), title=SCRIPT, space=HOSTILE
    )
    with Store.open(folder.store, write=True) as store:
        for number in range(40):
            store.set_gpu(number, GpuUse(("<b>0</b>",), 0.5, None, 1 << 30, 50.0))
        waits = GpuUse(waits=({"rule": "full", "gpu": "0", "text": f"GPU 0 runs {SCRIPT}"},))
        keep_trial(store, trial(40, TrialState.WAITING, started=None, ended=None))
        store.set_gpu(40, waits)
    folder = new_experiment(site.home, "Leased", [(trial(n), [], n / 100) for n in range(60)])
    with Store.open(folder.store, write=True) as store:
        for number in range(60):
            use = GpuUse((str(number % 2),), 0.5, None, 3 << 30, 50.0)
            if number % 3 == 1:
                use = replace(use, waited=75.0, waited_for=("GPU 0 runs <b>trial 5</b>",))
            store.set_gpu(number, use)
    return site


def press(page, key, times=1):
    for _ in range(times):
        page.keyboard.press(key)


def spoken(page):
    """What the focused chart tells a screen reader."""
    return page.evaluate(
        "document.activeElement.parentElement.querySelector('[role=status]').textContent"
    )


ADDRESSES = (
    "e/Batch/importance",
    "e/Leased/timeline",
    "e/Attack/timeline",
    "compare/Batch+Attack+Empty",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_pages_fit_the_window_and_are_accessible(page, many, address):
    page.goto(f"http://{many.host}/{address}#token={many.token}")
    page.locator("main canvas").first.wait_for()
    settle(page)
    for width, height, scheme in ((1280, 720, "light"), (390, 844, "dark")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        shoot(page, f"{address.replace('/', '-')}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert faults(page) == [], scheme


def test_importance_is_shown_with_its_uncertainty(page, many):
    go(page, many, "Batch", "importance")
    row = page.locator(".shares tbody tr").first
    row.get_by_role("rowheader", name="batch").wait_for()
    assert int(row.locator(".number").inner_text().split(" %")[0]) > 90
    text = page.locator("main").inner_text()
    assert "A random forest was fitted to all 90 results." in text
    assert "(1 failed)" in text


def test_the_weighting_of_nested_parameters_is_explained_if_there_are_any(page, many):
    for name, there in (("Attack", True), ("Batch", False)):
        go(page, many, name, "importance")
        page.get_by_text("A random forest was fitted").wait_for()
        assert page.get_by_text("A nested parameter counts only").count() == there


def test_too_few_results_are_reported_and_still_drawn(page, many):
    go(page, many, "StrangeX", "importance")
    page.get_by_text("Not enough data: importance needs 12 results").wait_for()
    assert page.get_by_role("heading", name="lr").is_visible()
    assert page.get_by_role("heading", name="Two parameters together").is_hidden()


def test_a_model_of_noise_is_marked_as_meaningless(page, many):
    rows = [(trial(n), [], (n * 7919 % 101) / 101) for n in range(60)]
    new_experiment(many.home, "Noise", rows)
    go(page, many, "Noise", "importance")
    page.get_by_text("so ignore the numbers below").wait_for()


def test_a_pair_is_chosen_and_read_by_keyboard(page, many):
    go(page, many, "Batch", "importance")
    across, up = (page.get_by_role("combobox", name=name) for name in ("Horizontal", "Vertical"))
    up.wait_for()
    across.select_option(label="lr")
    up.select_option(label="batch")
    page.locator("canvas[aria-label*='over lr and batch']").focus()
    press(page, "ArrowUp", 3)
    assert "lr: 1e-5 to" in spoken(page)
    assert "batch: 128" in spoken(page)
    assert "mean 0." in spoken(page)
    press(page, "ArrowRight", 31)
    assert "to 0.1\n" in spoken(page)
    press(page, "Enter")
    page.get_by_role("dialog", name="Trial").wait_for()


def test_a_slice_is_read_by_keyboard(page, many):
    go(page, many, "Batch", "importance")
    page.locator("canvas[aria-label^='Results along batch']").focus()
    press(page, "ArrowRight", 3)
    assert "batch: 128" in spoken(page)
    assert "30 trials here" in spoken(page)


def test_a_new_result_updates_importance_without_losing_the_selected_pair(page, many):
    rows = [(trial(n), [], 0.1 * (n % 3) + n / 1e4) for n in range(30)]
    folder = new_experiment(many.home, "Growing", rows)
    go(page, many, "Growing", "importance")
    up = page.get_by_role("combobox", name="Vertical")
    up.wait_for()
    page.get_by_role("combobox", name="Horizontal").select_option(label="batch")
    up.select_option(label="lr")
    with Store.open(folder.store, write=True) as store:
        keep_trial(store, trial(30), [], 0.1)
    page.get_by_text("was fitted to all 31 results").wait_for()
    assert up.evaluate("e => e.selectedOptions[0].text") == "lr"


def test_experiments_selected_in_the_list_are_compared(page, many):
    page.goto(f"http://{many.host}/#token={many.token}")
    for name in ("by batch", "by depth"):
        page.get_by_role("checkbox", name=f"Compare {name}").check()
    page.get_by_role("link", name="Compare 2").click()
    page.get_by_text("Their goals differ").wait_for()
    assert page.url.endswith("/compare/Batch+Depth")
    text = page.locator("main").inner_text()
    assert "higher is better for “by batch”, lower for “by depth”" in text
    assert "differ in batch, <img src=x onerror=alert(1)> and depth; 1 of 4" in text
    cells = "row => [...row.cells].map(c => c.textContent)"
    rows = page.locator("main tbody tr").evaluate_all(f"rows => rows.map({cells})")
    for row in (
        ["result", "0.2089", "1.025"],
        ["seed", "3", "0"],
        ["maximum trials", "91", "none"],
        ["failed", "1", "0"],
        ["depth", "–", "randint(1, 5)"],
    ):
        assert row in rows
    page.locator("canvas").focus()
    press(page, "End")
    assert "by depth\ntrial 39 after 40s: 1.025" in spoken(page)
    page.get_by_role("button", name="By time").click()
    page.locator("canvas").focus()
    press(page, "Home")
    assert "by batch\ntrial 0" in spoken(page)


@pytest.mark.parametrize(
    ("ids", "why"),
    [("Batch+Nobody", "there is no experiment Nobody"), ("a+b+c+d+e+f+g", "at most 6")],
)
def test_experiments_that_cannot_be_compared_show_the_reason(page, many, said, ids, why):
    page.goto(f"http://{many.host}/compare/{ids}#token={many.token}")
    page.get_by_role("alert").get_by_text(why).wait_for()
    said.clear()  # the browser itself logs a missing resource


def test_the_timeline_shows_gpus_and_why_a_trial_waits(page, many):
    go(page, many, "Leased", "timeline")
    row = page.get_by_role("row", name="GPU 1")
    row.wait_for()
    assert row.inner_text().split("\t") == ["GPU 1", "30", "1", "25 %", "3.0 GiB", "50 %"]
    page.locator("canvas").focus()
    press(page, "ArrowRight", 2)
    assert spoken(page).startswith("trial 1: succeeded")
    assert "GPU 1, peak 3.0 GiB, 50 % busy" in spoken(page)
    assert "waited 1m15s for GPUs: GPU 0 runs <b>trial 5</b>" in spoken(page)
    go(page, many, "Attack", "timeline")
    page.get_by_text(f"GPU 0 runs {SCRIPT}").wait_for()


def test_the_timeline_has_lanes_for_each_machine(page, many):
    def elsewhere(number):
        about = {"started": 1e9 + number // 3, "ended": 1e9 + number // 3 + 0.9}
        machine = ("alpha", "me@beta:2222")[number % 3 > 0]
        use = GpuUse((str(number % 2),), 0.9, None, 3 << 30, 50.0)
        return trial(number, place={"machine": machine}, **about), use

    trials = [elsewhere(n) for n in range(30)]
    rows = [(made, [], made.number / 100) for made, _ in trials]
    folder = new_experiment(many.home, "Machines", rows)
    with Store.open(folder.store, write=True) as store:
        for made, use in trials:
            store.set_gpu(made.number, use)
    go(page, many, "Machines", "timeline")
    page.get_by_role("row", name="GPU 1 of me@beta:2222").wait_for()
    shoot(page, "timeline-machines")
    names = page.locator(".gpus tbody th").all_inner_texts()
    assert names == [
        f"GPU {n} of {machine}" for machine in ("alpha", "me@beta:2222") for n in (0, 1)
    ]
    page.locator("canvas").focus()
    press(page, "ArrowRight", 5)
    assert spoken(page).startswith("trial 4: succeeded")
    assert "on me@beta:2222\nGPU 0, " in spoken(page)
    lanes = page.evaluate(
        """async () => {
          const { groups } = await import("/static/charts/groups.js");
          const bar = (number, machine, from) =>
            ({ trial: { number, machine }, from, to: from + 2 });
          const gpu = { name: "GPU 0 of b", short: "GPU 0", machine: "b", bars: [], count: 1 };
          const bars = [bar(0, "b", 0), bar(1, "a", 0), bar(2, "b", 1), bar(3, "a", 2)];
          const many = [...Array(21).keys()].map((n) => bar(n, `job-${n}`, 3 * n));
          const shown = (all) =>
            groups(all, [gpu]).map((g) => [g.title, g.rows.map((r) => r.name)]);
          return [shown(bars), shown(bars.slice(1, 2)), shown(many)];
        }"""
    )
    assert lanes == [
        [["a", ["slot 1"]], ["b", ["slot 1", "slot 2", "GPU 0"]]],
        [["Slots", ["slot 1"]], ["GPUs", ["GPU 0"]]],
        [["Slots", ["slot 1"]], ["GPUs", ["GPU 0 of b"]]],
    ]


def test_the_timeline_zooms_by_dragging_and_by_keyboard_and_stays_zoomed(page, many):
    folder = new_experiment(many.home, "Zoomed", [(trial(n), [], n / 100) for n in range(50)])
    go(page, many, "Zoomed", "timeline")
    canvas, reset = page.locator("canvas"), page.get_by_role("button", name="Reset zoom")
    canvas.wait_for()
    assert reset.is_hidden()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 30, steps=4)
    page.mouse.up()
    reset.wait_for()
    with Store.open(folder.store, write=True) as store:
        keep_trial(store, trial(50), [], 0.5)
    canvas.focus()
    page.wait_for_function(
        """() => { document.activeElement.dispatchEvent(
            new KeyboardEvent('keydown', {key: 'End', bubbles: true}));
            return document.activeElement.parentElement.textContent.includes('trial 50'); }"""
    )
    assert reset.is_visible()
    press(page, "Escape")
    assert reset.is_hidden()
    press(page, "+")
    reset.click()
    assert reset.is_hidden()


@pytest.mark.parametrize(
    "address", ["e/Attack/importance", "e/Attack/timeline", "compare/Attack+Batch"]
)
def test_a_script_in_any_name_is_drawn_as_text(page, many, address):
    page.goto(f"http://{many.host}/{address}#token={many.token}")
    canvas = page.locator("main canvas").first
    canvas.wait_for()
    name = SCRIPT if "timeline" in address else "<img src=x onerror=alert(1)>"
    page.get_by_text(name).first.wait_for(state="attached")
    for drawn in page.locator("main canvas").all():
        drawn.hover()
        drawn.focus()
        press(page, "ArrowRight", 2)
    assert page.title().startswith(("Comparison", SCRIPT))
    assert page.locator("main script, main img, main i >> text=in").count() == 0
    assert page.locator("main b >> text=a").count() == 0


def test_a_stopped_experiment_cannot_be_changed_and_shows_the_resume_command(page, many):
    go(page, many, "Empty")
    page.get_by_role("button", name="Change", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change the experiment")
    dialog.get_by_text("This experiment is not running").wait_for()
    assert dialog.get_by_text("annotate resume Empty").is_visible()
    assert dialog.get_by_role("textbox").first.is_disabled()
    for button in dialog.get_by_role("button", name="Set").all():
        assert button.is_disabled()
    assert faults(page) == []


def test_a_running_experiment_is_changed_and_the_drivers_answer_is_shown(
    folder,
    home,
    page,
    said,
):
    (folder / "train.py").write_text(
        "import time\nx = 0.5  # @nni.uniform(0, 1)\ntime.sleep(600)\n"
        "# @nni.report_final_result(x)\n"
    )
    with running(home, "--max-trials", "2") as (site, name, _):
        page.goto(f"http://{site.host}/e/{name}#token={site.token}")
        page.get_by_role("button", name="Change", exact=True).click()
        dialog = page.get_by_role("dialog", name="Change the experiment")
        for label, given, answer in (
            ("Maximum trials", "5", "the trial limit is now 5"),
            ("Maximum trials", "", "the trial limit is removed"),
            ("Maximum time", "soon", "'soon' is not a duration"),
            ("Maximum time", "0", "must be above 0"),
            ("Maximum time", "1h30m", "the time limit is now 1h30m"),
            ("Concurrency", "many", "neither a whole number nor auto"),
            ("Concurrency", "auto", "concurrency is now auto"),
            ("Concurrency", "2", "concurrency is now 2"),
        ):
            form = dialog.locator("form", has_text=label)
            form.get_by_label(label).fill(given)
            form.get_by_role("button", name="Set").click()
            form.get_by_role("status").get_by_text(answer).wait_for()
        dialog.get_by_text("Search space", exact=True).click()
        space = dialog.get_by_label("NNI's JSON")
        for given, answer in (
            ("{", "Invalid JSON"),
            ('{"x": {"_type": "uniform", "_value": [1, 0]}}', "x: "),
            (space.input_value().replace("1", "0.75"), "search space changed"),
        ):
            space.fill(given)
            form = dialog.locator("form", has_text="NNI's JSON")
            form.get_by_role("button", name="Set").click()
            form.get_by_role("status").get_by_text(answer).wait_for()
        shoot(page, "change")
        assert faults(page) == []
        head = site.json(f"/api/v1/experiments/{name}")
        assert (head["max_trials"], head["max_duration"], head["concurrency"]) == (
            None,
            5400,
            2,
        )
        assert "0.75" in head["space"][0]["text"]
        wait_for(lambda: site.json(f"/api/v1/experiments/{name}")["counts"]["RUNNING"] == 2)
        page.goto("about:blank")  # or it would keep asking a server that is gone
    assert [text for text in said if "409 (Conflict)" not in text] == []
    said.clear()  # the browser itself logs refused requests


def test_the_overview_shows_each_reason_once_with_its_number_of_trials(page, many):
    said = ["exit code 1: lr was 0.1", "exit code 1: lr was 3e-05", f"ended by {SCRIPT}"]
    rows = [(trial(n, TrialState.FAILED, reason=why), [], None) for n, why in enumerate(said)]
    rows.append((trial(3, TrialState.WAITING, started=None, ended=None), [], None))
    folder = new_experiment(many.home, "Reasons", rows)
    with Store.open(folder.store, write=True) as store:
        store.set_reason(3, "waits for a GPU: GPU 0 is leased")
    go(page, many, "Reasons")
    failures = page.get_by_role("region", name="Failures")
    failures.wait_for()
    assert failures.locator("li").all_inner_texts() == [
        "2 × exit code 1: lr was 3e-05 trial 1",
        f"1 × ended by {SCRIPT} trial 2",
    ]
    waits = page.get_by_role("region", name="Waiting")
    assert waits.locator("li").inner_text() == "waits for a GPU: GPU 0 is leased trial 3"
    waits.get_by_role("button", name="trial 3").click()
    dialog = page.get_by_role("dialog", name="Trial 3")
    dialog.get_by_text("waits for a GPU: GPU 0 is leased").wait_for()


def test_a_trial_shows_its_gpu_use_and_what_it_waits_for(page, many):
    go(page, many, "Leased", "trials?trial=7")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("GPU 1, peak 3.0 GiB, 50 % busy").wait_for()
    dialog.get_by_text("waited 1m15s for GPUs: GPU 0 runs <b>trial 5</b>").wait_for()
    go(page, many, "Attack", "trials?trial=40")
    page.get_by_role("dialog").get_by_text(f"GPU 0 runs {SCRIPT}").wait_for()
