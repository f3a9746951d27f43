"""The web server in its own process, with a home of experiments."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Origin, Report, Trial, TrialState
from runtime.server import launch
from runtime.store import ExperimentRow, Store
from tests.runtime.server.slow import slow_down

SPACE = {
    "train/lr/loguniform": {"_type": "loguniform", "_value": [1e-5, 0.1]},
    "train/batch/choice": {"_type": "choice", "_value": [32, 64, 128]},
    "train/<img src=x onerror=alert(1)>/choice": {"_type": "choice", "_value": ["<b>a</b>", "b"]},
}
SCRIPT = '<script>document.title="taken"</script>'


def new_experiment(home, name, trials, *, state="DONE", space=SPACE, **config) -> ExperimentFolder:
    """Store an experiment without a driver; `trials` are (Trial, intermediate, final)."""
    folder = ExperimentFolder(home / "experiments" / name)
    folder.stage.mkdir(parents=True)
    folder.trials.mkdir()
    title = config.pop("title", name)
    settings = Config("train.py", str(home), "python", name=title, **config)
    row = ExperimentRow(
        name,
        settings.name,
        state,
        None,
        settings.to_json(),
        SearchSpace.from_json(space),
        1e9,
        1e9 + 60,
    )
    with Store.create(folder.store, row) as store:
        store.sync_in_background()
        for trial, curve, final in trials:
            keep_trial(store, trial, curve, final)
    return folder


def keep_trial(store, trial, curve=(), final=None):
    store.add_trial(trial, asked=None)
    if trial.started is not None:
        store.start_trial(trial.number, trial.started, trial.place)
    reports = [Report("intermediate", v, 1e9 + n) for n, v in enumerate(curve)]
    if final is not None:
        reports.append(Report("final", final, 1e9 + len(curve)))
    store.add_reports(trial.number, reports)
    if trial.state.ended or trial.state is TrialState.INTERRUPTED:
        store.end_trial(trial)


def trial(number, state=TrialState.SUCCEEDED, values=None, **fields) -> Trial:
    given = values or {
        "train/lr/loguniform": 10 ** (-1 - number % 40 / 10),
        "train/batch/choice": (32, 64, 128)[number % 3],
        "train/<img src=x onerror=alert(1)>/choice": ("<b>a</b>", "b")[number % 2],
    }
    origin = Origin.BASELINE if number == 0 else Origin.TUNER
    times = {"created": 1e9 + number, "started": 1e9 + number, "ended": 1e9 + number + 0.5}
    return Trial(number, f"t{number:04}", origin, state, given, **{**times, **fields})


def strange(home):
    """One experiment with everything that could break a page."""
    nan, inf = float("nan"), float("inf")
    hostile = {"train/lr/loguniform": nan, "train/batch/choice": SCRIPT}
    why = f"no GPU {SCRIPT}"
    waiting = trial(5, TrialState.WAITING, reason=why, started=None, ended=None)
    rows = [
        (trial(0), [0.1, 0.2], 0.5),
        (trial(1), [nan, inf, -inf, "text", {"default": 1, "loss": nan}], nan),
        (trial(2), [], inf),
        (trial(3, TrialState.FAILED, reason=SCRIPT), [0.1], None),
        (trial(4, TrialState.INTERRUPTED), [], None),
        (waiting, [], None),
        (trial(6, values=hostile), [1e300], 1e300),
        (trial(7), [0.3] * 50, {"default": 0.9, "other": inf}),
    ]
    folder = new_experiment(home, "StrangeX", rows, title=SCRIPT)
    failed = folder.trial(3)
    failed.path.mkdir(parents=True)
    failed.stderr.write_bytes(f"\x1b[31m{SCRIPT}\x00\xff last words\n".encode("latin-1"))
    return folder


def longest(home):
    """Names and values that are longer than any column, with all kinds of letters."""
    texts = [
        "You are a helpful assistant. " * 350,
        "שלום עולם " * 60,
        "😀👩‍👩‍👧" * 50,
        "x" * 10_000,
    ]
    keys = ("train/prompt/choice", f"train/{'a_very_long_name_' * 8}/uniform")
    space = {
        keys[0]: {"_type": "choice", "_value": texts},
        keys[1]: {"_type": "uniform", "_value": [0, 1]},
    }
    rows = [
        (trial(n, values={keys[0]: texts[n % 4], keys[1]: n / 8}), [n * 1e5 + 0.25], 123456.5 + n)
        for n in range(8)
    ]
    return new_experiment(
        home, "Longest", rows, space=space, title="Un nom très long 😀 שלום " * 12
    )


@dataclass
class Site:
    """A running server, and ways to send it requests."""

    home: Path
    port: int
    token: str
    called: str = ""

    @property
    def host(self):
        return self.called or f"127.0.0.1:{self.port}"

    def ask(self, path, method="GET", *, headers=None, body=None, anonymous=False):
        """(status, headers, body) of a request with these headers, a right Host, and the token
        unless it is `anonymous`."""
        own = {"Host": self.host} | ({} if anonymous else {"X-Annotate-Token": self.token})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in (own | (headers or {})).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def json(self, path, code=200):
        status, _, body = self.ask(path)
        assert status == code, (path, status, body[:500])
        return json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    def change(self, path, method="POST", document=None, **headers):
        given = {
            "Origin": f"http://{self.host}",
            "X-Annotate-Token": self.token,
            "Content-Type": "application/json",
        }
        body = b"" if document is None else json.dumps(document).encode()
        return self.ask(path, method, headers=given | headers, body=body)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def serving(home, **options) -> Iterator[Site]:
    before = os.environ.get("ANNOTATE_HOME")
    os.environ["ANNOTATE_HOME"] = str(home)
    try:
        (link, *_) = launch.ensure(free_port(), **options)
        port = int(link.split(":")[2].partition("/")[0])
        yield Site(home, port, link.partition("#token=")[2])
    finally:
        os.environ["ANNOTATE_HOME"] = str(home)
        launch.stop()
        os.environ.pop("ANNOTATE_HOME")
        if before is not None:
            os.environ["ANNOTATE_HOME"] = before


@contextlib.contextmanager
def running(home, *options):
    """The site, id and driver of an experiment with a running trial of `train.py`."""
    driver = subprocess.Popen(
        [sys.executable, "-m", "annotate", "run", "train.py", "--tuner", "random", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with serving(home) as server:
            jobs = "/api/v1/nni/trial-jobs?status=RUNNING"
            wait_for(lambda: server.ask(jobs)[2].startswith(b"[{"))
            yield server, server.json("/api/v1/nni/experiment")["id"], driver
    finally:
        driver.terminate()
        driver.wait(timeout=60)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    home = tmp_path_factory.mktemp("home") / "ho me' é"
    strange(home)
    longest(home)
    rows = [(trial(n), [n / 200], n / 100) for n in range(100)]
    new_experiment(home, "Plain", rows)
    new_experiment(home, "Empty", [], state="INITIALIZED")
    os.utime(home / "experiments/Plain/stage", (2e9, 2e9))  # the newest
    with serving(home) as server:
        yield server


@pytest.fixture
def open_site(tmp_path):
    """A server that other machines can reach, so reading needs the secret."""
    home = tmp_path / "open"
    new_experiment(home, "Plain", [(trial(n), [n / 200], n / 100) for n in range(20)])
    with serving(home, host="0.0.0.0") as server:
        yield server


PAGES = ("", "trials", "source", "importance", "timeline")
WITHIN = 30_000  # milliseconds; enough for a page even on a busy machine
SHOTS = Path(__file__).parents[3] / "screenshots"


@pytest.fixture(scope="module")
def browser():
    """Chromium, for all tests of a module."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WITHIN)
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no Chromium here")
    options = ["--no-sandbox", "--disable-background-networking"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=options)
        yield started
        started.close()


@pytest.fixture
def said():
    """What goes wrong in a page: script and request errors, policy violations, dialogs."""
    return []


@pytest.fixture
def page(browser, said):
    """A page; the test fails if anything goes wrong in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.set_default_timeout(WITHIN)
    if "ANNOTATE_SLOW_PAGES" in os.environ:
        slow_down(tab, int(os.environ["ANNOTATE_SLOW_PAGES"]))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    tab.on("dialog", lambda dialog: said.append(dialog.message) or dialog.accept())
    yield tab
    context.close()
    assert said == []


def arrived(page):
    """Wait until a page has loaded everything that it shows at first."""
    page.locator("main[aria-busy=false]").wait_for()


def go(page, site, name, at=""):
    """Open a page of an experiment by the link with the token."""
    page.goto(f"http://{site.host}/e/{name}/{at}#token={site.token}")
    arrived(page)


def shoot(page, name):
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def zoom(page, chart):
    """Drag a rectangle in the middle of a chart."""
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 160, steps=4)
    page.mouse.up()


def wait_for(condition, within=60.0):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")
