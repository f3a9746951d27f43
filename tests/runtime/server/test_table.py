"""The table of trials: search, sorting, paging, selection and comparison."""

import json

from annotate.space import SearchSpace
from runtime.core.trial import TrialState
from runtime.server import searching
from runtime.store import Store
from runtime.store.reader import Condition
from tests.runtime.server.conftest import go, keep_trial, new_experiment, trial

ROWS = "tbody tr[data-trial]"
NUMBERS = "rows => rows.map(row => Number(row.dataset.trial))"


def numbers(page):
    return page.locator(ROWS).evaluate_all(NUMBERS)


def open_table(page, site, name="Plain", query=""):
    go(page, site, name, f"trials{query}")
    page.locator(ROWS).first.wait_for()


def test_the_metrics_own_name_is_its_column_unless_a_parameter_has_it():
    space = SearchSpace.from_json({"train/lr/uniform": {"_type": "uniform", "_value": [0, 1]}})
    assert searching.parse("val_loss<0.1", space, "val_loss") == (
        "",
        (Condition("metric", "<", 0.1),),
    )
    assert searching.parse("loss<0.1", space, "val_loss") == ("loss<0.1", ())
    (condition,) = searching.parse("lr<0.1", space, "lr")[1]
    assert condition.column == "train/lr/uniform"


def test_the_table_searches_sorts_and_pages_on_the_server(page, site):
    open_table(page, site)
    assert numbers(page) == list(range(99, 74, -1))
    page.get_by_role("button", name="Next").click()
    page.locator("tr[data-trial='74']").wait_for()
    assert numbers(page) == list(range(74, 49, -1))
    page.get_by_role("button", name="Previous").click()
    page.locator("tr[data-trial='99']").wait_for()
    search = page.get_by_role("searchbox")
    search.fill("batch=64 metric>=0.9")
    page.get_by_text("3 trials").wait_for()
    assert sorted(numbers(page)) == [91, 94, 97]
    page.get_by_role("button", name="Result", exact=True).last.click()
    page.locator("th[aria-sort=ascending]", has_text="Result").wait_for()
    assert numbers(page) == [91, 94, 97]
    page.get_by_role("button", name="Result", exact=True).last.click()
    page.locator("th[aria-sort=descending]", has_text="Result").wait_for()
    assert numbers(page) == [97, 94, 91]
    for typed, found in (("t0042", [42]), ("42", [42]), ("state=SUCCEEDED number<2", [1, 0])):
        search.fill(typed)
        page.get_by_text(f"{len(found)} trial").first.wait_for()
        page.locator(f"tr[data-trial='{found[0]}']").wait_for()
        page.locator("tr[data-trial]").nth(len(found)).wait_for(state="detached")
        assert sorted(numbers(page)) == sorted(found)
    search.fill("nothing like it")
    page.get_by_text("No matching trials.").wait_for()


def test_every_column_sorts_and_can_be_hidden_and_shown(page, site):
    open_table(page, site)
    page.get_by_text("Columns").click()
    for name in ("Reports", "Origin", "Started", "Ended"):
        page.get_by_label(name, exact=True).check()
        page.get_by_role("columnheader", name=name).wait_for()
    page.get_by_label("Id", exact=True).uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("columnheader", name="Id", exact=True).wait_for(state="detached")
    page.get_by_label("Reports", exact=True).wait_for(state="hidden")
    page.get_by_text("Columns").click()
    page.get_by_label("Reports", exact=True).wait_for()
    page.get_by_role("searchbox").click()
    page.get_by_label("Reports", exact=True).wait_for(state="hidden")
    heads = page.locator("main th[scope=col] button")
    assert heads.count() == 11
    for head in heads.all():
        name = head.inner_text().split(" ")[0]
        head.click()
        page.locator("th[aria-sort]", has_text=name).wait_for()
        page.wait_for_function("() => document.querySelectorAll('tr[data-trial]').length === 25")
        assert page.evaluate("document.activeElement.textContent").startswith(name)


def test_trials_are_filtered_by_state_and_by_the_url(page, site):
    open_table(page, site, "StrangeX", "?state=FAILED")
    assert numbers(page) == [3]
    page.get_by_role("combobox", name="State").select_option("all states")
    page.get_by_text("8 trials").wait_for()
    assert page.locator(ROWS).filter(has_text="nan").count() >= 1
    assert page.locator(ROWS).filter(has_text="inf").count() >= 1
    open_table(page, site, "Plain", "?sort=train%2Flr%2Floguniform&search=number%3C9")
    assert numbers(page) == list(range(8, -1, -1))


def test_trials_can_be_selected_compared_and_copied(page, site):
    open_table(page, site)
    assert page.get_by_role("button", name="Compare").is_disabled()
    for number in (98, 99):
        page.get_by_role("checkbox", name=f"Select trial {number}").check()
    page.get_by_role("button", name="Compare 2").click()
    dialog = page.get_by_role("dialog", name="Comparison")
    text = dialog.inner_text()
    assert "0.98" in text
    assert "0.99" in text
    assert dialog.locator("tr.chosen th").all_inner_texts()[:1] == ["result"]
    dialog.get_by_role("button", name="Copy JSON").click()
    page.get_by_text("Copied.").wait_for()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert [row["train/batch/choice"] for row in copied] == [128, 32]
    dialog.get_by_role("button", name="Copy Python").click()
    page.wait_for_function(
        "async () => (await navigator.clipboard.readText()).startsWith('[{\"train/lr')"
    )
    assert eval(page.evaluate("navigator.clipboard.readText()")) == copied
    page.keyboard.press("Escape")
    assert page.get_by_role("checkbox", name="Select trial 98").is_checked()
    page.get_by_role("checkbox", name="Select all on this page").check()
    page.get_by_role("button", name="Compare 25").click()
    assert "Showing the first 12 of 25" in dialog.inner_text()
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Clear selection").click()
    assert page.get_by_role("button", name="Compare").is_disabled()


