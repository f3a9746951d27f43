import subprocess
import sys

import pytest

import tuners
from annotate.space import SearchSpace
from tuners import TunerError
from tuners.random import Random
from tuners.tpe import TPE

SPACE = SearchSpace.from_json({"x": {"_type": "uniform", "_value": [0, 1]}})


@pytest.mark.parametrize("name", ["TPE", "tpe", "Tpe"])
def test_nnis_names_and_short_names_work_in_any_case(name):
    assert isinstance(tuners.create(name, SPACE, seed=0), TPE)


@pytest.mark.parametrize("algorithm", tuners.TUNERS + tuners.ASSESSORS, ids=lambda a: a.name)
def test_every_algorithm_in_the_registry_has_a_documented_class(algorithm):
    assert "NNI's page" in (algorithm.load().__doc__ or "")
    assert algorithm.name == algorithm.name.lower()


def test_an_unknown_name_lists_the_known_ones_and_suggests_one():
    with pytest.raises(TunerError, match="choose one of auto, tpe, random") as caught:
        tuners.create("rndom", SPACE, seed=0)
    assert caught.value.hint == "did you mean 'random'?"


def test_an_unknown_argument_is_named_with_a_suggestion():
    with pytest.raises(TunerError, match="tpe has no argument 'gama'") as caught:
        tuners.create("TPE", SPACE, seed=0, gama=1)
    assert caught.value.hint == "did you mean 'gamma'?"


def test_an_argument_for_an_algorithm_without_any_is_refused():
    with pytest.raises(TunerError, match="random has no argument 'rate'") as caught:
        tuners.create("random", SPACE, seed=0, rate=1)
    assert caught.value.hint == "it takes no arguments"


@pytest.mark.parametrize("name", ["PPOTuner", "NetworkMorphism", "dngo", "DNGOTuner", "ENAS"])
def test_nnis_algorithms_that_are_not_here_are_named_with_another_one(name):
    with pytest.raises(TunerError, match=f"{name} is not here: it ") as caught:
        tuners.create(name, SPACE, seed=0)
    assert "auto" in caught.value.hint


def asked(**args):
    tuner = tuners.create("TPE", SPACE, seed=1, maximize=True, args=args)
    values = []
    for _ in range(6):
        values += [tuner.ask() for _ in range(2)]
        tuner.tell(values[-1], values[-1]["x"])
    return values


def test_the_arguments_of_nni_2_7_mean_ours():
    ours = {"n_startup_jobs": 2, "gamma": 0.4, "linear_forgetting": 3, "seed": 3}
    nnis = {**ours, "constant_liar_type": "best"}
    seed = nnis.pop("seed")
    assert asked(seed=seed, tpe_args=nnis) == asked(**ours, constant_liar_type="min")
    assert asked(tpe_args={"constant_liar_type": None}) == asked(parallel_optimize=False)
    assert asked(seed=None) == asked(seed=1)
    for args, message in (
        ({"gama": 1}, "tpe has no argument 'gama'"),
        (3, "tpe_args must be a section"),
        ({"seed": 3}, "seed is both in tpe_args and beside it"),
    ):
        with pytest.raises(TunerError, match=message):
            asked(seed=1, tpe_args=args)


@pytest.mark.parametrize("value", ["many", 1.5, True, [3], None])
def test_an_argument_of_the_wrong_type_is_named(value):
    with pytest.raises(TunerError, match="tpe: n_startup_jobs must be a whole number"):
        tuners.create("TPE", SPACE, seed=0, n_startup_jobs=value)


@pytest.mark.parametrize("value", [1, 1.0, "1e0"])
def test_numbers_that_yaml_reads_as_strings_are_accepted(value):
    tuners.create("TPE", SPACE, seed=0, prior_weight=value)


def test_an_argument_out_of_range_is_named():
    with pytest.raises(TunerError, match="n_startup_jobs must be at least 1, not 0"):
        tuners.create("TPE", SPACE, seed=0, n_startup_jobs=0)


def test_an_unknown_optimize_mode_is_refused():
    with pytest.raises(TunerError, match="optimize_mode") as caught:
        tuners.create("random", SPACE, seed=0, optimize_mode="maximise")
    assert caught.value.hint == "did you mean 'maximize'?"


def test_seed_among_the_arguments_overrides_the_experiments():
    plain = tuners.create("random", SPACE, seed=5).ask()
    assert tuners.create("random", SPACE, seed=1, args={"seed": 5}).ask() == plain
    with pytest.raises(TunerError, match="random: seed must be a whole number"):
        tuners.create("random", SPACE, seed=1, args={"seed": "x"})


@pytest.mark.parametrize("key", ["maximize", "space", "name"])
def test_an_argument_that_only_the_experiment_passes_is_refused(key):
    with pytest.raises(TunerError, match=f"tpe has no argument '{key}'"):
        tuners.create("tpe", SPACE, seed=0, args={key: False})
    with pytest.raises(TunerError, match=f"medianstop has no argument '{key}'"):
        tuners.create_assessor("medianstop", args={key: False})


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    monkeypatch.delitem(sys.modules, "tuners.cmaes", raising=False)
    with pytest.raises(TunerError, match="cmaes needs the package cmaes") as caught:
        tuners.create("cmaes", SPACE, seed=0)
    assert caught.value.hint == "pip install 'annotate-hpo[cmaes]'"


def test_importing_the_registry_imports_no_numeric_library():
    code = (
        "import sys, tuners; print([m for m in ('numpy','scipy','hyperopt') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_random_draws_without_hyperopt():
    code = "import sys, tuners.random; print('hyperopt' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
    assert isinstance(tuners.create("Random", SPACE, seed=0), Random)
