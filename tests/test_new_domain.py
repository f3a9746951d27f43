"""A new domain is one registered class; everything else supports it without an edit."""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import uvicorn

import tuners
from annotate.domains import DOMAINS, Domain, register
from annotate.errors import SpaceError
from annotate.json_value import JSON
from annotate.space import SearchSpace
from runtime.cli import main
from runtime.server.app import application
from tests.runtime.server.conftest import Site, browser, free_port, go, new_experiment, page, said
from tuners import TunerError

__all__ = ["browser", "page", "said"]  # fixtures

SCRIPT = """\
import nni
keep = 0.5  # @nni.logituniform(0.01, 0.99)
nni.report_final_result((keep - 0.98) ** 2)
"""

PAGES = ("", "trials", "source", "importance")


@pytest.fixture
def eleventh():
    """Registers the domain for one test, as importing its module does."""
    sys.modules.pop("tests.eleventh_domain", None)
    yield importlib.import_module("tests.eleventh_domain").LogitUniform
    del DOMAINS["logituniform"]


@pytest.fixture
def script(folder):
    (folder / "train.py").write_text(SCRIPT)
    return folder / "train.py"


@contextlib.contextmanager
def serving(home):
    """A server in this process, where the domain is registered."""
    port = free_port()
    app = application(frozenset({f"127.0.0.1:{port}"}), "secret")
    options = {"port": port, "log_level": "warning", "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, **options, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        yield Site(home, port, "secret")
    finally:
        server.should_exit = True
        thread.join()


def annotate(capsys, *words):
    """Run a command in this process, where the domain is registered; returns what it prints."""
    capsys.readouterr()
    code = main(list(words))
    printed = capsys.readouterr()
    assert code == 0, printed
    return printed


def test_all_commands_support_a_new_domain(eleventh, script, capsys):
    assert "1 parameter" in annotate(capsys, "check", "train.py").err
    assert "logituniform(0.01, 0.99)" in annotate(capsys, "show", "train.py").out
    annotate(capsys, "suggest", "train.py")
    options = ["--minimize", "--max-trials", "8", "--seed", "1", "--json"]
    document = json.loads(annotate(capsys, "run", "train.py", *options).out)
    annotate(capsys, "apply", document["experiment"], "train.py", "--write", "--force")
    written = float(script.read_text().split("keep = ")[1].split()[0])
    assert written != 0.5
    assert 0.01 <= written <= 0.99
    assert len(str(written)) <= 10


def test_a_mistake_in_a_new_domain_is_named(eleventh, script, capsys):
    script.write_text(SCRIPT.replace("0.99", "1.5"))
    assert main(["check", "train.py"]) != 0
    printed = capsys.readouterr()
    assert "high 1.5 is not below 1" in printed.out + printed.err


@pytest.fixture
def experiment(eleventh, script, capsys):
    options = ["--minimize", "--max-trials", "16", "--tuner", "random", "--json"]
    return json.loads(annotate(capsys, "run", "train.py", *options).out)["experiment"]


def test_documents_and_importance_support_a_new_domain(experiment, home):
    with serving(home) as site:
        (shown,) = site.json(f"/api/v1/experiments/{experiment}")["space"]
        assert (shown["type"], shown["low"], shown["high"]) == ("logituniform", 0.01, 0.99)
        (side,) = site.json(f"/api/v1/experiments/{experiment}/importance")["parameters"]
    assert side["edges"][0] == pytest.approx(0.01)
    assert side["edges"][16] == pytest.approx(0.5)
    assert side["along"]["mean"][0] > side["along"]["mean"][-1]


def test_pages_support_a_new_domain(experiment, home, page):
    with serving(home) as site:
        for at in PAGES:
            go(page, site, experiment, at)
            page.locator("main", has_text="keep").wait_for()
        page.goto("about:blank")  # closes its streams before the server ends


def test_the_conformance_suite_tests_a_new_domain_with_every_tuner():
    root = Path(__file__).parents[1]
    options = ["-q", "-p", "tests.eleventh_domain", "-p", "no:xdist", "-k", "logituniform"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/tuners/test_conformance.py"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(tuners.TUNERS)} passed" in done.stdout


def test_a_new_scale_keeps_the_distribution_of_its_domain(eleventh):
    domain = eleventh(0.01, 0.99)
    drawn = np.array([domain.sample(np.random.default_rng(n)) for n in range(2000)])
    assert np.mean(drawn < 0.5) == pytest.approx(0.5, abs=0.05)
    assert np.mean(drawn < 0.1) == pytest.approx(0.26, abs=0.05)  # (ln 99 - ln 9) / (2 ln 99)
    assert domain.near(0.12345678) == 0.123457
    assert domain.near(0.987654321) == 0.9876543  # more digits where they change the odds
    with pytest.raises(SpaceError, match="low 0 is not above 0"):
        eleventh(0, 0.5)


def test_a_domain_name_can_be_registered_only_once(eleventh):
    with pytest.raises(ValueError, match="'logituniform' is registered already"):
        register(eleventh)


@dataclass(frozen=True, slots=True)
class Order(Domain):
    """The numbers below `count`, unordered: neither a numeric domain nor a choice."""

    type: ClassVar[str] = "order"
    examples: ClassVar[tuple[list[Any], ...]] = ([4],)
    count: int

    @property
    def arguments(self) -> list[JSON]:
        return [self.count]

    @property
    def size(self) -> int | None:
        return None

    def nth(self, number: int) -> JSON:
        raise NotImplementedError

    def sample(self, rng: Any) -> JSON:
        return np.argsort([rng.random() for _ in range(self.count)]).tolist()

    def locate(self, value: JSON) -> JSON:
        if sorted(value) != list(range(self.count)):
            raise SpaceError(f"{value!r} is not an order of {self.count}")
        return value


@pytest.mark.parametrize("name", [algorithm.name for algorithm in tuners.TUNERS])
def test_a_domain_of_another_kind_is_sampled_or_refused_with_tuners_that_support_it(
    name, monkeypatch
):
    monkeypatch.setitem(DOMAINS, "order", Order)
    space = SearchSpace.from_json({"layers": {"_type": "order", "_value": [4]}})
    if name in ("random", "hyperband", "asha"):
        values = tuners.create(name, space, seed=0).ask()
        assert sorted(values["layers"]) == [0, 1, 2, 3]
        return
    with pytest.raises(TunerError, match=r"layers is order\(4\)") as refusal:
        tuners.create(name, space, seed=0)
    assert refusal.value.hint == "random, hyperband and asha take every domain"


def test_the_importance_page_explains_why_a_domain_of_another_kind_is_missing(home, monkeypatch):
    monkeypatch.setitem(DOMAINS, "order", Order)
    new_experiment(home, "Orders", [], space={"layers": {"_type": "order", "_value": [4]}})
    with serving(home) as site:
        document = site.json("/api/v1/experiments/Orders/importance")
    assert document["reason"].startswith("layers is order(4)")
    assert document["parameters"] == []
