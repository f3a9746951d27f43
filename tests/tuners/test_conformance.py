"""The contract of all tuners; every tuner in the registry is tested here."""

import contextlib
import io
import itertools
import json
import math
import re
import time

import pytest

import tuners
from annotate.domains import DOMAINS, Choice, Numeric
from annotate.errors import SpaceError
from annotate.space import SearchSpace
from tuners import Exhausted, TunerError

#: An example `_value` of each domain in the registry; `CASES` has all of them.
EXAMPLES = {kind: domain.examples[0] for kind, domain in DOMAINS.items()}
CASES = [(kind, value) for kind, domain in DOMAINS.items() for value in domain.examples]

NAMES = [algorithm.name for algorithm in tuners.TUNERS]


def is_finite(domain):
    return domain.size is not None


def is_choice(domain):
    return isinstance(domain, Choice)


def is_numeric(domain):
    return isinstance(domain, Numeric)


#: The domains that a tuner supports according to the docs, if not all.
ONLY = {"grid": is_finite, "batch": is_choice, "cmaes": is_numeric}
#: Tuners that only sample, so they also support domains that are neither numeric nor a choice.
DRAWING = {"random", "hyperband", "asha"}
FINITE = {"grid", "batch"}
#: Tuners that repeat a configuration, with an extra key in the values: a larger budget or
#: a checkpoint. What they propose depends on asks and tells, not on tells alone.
AGAIN = {"hyperband", "bohb", "asha", "pbt"}
BESIDE = {"TRIAL_BUDGET", "load_checkpoint_dir", "save_checkpoint_dir"}
#: Tuners that never end, even in a finite space.
FOR_EVER = {"pbt"}
ONE_PARAMETER = {"batch"}
CONTINUOUS = [name for name in NAMES if name not in FINITE]
NESTED = [name for name in NAMES if name not in ONLY]
#: Arguments with which an algorithm's later stages begin after a few trials.
SOON = {
    "tpe": {"n_startup_jobs": 5},
    "evolution": {"population_size": 5},
    "gp": {"cold_start_num": 5},
    "metis": {"cold_start_num": 5},
    "smac": {"cold_start_num": 5},
    "hyperband": {"R": 4, "eta": 2},
    "bohb": {"max_budget": 4, "eta": 2, "min_points_in_model": 3},
    "asha": {"R": 4, "eta": 2},
    "pbt": {"population_size": 4},
}


def space(**parameters):
    return SearchSpace.from_json(
        {key: {"_type": kind, "_value": value} for key, (kind, value) in parameters.items()}
    )


def nested():
    layers = {"_name": "deep", "n": {"_type": "randint", "_value": [1, 4]}}
    layers["act"] = {
        "_type": "choice",
        "_value": ["relu", {"_name": "leaky", "slope": {"_type": "uniform", "_value": [0, 1]}}],
    }
    return space(model=("choice", ["none", layers]), lr=("loguniform", [1e-4, 1]))


def endless(name):
    """An infinite space if the tuner supports one, with as many kinds of domains as it supports."""
    if name in FINITE:
        return finite(name)
    return nested() if name in NESTED else space(x=("uniform", [0, 1]), n=("randint", [0, 50]))


def finite(name):
    if name in ONE_PARAMETER:
        return space(a=("choice", list("abcdefghijklmnopqrst")))
    if name not in NESTED and name not in FINITE:
        return space(a=("quniform", [0, 3, 1]), b=("randint", [0, 5]))
    inner = {"_name": "x", "n": {"_type": "randint", "_value": [0, 3]}}
    return space(a=("choice", [0, inner, 0]), b=("quniform", [0, 3, 2]), c=("randint", [5, 7]))


def own(values):
    """The parameters among the values."""
    return {key: value for key, value in values.items() if key not in BESIDE}


def fits(name, given):
    domains = [parameter.domain for parameter in given]
    if name in ONE_PARAMETER and len(given) != 1:
        return False
    if name in ONLY:
        return all(map(ONLY[name], domains))
    return name in DRAWING or all(is_numeric(d) or is_choice(d) for d in domains)


def takers(given):
    """The names of the tuners that support a space."""
    return {name for name in NAMES if fits(name, given)}


def create(name, given, seed=1, **args):
    return tuners.create(name, given, seed=seed, **SOON.get(name, {}), **args)


def score(values):
    """A metric that depends on every value and has ties."""
    text = json.dumps(own(values), sort_keys=True)
    return float(sum(map(ord, text)) % 17)


def run(tuner, trials, failing=3):
    """Ask and tell; every `failing`-th trial fails."""
    asked = []
    for number in range(trials):
        asked.append(tuner.ask())
        tuner.tell(asked[-1], None if number % failing == failing - 1 else score(asked[-1]))
    return asked


def plain(value):
    if isinstance(value, (list, dict)):
        inner = value.values() if isinstance(value, dict) else value
        return type(value) in (list, dict) and all(map(plain, inner))
    return value is None or type(value) in (bool, int, float, str)


