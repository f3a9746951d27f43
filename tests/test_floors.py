"""The house: imports go down only."""

import ast
import sys
from pathlib import Path

import pytest

import annotate

ROOT = Path(annotate.__file__).parent.parent

#: What each place may import of ours, itself included.
FLOORS = {
    "nni": {"nni"},
    "annotate_hpo": {"annotate_hpo"},
    "annotate": {"annotate"},
    "tuners": {"annotate", "tuners"},
    "runtime": {"annotate_hpo", "annotate", "tuners", "runtime"},
}
#: Inside the top floor: each place and what of it may be imported.
STEPS = {
    "runtime.store": {"runtime.store", "runtime.core.trial", "runtime.core.paths"},
    "runtime.executors": {
        "runtime.executors",
        "runtime.core.trial",
        "runtime.core.paths",
        "runtime.system.units",
        "runtime.core.metrics",
    },
    "runtime.core.trial": set(),
    "runtime.core.paths": set(),
}
#: The doors of the command line, which open on the top floor.
DOORS = {"annotate.__main__", "annotate_hpo"}
#: What an algorithm's process has of ours, in any interpreter from Python 3.8 on.
CONTRACT = {"annotate.domains", "annotate.errors", "annotate.space", "tuners.base"}


def modules():
    files = [ROOT / "nni.py", ROOT / "annotate_hpo.py"]
    for name in ("annotate", "tuners", "runtime"):
        files += (ROOT / name).rglob("*.py")
    for file in files:
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if not name.startswith("runtime.stage"):
            yield name, file


def imported(file):
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides its floor"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_in(target, place):
    return target == place or target.startswith(place + ".")


def up(name, targets):
    """What the module `name` imports from a floor or a step above its own."""
    for target in targets:
        top = target.partition(".")[0]
        if top in FLOORS and top not in FLOORS[name.partition(".")[0]]:
            yield target
        for place, allowed in STEPS.items():
            inside = _is_in(name, place)
            ours = top == "runtime" and target != "runtime"
            if inside and ours and not any(_is_in(target, a) for a in {place, *allowed}):
                yield target
        if target.startswith("runtime.cli") and not name.startswith("runtime.cli"):
            yield target


@pytest.mark.parametrize(("name", "file"), [pytest.param(n, f, id=n) for n, f in modules()])
def test_no_module_imports_from_above(name, file):
    if name not in DOORS:
        assert list(up(name, imported(file))) == []


def test_an_import_that_goes_up_is_seen():
    assert list(up("annotate.space", ["tuners.base"])) == ["tuners.base"]
    assert list(up("tuners.tpe", ["runtime"])) == ["runtime"]
    assert list(up("runtime.store.store", ["runtime.loop.experiment"])) == [
        "runtime.loop.experiment"
    ]
    assert list(up("runtime.loop.experiment", ["runtime.cli.text"])) == ["runtime.cli.text"]


def test_the_trials_side_needs_the_standard_library_only():
    stage = ROOT / "runtime" / "stage"
    ours = {"nni", *(file.stem for file in stage.glob("*.py"))}
    for file in [ROOT / "nni.py", *stage.rglob("*.py")]:
        # The process of an own algorithm also has our contract: it runs on the driver's machine.
        contract = {"annotate_algorithm", *CONTRACT} if stage / "algorithm" in file.parents else ()
        for name in imported(file):
            top = name.partition(".")[0]
            known = top in sys.stdlib_module_names or top in ours or name in contract
            inside = any(name.startswith(module + ".") for module in contract)
            optional = (file.name, name) == ("load.py", "numpy")
            assert known or inside or optional, f"{file.name} imports {name}"
