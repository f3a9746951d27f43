"""docs/tuners.md matches the code."""

import inspect
import re
from pathlib import Path

import pytest

import tuners
from annotate.space import SearchSpace

PAGE = (Path(__file__).parents[2] / "docs" / "tuners.md").read_text(encoding="utf-8")
CONTEXT = {"space", "seed", "maximize"}


def documented():
    """Maps each algorithm to its documented arguments and their defaults, as written."""
    found, name, kind = {}, "", ""
    tables = re.findall(r"^\| (?:tuner|assessor) \| argument \|.*?\n\n", PAGE + "\n", re.M | re.S)
    for row in "".join(tables).split("\n"):
        if not row:
            continue
        kind = row.split()[1] if " | argument |" in row else kind
        first, arguments, defaults = (cell.strip() for cell in row.split("|")[1:4])
        if arguments in ("argument", "---"):
            continue
        name = first.strip("`") or name
        names = arguments.replace("`", "").split(", ")
        defaults = defaults.replace("`", "")
        found.setdefault((kind, name), {}).update(zip(names, defaults.split(", "), strict=True))
    return found


def shown(default):
    if default is inspect.Parameter.empty:
        return "(needed)"
    return str(default).lower() if isinstance(default, bool) else str(default)


@pytest.mark.parametrize("algorithm", tuners.TUNERS + tuners.ASSESSORS, ids=lambda a: a.name)
def test_each_algorithm_is_on_the_page_with_its_names(algorithm):
    nni = f"`{algorithm.nni_names[0]}`" if algorithm.nni_names else "–"
    assert f"| `{algorithm.name}` | {nni} |" in PAGE


@pytest.mark.parametrize("algorithm", tuners.TUNERS + tuners.ASSESSORS, ids=lambda a: a.name)
def test_documented_arguments_and_defaults_match_the_code(algorithm):
    parameters = inspect.signature(algorithm.load()).parameters
    ours = {name: shown(p.default) for name, p in parameters.items() if name not in CONTEXT}
    ours.pop("no_resampling", None)  # it can only be true
    kind = "tuner" if algorithm in tuners.TUNERS else "assessor"
    page = documented().get((kind, algorithm.name), {})
    if algorithm.name == "bohb":
        assert page.pop("random_fraction") == "1/3"
        assert ours.pop("random_fraction") == str(1 / 3)
    if algorithm.name == "cmaes":
        assert page.pop("population_size") == "4 + 3 ln n"
        assert ours.pop("population_size") == "None"
    assert page == ours


def test_the_example_of_a_custom_tuner_works():
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1)
    defined = {}
    exec(code, defined)
    space = SearchSpace.from_json({"x": {"_type": "uniform", "_value": [0, 1]}})
    tuner = defined["Halves"](space, seed=0)
    assert [tuner.ask()["x"] for _ in range(3)] == [1.0, 0.5, 0.25]
    for _ in range(17):
        tuner.ask()
    with pytest.raises(tuners.Exhausted):
        tuner.ask()