@pytest.mark.parametrize(("kind", "value"), CASES, ids=lambda x: str(x).replace(" ", ""))
@pytest.mark.parametrize("name", NAMES)
def test_each_domain_is_supported_or_refused_by_name(name, kind, value):
    given = space(width=(kind, value))
    if not fits(name, given):
        with pytest.raises(TunerError, match=rf"width is {kind}") as refusal:
            create(name, given)
        assert set(re.findall(r"\w+", refusal.value.hint)) & takers(given)
        return
    tuner = create(name, given)
    for values in run(tuner, min(16, given.size or 16)):
        assert plain(values)
        assert json.dumps(given.locate(own(values))) == json.dumps(own(values))


@pytest.mark.parametrize("name", NESTED)
def test_nested_choices_have_exactly_the_children_of_their_option(name):
    given = nested()
    asked = run(create(name, given), 25)
    assert all(json.dumps(given.locate(own(v))) == json.dumps(own(v)) for v in asked)
    assert {type(v["model"]) for v in asked} == {str, dict}


ONCE = [name for name in NAMES if name not in AGAIN]


@pytest.mark.parametrize("name", sorted(AGAIN - FOR_EVER))
def test_a_finite_space_is_tried_with_growing_budgets_and_ends(name):
    given = finite(name)
    tuner = create(name, given)
    asked = []
    with contextlib.suppress(Exhausted):
        while len(asked) < 10 * given.size:
            asked += run(tuner, 1, failing=9)
    each = {json.dumps(own(v), sort_keys=True) for v in asked}
    assert len(each) == given.size
    assert len({json.dumps(v, sort_keys=True) for v in asked}) == len(asked)
    assert len(asked) > given.size


@pytest.mark.parametrize("name", sorted(AGAIN))
def test_no_values_are_proposed_twice_while_many_are_pending(name):
    tuner = create(name, finite(name))
    asked, pending = [], []
    for _ in range(12):
        with contextlib.suppress(Exhausted):
            for _ in range(3):
                pending.append(tuner.ask())
        asked += pending
        for values in pending[::-1]:
            tuner.tell(values, score(values))
        pending = []
    assert len({json.dumps(v, sort_keys=True) for v in asked}) == len(asked) > 20


@pytest.mark.parametrize("name", sorted(AGAIN))
def test_an_exhausted_ask_does_not_change_the_state(name):
    tuner, plainly = create(name, finite(name)), create(name, finite(name))
    for _ in range(20):
        pending = []
        with contextlib.suppress(Exhausted):
            while True:
                pending.append(tuner.ask())
        assert [plainly.ask() for _ in pending] == pending
        for values in pending:
            tuner.tell(values, score(values))
            plainly.tell(values, score(values))


@pytest.mark.parametrize("name", ONCE)
def test_each_point_of_a_finite_space_is_proposed_once(name):
    given = finite(name)
    tuner = create(name, given)
    asked = run(tuner, given.size)
    assert len({json.dumps(v, sort_keys=True) for v in asked}) == given.size
    with pytest.raises(Exhausted):
        tuner.ask()


@pytest.mark.parametrize("name", ONCE)
def test_told_values_are_not_proposed_again(name):
    given = finite(name)
    last = run(create("grid", given), given.size)[-3:]
    tuner = create(name, given)
    for values in last:
        tuner.tell(values, 1.0)
    asked = run(tuner, given.size - 3)
    assert not [v for v in asked if v in last]
    with pytest.raises(Exhausted):
        tuner.ask()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FOR_EVER])
def test_a_space_of_one_point_is_proposed_once(name):
    only = ("choice", ["only"]) if name in ONE_PARAMETER else ("quniform", [1, 2, 4])
    args = {"hyperband": {"R": 1}, "asha": {"R": 1}, "bohb": {"max_budget": 1}}.get(name, {})
    tuner = tuners.create(name, space(a=only), seed=1, **args)
    values = own(tuner.ask())
    assert values == {"a": "only" if name in ONE_PARAMETER else 1}
    with pytest.raises(Exhausted):
        tuner.ask()
    tuner.tell(values, 1.0)
    with pytest.raises(Exhausted):
        tuner.ask()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_equal_bounds_are_a_constant(name):
    given = space(
        x=("uniform", [0, 1]),
        c=("uniform", [0.5, 0.5]),
        tiny=("loguniform", [1e-9, 1e-9]),
        huge=("uniform", [-1e300, -1e300]),
        q=("qloguniform", [5, 5, 2]),
    )
    asked = [own(values) for values in run(create(name, given), 12)]
    fixed = {"c": 0.5, "tiny": 1e-9, "huge": -1e300, "q": 5}
    assert [{**values, **fixed} for values in asked] == asked
    assert len({values["x"] for values in asked}) > 2


@pytest.mark.parametrize("name", [name for name in CONTINUOUS if name not in FOR_EVER])
def test_pending_values_are_not_repeated_and_may_be_told_in_any_order(name):
    given = space(x=("uniform", [0, 1]), y=("loguniform", [1e-3, 1]), z=("randint", [0, 50]))
    tuner = create(name, given)
    for _ in range(3):
        asked = [tuner.ask() for _ in range(8)]
        assert len({json.dumps(v) for v in asked}) == 8
        for values in reversed(asked):
            tuner.tell(values, score(values))


