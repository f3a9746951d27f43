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
#: The rooms of a floor, which may be single files. A room imports from the steps below its own,
#: and from no room beside it. `stage` runs beside the trials, so no room imports it and it imports
#: none; only `stage.agent`, which runs trials, does so in the driver, too. `...` are the rooms
#: without a place of their own.
STEPS = {
    "runtime": [
        {"system"},
        {"core"},
        {"store", "gpus", "executors", "custom"},
        {"kept"},
        {"loop"},
        {"driver"},
        {"nni_config"},
        {"server"},
        {"cli"},
    ],
    "tuners": [
        {"base"},
        {"arguments", "fresh", "geometry"},
        {"gaussian", "grid", "hyperopt_domain", "parzen", "random", "rows"},
        {"surrogate"},
        {"budgets", "gp"},
        {...},  # one file or folder for each algorithm
        {"registry"},
    ],
}
#: Places that may import even less than their room.
NARROW = {
    "runtime.store": {"runtime.store", "runtime.core.trial", "runtime.core.paths"},
    "runtime.executors": {
        "runtime.executors",
        "runtime.core.trial",
        "runtime.core.paths",
        "runtime.core.host",
        "runtime.core.slurm_request",
        "runtime.system.private",
        "runtime.system.units",
        "runtime.core.metrics",
        "runtime.stage.agent",
    },
    "runtime.core.trial": set(),
    "runtime.core.paths": set(),
}
#: The entry points of the command line, which import from the top floor.
DOORS = {"annotate.__main__", "annotate_hpo"}
#: Our modules that an algorithm's process imports, in any Python from 3.8 on.
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


def _step(module):
    """The rank of the room that a module is in, on its floor."""
    if _is_in(module, "runtime.stage.agent"):
        return -1
    floor, room = module.split(".")[:2]
    steps = {each: n for n, rooms in enumerate(STEPS[floor]) for each in rooms}
    return steps.get(room, steps.get(...))


def _leaves_room(name, target):
    """Whether a module imports from a room of its floor that is not below its own."""
    floor, *room = name.split(".")[:2]
    if floor not in STEPS or not room or target == floor or not _is_in(target, floor):
        return False
    if _is_in(target, f"{floor}.{room[0]}"):
        return False
    here, there = _step(name), _step(target)
    return here is None or there is None or there >= here


def _leaves_floor(name, target):
    top = target.partition(".")[0]
    return top in FLOORS and top not in FLOORS[name.partition(".")[0]]


def _leaves_place(name, target):
    """Whether a module in a narrow place imports something that the place must not know."""
    return target.startswith("runtime.") and any(
        _is_in(name, place) and not any(_is_in(target, a) for a in {place, *allowed})
        for place, allowed in NARROW.items()
    )


def up(name, targets):
    """The imports of the module `name` from a floor, a room or a place that it must not know."""
    rules = (_leaves_floor, _leaves_room, _leaves_place)
    return [target for target in targets if any(breaks(name, target) for breaks in rules)]


@pytest.mark.parametrize(("name", "file"), [pytest.param(n, f, id=n) for n, f in modules()])
def test_no_module_imports_from_above(name, file):
    if name not in DOORS:
        assert up(name, imported(file)) == []


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("annotate.space", "tuners.base"),
        ("tuners.tpe", "runtime"),
        ("tuners.geometry.axes", "tuners.auto.ties"),
        ("tuners.geometry.axes", "tuners.fresh"),
        ("tuners.metis", "tuners.smac"),
        ("tuners.base", "tuners.registry"),
        ("runtime.store.store", "runtime.loop.experiment"),
        ("runtime.store.store", "runtime.core.config"),
        ("runtime.loop.experiment", "runtime.cli.text"),
        ("runtime.loop.experiment", "runtime.driver.build"),
        ("runtime.system.lock", "runtime.core.paths"),
        ("runtime.gpus.leases", "runtime.store.store"),
        ("runtime.server.api", "runtime.cli.text"),
        ("runtime.loop.job", "runtime.stage.annotate_trial"),
        ("runtime.loop.job", "runtime.loose"),
    ],
)
def test_an_import_from_above_is_detected(name, target):
    assert up(name, [target]) == [target]


def test_every_file_of_the_top_floor_is_in_a_room():
    folder = ROOT / "runtime"
    assert [file.name for file in folder.glob("*.py")] == ["__init__.py"]
    rooms = {path.parent.name for path in folder.glob("*/*.py")}
    assert rooms == set().union(*STEPS["runtime"]) | {"stage"}


def test_the_trials_side_needs_only_the_standard_library():
    stage = ROOT / "runtime" / "stage"
    ours = {"nni", "annotate_magic_names", *(file.stem for file in stage.glob("*.py"))}
    for file in [ROOT / "nni.py", ROOT / "annotate" / "magic_names.py", *stage.rglob("*.py")]:
        # A custom algorithm runs on the driver's machine, so its process also has our contract.
        contract = {"annotate_algorithm", *CONTRACT} if stage / "algorithm" in file.parents else ()
        for name in imported(file):
            top = name.partition(".")[0]
            known = top in sys.stdlib_module_names or top in ours or name in contract
            inside = any(name.startswith(module + ".") for module in contract)
            if stage / "agent" in file.parents:
                inside = _is_in(name, "runtime.stage.agent")
            # NVML's package travels with the agent.
            others = {("load.py", "numpy"), ("algorithm.py", "schema"), ("nvml.py", "pynvml")}
            optional = (file.name, top) in others
            assert known or inside or optional, f"{file.name} imports {name}"