def test_an_empty_table_fills_as_trials_arrive(page, site):
    folder = new_experiment(site.home, "Filling", [], state="RUNNING")
    go(page, site, "Filling", "trials")
    page.get_by_text("No trials yet. They appear here as they start.").wait_for()
    with Store.open(folder.store, write=True) as store:
        keep_trial(store, trial(0, TrialState.RUNNING, ended=None))
    page.locator("tr[data-trial='0']").get_by_text("running").wait_for()


def test_a_custom_trial_needs_a_running_experiment(page, site):
    open_table(page, site)
    page.get_by_role("button", name="Run a custom trial").click()
    page.get_by_role("status").get_by_text("The experiment is not running").wait_for()


def test_a_trials_dialog_copies_values_has_a_url_and_updates(page, site):
    folder = new_experiment(
        site.home, "Followed", [(trial(0, TrialState.RUNNING, ended=None), [0.5], None)]
    )
    out = folder.trial(0)
    out.path.mkdir(parents=True)
    out.stdout.write_text("first\n" * 60 + "50%|#\r100%|##\n")
    go(page, site, "Followed", "trials?trial=0")
    dialog = page.get_by_role("dialog", name="Trial 0")
    log = dialog.get_by_label("Log")
    log.get_by_text("100%|##").wait_for()
    assert "50%" not in log.inner_text()  # it was overwritten
    dialog.get_by_text("1 intermediate result", exact=False).wait_for()
    with out.stdout.open("a") as file:
        file.write("second\n")
    log.get_by_text("second").wait_for()
    with Store.open(folder.store, write=True) as store:
        store.add_reports(0, [report(1)])
    dialog.get_by_text("2 intermediate results").wait_for()
    with Store.open(folder.store, write=True) as store:
        store.end_trial(trial(0, TrialState.FAILED, reason="it fell over"))
    dialog.get_by_text("it fell over").wait_for()
    dialog.get_by_role("button", name="stderr").click()
    log.get_by_text("Nothing written to stderr.").wait_for()
    dialog.get_by_role("button", name="stdout").click()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download").click()
    assert download.value.path().read_text() == out.stdout.read_text()
    assert download.value.suggested_filename == "Followed-0.stdout"
    dialog.get_by_role("button", name="Copy Python").click()
    dialog.get_by_text("Copied.").wait_for()  # above the dialog, not behind it
    assert eval(page.evaluate("navigator.clipboard.readText()"))["train/batch/choice"] == 32
    assert page.url.endswith("/trials?trial=0")
    dialog.get_by_role("button", name="Close").click()
    page.wait_for_url("**/trials")


def report(n):
    from runtime.core.trial import Report

    return Report("intermediate", n / 10, 1e9 + n)


def test_the_end_of_a_huge_log_is_shown_and_all_of_it_can_be_downloaded(page, site):
    folder = new_experiment(site.home, "Talking", [(trial(0), [], 0.5)])
    out = folder.trial(0)
    out.path.mkdir(parents=True)
    out.stdout.write_text("é" * 200_000 + "the end\n", encoding="utf-8")
    go(page, site, "Talking", "trials?trial=0")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("The first 137864 bytes are not shown.").wait_for()
    dialog.get_by_label("Log").get_by_text("the end").wait_for()
    status, _, body = site.ask("/api/v1/experiments/Talking/trials/0/log/stdout/whole")
    assert (status, len(body)) == (200, 400_008)
    status, headers, body = site.ask("/api/v1/experiments/Talking/trials/0/log/stdout?after=400001")
    assert (status, headers["X-From"], body) == (200, "400001", b"he end\n")
    assert site.ask("/api/v1/experiments/Talking/trials/0/log/stderr/whole")[2] == b""


def test_a_text_of_another_direction_is_isolated(site, page):
    go(page, site, "Longest", "trials")
    hebrew = page.locator("td.value bdi").first
    hebrew.wait_for()
    assert "שלום" in hebrew.text_content()
    assert hebrew.evaluate("e => getComputedStyle(e).unicodeBidi") == "isolate"


def test_control_characters_are_visible(site, page):
    name = "ev\x1b[31mil\u202e\nname\x9b"
    values = {"a": "x\x1b[2J\n\u202ey\x7f"}
    space = {"a": {"_type": "choice", "_value": list(values.values())}}
    rows = [(trial(0, values=values), [], 0.5)]
    folder = new_experiment(site.home, "Controls", rows, space=space, title=name)
    out = folder.trial(0)
    out.path.mkdir(parents=True)
    out.stdout.write_text("\x1b]0;title\x07 \x9b \u202e\n", encoding="utf-8")
    go(page, site, "Controls", "trials?trial=0")
    shown = r"ev\x1b[31mil\u202e" + "\n" + r"name\x9b"
    assert page.title().startswith(shown.replace("\n", " "))
    assert page.locator("h1").first.text_content() == shown
    cell = page.locator("td.value").first
    assert cell.text_content() == cell.get_attribute("title") == r"x\x1b[2J\n\u202ey\x7f"
    page.get_by_label("Log").get_by_text(r" \x9b \u202e").wait_for()
