"""Accessibility: WCAG 2.2 AA checked by axe, in light and dark, and keyboard use."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.runtime.server.conftest import PAGES, go

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def settle(page):
    """Wait until a page has drawn everything it requested, even on a busy machine."""
    page.wait_for_function(
        """() => { const now = document.body.innerHTML.length;
        window.still = window.length0 === now ? (window.still || 0) + 1 : 0;
        window.length0 = now; return window.still >= 5; }""",
        polling=100,
    )


def faults(page):
    """The violations that axe finds, each with the first element concerned."""
    violations = Axe().run(page, options=RULES).response["violations"]
    return [
        (violation["id"], violation["help"], violation["nodes"][0]["html"][:200])
        for violation in violations
    ]


@pytest.mark.parametrize("at", PAGES)
def test_axe_finds_nothing_on_any_page_in_light_and_dark(page, site, at):
    for name, schemes in (("Plain", ["light", "dark"]), ("StrangeX", ["dark"])):
        go(page, site, name, at)
        settle(page)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            assert faults(page) == [], (name, scheme)


def test_axe_detects_text_with_too_little_contrast(page, site):
    go(page, site, "Plain")
    page.evaluate("document.documentElement.style.setProperty('--muted', '#aaa')")
    assert [fault[0] for fault in faults(page)] == ["color-contrast"]


def test_axe_finds_nothing_in_the_list_and_the_dialogs(page, site):
    page.goto(f"http://{site.host}/#token={site.token}")
    page.get_by_role("link", name="Plain").wait_for()
    assert faults(page) == []
    go(page, site, "StrangeX", "trials?trial=3")
    page.get_by_role("dialog").wait_for()
    assert faults(page) == []
    go(page, site, "Plain", "trials")
    page.get_by_role("checkbox", name="Select trial 98").check()
    page.get_by_role("checkbox", name="Select trial 97").check()
    page.get_by_role("button", name="Compare 2").click()
    page.get_by_role("dialog").wait_for()
    page.emulate_media(color_scheme="dark")
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Parameters").click()
    page.get_by_role("button", name="Axis lr").press("Enter")
    page.get_by_role("dialog").wait_for()
    assert faults(page) == []


def test_axe_finds_nothing_on_the_page_that_asks_for_the_link(page, open_site, said):
    page.goto(f"http://{open_site.host}/")
    page.get_by_label("Link or secret").wait_for()
    assert faults(page) == []
    said.clear()  # the browser itself logs the refusal


@pytest.mark.parametrize("at", PAGES)
def test_every_control_can_be_reached_by_tab_and_shows_the_focus(page, site, at):
    go(page, site, "Plain", at)
    settle(page)
    want = page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, input, select, summary, canvas')]
        .filter(e => e.checkVisibility() && !e.disabled && e.tabIndex >= 0)
        .map((e, i) => { e.dataset.want = i; return i; })"""
    )
    assert (
        page.evaluate(
            """() => [...document.querySelectorAll('a, button, summary, canvas')]
        .filter(e => e.checkVisibility() && !e.disabled && e.tabIndex < 0
            && !e.closest('.spark, .parallel')).length"""
        )
        == 0
    )
    reached, unseen = set(), []
    page.evaluate("document.activeElement.blur()")
    for _ in range(2 * len(want)):
        page.keyboard.press("Tab")
        index, name, outline = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [Number(e.dataset.want ?? -1), e.outerHTML.slice(0, 120),
                s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2]; }"""
        )
        if index in reached:
            break
        if index >= 0:
            reached.add(index)
        if not outline and name[:5] != "<body":
            unseen.append(name)
    assert sorted(reached) == want
    assert unseen == []


def test_a_closed_dialog_returns_the_focus_and_a_new_page_takes_it(page, site):
    go(page, site, "Plain", "trials")
    page.get_by_role("button", name="Trial 99", exact=True).press("Enter")
    dialog = page.get_by_role("dialog", name="Trial 99")
    dialog.wait_for()
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate("document.activeElement.ariaLabel") == "Trial 99"
    page.get_by_role("link", name="Overview").press("Enter")
    page.get_by_role("heading", name="Top 10").wait_for()
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_nothing_moves_with_reduced_motion(page, site):
    page.emulate_media(reduced_motion="reduce")
    go(page, site, "Plain")
    moving = """e => { const s = getComputedStyle(e); return s.animationName !== 'none'
        || s.transitionDuration.split(', ').some(d => d !== '0s'); }"""
    assert page.evaluate(f"[...document.querySelectorAll('*')].filter({moving}).length") == 0
