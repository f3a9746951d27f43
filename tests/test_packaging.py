"""Packaging: one version, bounded private names, and everything in the sdist."""

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

import annotate

#: Files of the repository that an installation does not contain.
ROOT = Path(__file__).parent.parent
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")


def test_the_version_is_defined_in_one_place():
    assert SETUP["metadata"]["version"] == "attr: annotate.__version__"
    for start in (["-m", "annotate_hpo"], ["-m", "annotate"]):
        done = subprocess.run([sys.executable, *start, "--version"], capture_output=True, text=True)
        assert done.stdout == f"annotate {annotate.__version__}\n"


def test_the_changelog_begins_with_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entry = re.search(r"^## (\S+)(?: - (\S+))?$", text, re.MULTILINE)
    assert entry is not None
    assert entry[1] == annotate.__version__
    assert re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", entry[2])


def private_imports():
    """Modules of other packages that begin with an underscore, and the file that imports them."""
    for name in ("annotate", "tuners", "runtime"):
        for file in (ROOT / name).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_bytes())):
                if isinstance(node, ast.ImportFrom) and node.module is not None:
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
                elif isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    continue
                for path in names:
                    if re.search(r"\._[a-z]", path):
                        yield path


def test_a_library_with_a_private_name_in_use_has_an_upper_bound():
    libraries = {path.partition(".")[0] for path in private_imports()} - sys.stdlib_module_names
    libraries.discard("nni")  # our own
    assert "libcst" in libraries
    required = SETUP["options"]["install_requires"].split()
    required += " ".join(SETUP["options.extras_require"].values()).split()
    for package in libraries:
        assert any(re.fullmatch(rf"{package}>=[\d.]+,<[\d.]+", line) for line in required), package


def test_everything_that_ci_uses_is_pinned():
    pinned = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, _, number = line.partition("==")
            assert number, line
            pinned[name] = number
    extras = SETUP["options.extras_require"]
    for line in (SETUP["options"]["install_requires"] + extras["test"] + extras["dev"]).split():
        name = re.split(r"[<>=[]", line)[0].lower().replace("_", "-")
        assert name in pinned, f"{name} is missing: make constraints"
    assert f"torch=={pinned['torch']}" in extras["test"]


@pytest.mark.parametrize("name", ["tests", "docs", "examples", "benchmarks"])
def test_the_source_distribution_contains_all_files(name):
    assert f"graft {name}" in (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