@pytest.mark.parametrize("name", ONCE)
def test_each_point_of_a_finite_space_is_proposed_once_even_if_nothing_is_told(name):
    given = finite(name)
    tuner = create(name, given)
    asked = [json.dumps(tuner.ask(), sort_keys=True) for _ in range(given.size)]
    assert len(set(asked)) == given.size


@pytest.mark.parametrize("name", CONTINUOUS)
def test_tuners_support_fifty_parameters_of_all_domains(name):
    kinds = [case for case in sorted(EXAMPLES.items()) if fits(name, space(a=case))]
    given = space(**{f"p{n}": kinds[n % len(kinds)] for n in range(50)})
    started = time.process_time()  # even on a busy machine
    asked = run(create(name, given), 15)
    assert all(json.dumps(given.locate(own(v))) == json.dumps(own(v)) for v in asked)
    assert time.process_time() - started < 15


@pytest.mark.parametrize("name", NAMES)
def test_the_same_calls_give_the_same_values(name):
    given = endless(name)
    trials = given.size or 15
    assert run(create(name, given), trials) == run(create(name, given), trials)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_another_seed_gives_other_values(name):
    given = space(x=("uniform", [0, 1]))
    assert create(name, given, seed=1).ask() != create(name, given, seed=2).ask()


@pytest.mark.parametrize("name", ONCE)
def test_a_tuner_with_a_told_history_continues_like_the_one_that_asked(name):
    given = endless(name)
    first = create(name, given)
    asked = run(first, 12)
    second = create(name, given)
    for number, values in enumerate(asked):
        second.tell(values, None if number % 3 == 2 else score(values))
    assert second.ask() == first.ask()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FOR_EVER])
def test_a_tuner_with_recalled_pending_trials_continues_like_the_original(name):
    given = endless(name)
    first, second = create(name, given), create(name, given)
    waiting = []
    for number in range(12):
        waiting.append(first.ask())
        second.recall(waiting[-1])
        if number % 4 != 3:
            values = waiting.pop(0)
            for tuner in (first, second):
                tuner.tell(values, score(values))
    assert [second.ask() for _ in range(3)] == [first.ask() for _ in range(3)]


@pytest.mark.parametrize("name", NAMES)
def test_maximizing_equals_minimizing_the_negative(name):
    given = endless(name)
    most, least = create(name, given, maximize=True), create(name, given)
    for _ in range(12):
        values = most.ask()
        assert least.ask() == values
        most.tell(values, score(values))
        least.tell(values, -score(values))


@pytest.mark.parametrize("name", NAMES)
def test_optimize_mode_overrides_the_direction(name):
    given = finite(name)
    assert create(name, given, optimize_mode="maximize").maximize
    assert not create(name, given, maximize=True, optimize_mode="minimize").maximize


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_metric_that_is_not_finite_counts_as_a_failure(name):
    given = endless(name)
    failed, told = create(name, given), create(name, given)
    bad = itertools.cycle([math.nan, math.inf, -math.inf])
    last = None
    for number in range(18):
        values = failed.ask()
        assert told.ask() == values, f"after {last}"
        failed.tell(values, None if number % 2 else number)
        last = next(bad) if number % 2 else number
        told.tell(values, last)


@pytest.mark.parametrize("metric", [None, 0.0, 1e300, -1e-300])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_tuners_continue_after_only_failures_or_ties(name, metric):
    tuner = create(name, endless(name))
    for _ in range(15):
        tuner.tell(tuner.ask(), metric)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_tuners_accept_metrics_of_any_magnitude(name):
    tuner = create(name, space(x=("uniform", [0, 1]), y=("uniform", [0, 1])))
    for metric in (1e308, -1e308, 1e-308, 0.0, 3.0, 1e20, -5.0, 1e10, 2.0, 2.0, 7.0):
        tuner.tell(tuner.ask(), metric)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_proposals_do_not_depend_on_the_unit_of_the_metric(name):
    """Powers of two keep every digit. In the last unit, differences and sums are infinite."""
    proposals = []
    for exponent in (0, -900, 1024):
        tuner = create(name, space(x=("uniform", [0, 1]), y=("uniform", [0, 1])))
        proposals.append([])
        for number in range(14):
            values = tuner.ask()
            proposals[-1].append(dict(values))
            metric = (-1) ** number * (0.5 + 0.49 * values["x"])
            tuner.tell(values, math.ldexp(metric / 2, exponent) * 2)
    assert proposals[0] == proposals[1] == proposals[2]


@pytest.mark.parametrize("name", NAMES)
def test_telling_values_outside_the_space_raises(name):
    tuner = create(name, finite(name))
    with pytest.raises(SpaceError, match="a"):
        tuner.tell({"a": "no such option"}, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_space_is_refused(name):
    with pytest.raises(TunerError, match="nothing to tune"):
        create(name, SearchSpace(()))


@pytest.mark.parametrize("name", NAMES)
def test_tuners_print_nothing(name):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        run(create(name, finite(name)), 15)
    assert out.getvalue() == ""
