"""The pages' JavaScript modules: each parses, nothing is unused, every import exists."""

import posixpath
import re
from pathlib import Path

import pytest

from runtime.core.trial import TrialState
from runtime.server import launch

STATIC = Path(launch.__file__).parent / "static"
MODULES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))
IMPORT = re.compile(r'^import (?:\{([^}]*)\}|\* as (\w+)) from "(\.[./\w]+\.js)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
DEFINED = re.compile(r"^(?:export )?(?:async )?(?:function|class|const) (\w+)", re.MULTILINE)

STATES = [*(state.value for state in TrialState), "INITIALIZED", "ERROR", "STOPPED", "DONE"]


def source(name):
    return (STATIC / name).read_text(encoding="utf-8")


def imports(name):
    """(module, exported name, local name) of each import of a module."""
    for names, whole, path in IMPORT.findall(source(name)):
        module = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        if whole:
            yield module, "*", whole
        for part in filter(None, (part.strip() for part in names.split(","))):
            there, _, here = part.partition(" as ")
            yield module, there, here or there


@pytest.mark.parametrize("name", MODULES)
def test_every_import_is_exported_by_its_module_and_used(name):
    text = IMPORT.sub("", source(name))
    assert len(re.findall(r"\bimport\b", text)) == 0, "an import that this test does not see"
    for module, there, here in imports(name):
        assert there == "*" or there in EXPORT.findall(source(module)), (module, there)
        assert re.search(rf"\b{here}\b", text), f"{here} is imported for nothing"


def test_every_export_and_definition_is_used():
    wanted = {(module, there) for name in MODULES for module, there, _ in imports(name)}
    wholes = {module for module, there in wanted if there == "*"}
    for name in MODULES:
        text = source(name)
        for made in DEFINED.findall(text):
            assert len(re.findall(rf"\b{made}\b", text)) > 1 or made in EXPORT.findall(text), made
        for exported in EXPORT.findall(text):
            used = (name, exported) in wanted
            if name in wholes and not used:
                members = rf"\b\w+\.{exported}\b|\]\.{exported}\b|\]\[1\]\.{exported}\b"
                used = any(re.search(members, source(other)) for other in MODULES)
            assert used, f"{name} exports {exported} for nobody"


def test_every_module_parses_and_loads_by_itself(page, site):
    page.goto(f"http://{site.host}/#token={site.token}")
    page.get_by_role("heading", name="Experiments").wait_for()
    for name in MODULES:
        assert (
            page.evaluate("async name => Object.keys(await import(name))", f"/static/{name}")
            is not None
        )


def test_an_axis_takes_results_whose_difference_is_infinite(page, site):
    page.goto(f"http://{site.host}/#token={site.token}")
    page.get_by_role("heading", name="Experiments").wait_for()
    marks, ends, back = page.evaluate(
        """async () => {
          const { scale, ticks } = await import("/static/charts/plot.js");
          const limits = [-1.5e308, 1.5e308];
          const x = scale(limits, 0, 100);
          return [ticks(limits, 4), [...limits, 0].map(x), x.back(50)];
        }"""
    )
    assert marks == [-8e307, 0, 8e307]
    assert ends == [0, 100, 50]
    assert back == 0


def test_every_colour_class_and_variable_of_the_style_is_used():
    style = source("style.css")
    code = "".join(source(name) for name in MODULES) + source("index.html")
    for name in set(re.findall(r"var\((--[\w-]+)\)", style)) | set(
        re.findall(r'"(--[\w-]+)"', code)
    ):
        assert f"{name}:" in style, f"{name} is not defined"
    for name in set(re.findall(r"^\s*(--[\w-]+):", style, re.MULTILINE)):
        assert f"var({name})" in style or f'"{name}"' in code, f"{name} is not used"
    used = set(re.findall(r"[\w-]+", code))
    used |= {f"{kind}-{state}" for kind in "sf" for state in STATES} | {
        f"k{n}" for n in range(1, 7)
    }
    for name in set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"\{[^}]*\}", "", style))):
        assert name in used, f"no element has the class {name}"
