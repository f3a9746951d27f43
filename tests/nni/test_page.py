"""docs/nni.md has every feature of NNI, and says of each what the program really has."""

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

import nni
from annotate.errors import AnnotateError
from runtime.cli import COMMANDS
from runtime.cli.nni_only import INSTEAD
from runtime.nni_config.fields import PLATFORMS
from runtime.server.nni import changes, rest, results
from tuners.registry import ASSESSORS, TUNERS, find

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "nni.md").read_text()

#: Every command of nnictl in NNI 1.9 and 3.0; those in a group with all of it.
NNICTL = """
create, resume, view, top, stop, ss_gen, package, algo, trainingservice, hello,
jupyter-extension, update searchspace, update concurrency, update duration, update trialnum,
trial ls, trial kill, trial codegen, experiment show, experiment status, experiment list,
experiment delete, experiment import, experiment export, experiment save, experiment load,
platform clean, webui url, webui nas, config show, log stdout, log stderr, log trial,
tensorboard start, tensorboard stop
"""
COMMANDS_OF_NNI = {name.strip() for name in NNICTL.split(",")}
#: Every request that NNI's manager answers.
REQUESTS = """
GET /version, GET /check-status, GET /experiment, GET /experiment-metadata, GET /experiments-info,
GET /trial-jobs, GET /trial-jobs/{}, GET /metric-data, GET /metric-data/{},
GET /metric-data-range/{}/{}, GET /metric-data-latest, GET /job-statistics,
GET /trial-log/{}/{}, GET /trial-file/{}/{}, GET /export-data, GET /experiment/imported-data,
POST /experiment, POST /experiment/import-data, POST /trial-jobs, PUT /experiment,
PUT /experiment/cluster-metadata, DELETE /experiment, DELETE /trial-jobs/{}
"""
REQUESTS_OF_NNI = {request.strip() for request in REQUESTS.split(",")}


def rows(title):
    """(names in code marks, the cell `here`, the version) of each row below a title."""
    _, _, section = PAGE.partition(f"\n## {title}\n")
    for line in section.partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0] != "feature" and not cells[0].startswith("---"):
            yield re.findall(r"`([^`]+)`", cells[0]), cells[2], cells[3]


def names(title):
    """Each name below a title, and whether the page says that it is here."""
    for found, here, _ in rows(title):
        yield from ((name, not here.startswith("not here")) for name in found)


@pytest.mark.parametrize("title", re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
def test_each_feature_has_a_version_or_is_not_here(title):
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## ([0-9.]+)", changelog, re.MULTILINE)
    assert [*rows(title)]
    for found, here, since in rows(title):
        absent = here.startswith("not here") or since == "–"
        assert since in ("–" if absent else versions), (found, since)


def test_the_page_has_every_command_and_no_other():
    there = {name for name, _, _ in COMMANDS}
    listed = set()
    for text, is_here in names("Commands"):
        words = [word for word in text.split() if re.fullmatch(r"[a-z][\w-]*", word)]
        options = {" ".join(words[:2]), *words[:1]}
        known = options & ((there | {"nnictl"}) if is_here else INSTEAD.keys())
        assert known or text.startswith("--"), text
        listed |= known
    assert listed >= COMMANDS_OF_NNI
    assert INSTEAD.keys() <= listed


@pytest.mark.parametrize("title", ["Scripts", "Algorithms of your own"])
def test_names_of_nni_can_be_imported_if_they_are_here(title):
    for text, is_here in names(title):
        if not text.startswith("nni.") or text == "nni.hyperopt_tuner":
            continue
        if not is_here:
            assert importlib.util.find_spec(text) is None, text
            continue
        module, _, name = text.rpartition(".")
        found = hasattr(importlib.import_module(module), name)
        assert found or importlib.util.find_spec(text), text


def test_the_page_has_every_function_of_nni():
    listed = {text.removeprefix("nni.") for text, _ in names("Scripts")}
    assert set(nni.__all__) <= listed


def test_the_page_has_every_algorithm_of_nni():
    listed = [name for name, _ in names("Tuners, advisors and assessors")]
    for name in listed:
        kinds = [(TUNERS, "tuner"), (ASSESSORS, "assessor")]
        assert any(_finds(name, *kind) for kind in kinds), name
    assert {n for algorithm in (*TUNERS, *ASSESSORS) for n in algorithm.nni_names} <= {*listed}


def _finds(name, algorithms, role):
    try:
        return find(name, algorithms, role)
    except AnnotateError:
        return None


def test_the_page_has_every_training_service():
    for name, is_here in names("Training services"):
        assert (name in PLATFORMS) == is_here, name


def test_the_page_has_every_request():
    ours = {
        f"{method} {_without_names(route.path.removeprefix(part.router.prefix))}"
        for part in (rest, results, changes)
        for route in part.router.routes
        for method in route.methods
    }
    listed = {_without_names(text): is_here for text, is_here in names("REST API")}
    assert {request for request, is_here in listed.items() if is_here} == ours
    assert listed.keys() == REQUESTS_OF_NNI


def _without_names(path):
    return re.sub(r"{\w+}", "{}", path)
