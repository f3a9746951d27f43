"""The contract of all assessors, and which trials each one stops."""

import copy
import math

import numpy as np
import pytest

import tuners
from tuners import TunerError, Verdict
from tuners.assessors.curves import CURVES, extrapolate

NAMES = [algorithm.name for algorithm in tuners.ASSESSORS]
#: A gap of 4, because each verdict fits twelve curves.
NEEDED = {"curvefitting": {"epoch_num": 20, "gap": 4}}


def create(name, **args):
    return tuners.create_assessor(name, **(NEEDED.get(name, {}) | args))


def rising(top, speed=0.3, steps=20):
    return [top * (1 - math.exp(-speed * step)) for step in range(1, steps + 1)]


def run(assessor, trial, curve):
    """The step after which the trial is stopped; None if it runs to its end."""
    for step in range(1, len(curve) + 1):
        if assessor.judge(trial, curve[:step]) is Verdict.STOP:
            assessor.finished(trial, curve[:step], ok=False)
            return step
    assessor.finished(trial, curve, ok=True)
    return None


@pytest.mark.parametrize("name", NAMES)
def test_the_first_trial_is_never_stopped(name):
    assert run(create(name, maximize=True), 0, rising(0.1)) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_trial_is_stopped_and_a_good_one_is_not(name):
    assessor = create(name, maximize=True)
    for trial in range(3):
        run(assessor, trial, rising(0.9))
    assert run(assessor, 3, rising(0.2)) is not None
    assert run(assessor, 4, rising(0.95)) is None


@pytest.mark.parametrize("name", NAMES)
def test_minimizing_equals_maximizing_the_negative(name):
    tops = [0.8, 0.9, 0.3, 0.85, 0.95, 0.1, 0.7]
    most, least = create(name, maximize=True), create(name)
    for trial, top in enumerate(tops):
        curve = [value + 0.05 for value in rising(top)]
        stopped = run(most, trial, curve)
        assert run(least, trial, [-value for value in curve]) == stopped


@pytest.mark.parametrize("name", NAMES)
def test_the_same_calls_give_the_same_verdicts(name):
    rng = np.random.default_rng(0)
    curves = [list(np.maximum.accumulate(rng.random(20))) for _ in range(6)]
    first, other = create(name, maximize=True), create(name, maximize=True)
    for trial, curve in enumerate(curves):
        assert run(first, trial, curve) == run(other, trial, curve)


@pytest.mark.parametrize("name", NAMES)
def test_verdicts_do_not_depend_on_the_unit_of_the_results(name):
    """In the last unit, sums and differences of results are infinite."""
    curves = [[2 * value - 0.9 for value in rising(top)] for top in (0.9, 0.8, 0.2, 0.95, 0.5)]
    verdicts = []
    for exponent in (0, -900, 1023):
        assessor = create(name, maximize=True)
        scaled = [[math.ldexp(value, exponent) for value in curve] for curve in curves]
        verdicts.append([run(assessor, trial, curve) for trial, curve in enumerate(scaled)])
    assert verdicts[0] == verdicts[1] == verdicts[2]
    assert any(verdicts[0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("curve", [[], [0.5], [0.5] * 12, [math.nan] * 12, [1e308, -1e308] * 6])
def test_no_curve_raises_an_error(name, curve):
    assessor = create(name, maximize=True)
    assessor.finished(0, curve, ok=True)
    run(assessor, 1, rising(0.9))
    for step in range(len(curve) + 1):
        assert assessor.judge(2, curve[:step]) in Verdict
    assessor.finished(2, curve, ok=False)


@pytest.mark.parametrize("name", NAMES)
def test_unknown_arguments_are_named(name):
    with pytest.raises(TunerError, match=f"{name} has no argument 'strat_step'"):
        create(name, strat_step=1)


@pytest.mark.parametrize("name", ["Medianstop", "curve-fitting", "ASHA"])
def test_nnis_names_and_short_names_work_in_any_case(name):
    args = {"epoch_num": 5} if "curve" in name else {}
    assert tuners.create_assessor(name, optimize_mode="maximize", **args).maximize


def test_medianstop_compares_the_best_so_far_with_the_median_of_averages():
    assessor = create("medianstop", maximize=True)
    for trial, level in enumerate([0.2, 0.4, 0.6]):
        run(assessor, trial, [level] * 4)
    assert assessor.judge(3, [0.39]) is Verdict.STOP
    assert assessor.judge(3, [0.4]) is Verdict.KEEP
    assert assessor.judge(3, [0.5, 0.1]) is Verdict.KEEP


@pytest.mark.parametrize("maximize", [True, False])
def test_medianstop_judges_a_curve_the_same_whether_or_not_it_saw_it_grow(maximize):
    rng = np.random.default_rng(1)
    grown = create("medianstop", maximize=maximize)
    for trial in range(6):
        for _ in range(2):  # the second time, the trial runs again
            curve = list(rng.normal(size=30) + [0.0, math.inf, math.nan][trial % 3] * (trial > 3))
            grown.started(trial, {})
            for step in range(1, len(curve) + 1):
                afresh = copy.deepcopy(grown)
                afresh.started(trial, {})
                seen = curve[:step]
                assert grown.judge(trial, seen) is afresh.judge(trial, seen)
        grown.finished(trial, curve, ok=True)


def test_medianstop_learns_only_from_succeeded_trials():
    assessor = create("medianstop", maximize=True)
    assessor.finished(0, [0.9] * 4, ok=False)
    assert assessor.judge(1, [0.1]) is Verdict.KEEP


def test_medianstop_waits_for_start_step_and_for_finished_trials_of_that_length():
    assessor = create("medianstop", maximize=True, start_step=3)
    assessor.finished(0, [0.9] * 3, ok=True)
    verdicts = [assessor.judge(1, [0.1] * step) for step in range(1, 5)]
    assert verdicts == [Verdict.KEEP, Verdict.KEEP, Verdict.STOP, Verdict.KEEP]


def test_asha_keeps_the_best_of_each_rung_and_judges_only_there():
    assessor = create("asha", maximize=True, min_steps=2, eta=3)
    verdicts = [assessor.judge(n, [0.0, level]) for n, level in enumerate([0.5, 0.4, 0.6, 0.55])]
    assert verdicts == [Verdict.KEEP, Verdict.STOP, Verdict.KEEP, Verdict.STOP]
    assert assessor.judge(4, [0.0]) is Verdict.KEEP
    assert assessor.judge(4, [0.0] * 3) is Verdict.KEEP


def test_asha_counts_a_trial_once_at_a_rung():
    assessor = create("asha", maximize=True)
    for _ in range(3):
        assert assessor.judge(0, [0.5]) is Verdict.KEEP
    assert assessor.judge(1, [0.4]) is Verdict.STOP


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_each_curve_is_extrapolated_from_its_own_first_half(curve):
    whole = curve.at(np.arange(1.0, 31.0), *curve.start)
    low, height = whole[:15].min(), np.ptp(whole[:15])
    predicted = low + height * extrapolate((whole[:15] - low) / height, 30)
    assert predicted == pytest.approx(whole[-1], abs=0.1 * np.ptp(whole))


def test_curvefitting_stops_where_the_prediction_is_below_the_threshold():
    assessor = create("curvefitting", maximize=True, start_step=6, threshold=0.95)
    assessor.finished(0, [0.9], ok=True)
    assert run(assessor, 1, rising(0.88)) is None
    assert run(assessor, 2, rising(0.6)) == 6


def test_curvefitting_judges_after_every_gap():
    assessor = create("curvefitting", maximize=True, start_step=4, gap=5)
    assessor.finished(0, [0.9], ok=True)
    curve = [0.3, 0.31, 0.31, 0.31, 0.31, 0.31, 0.31, 0.31, 0.31]
    stops = [n for n in range(1, 10) if assessor.judge(1, curve[:n]) is Verdict.STOP]
    assert stops == [4, 9]


def test_curvefitting_needs_the_number_of_epochs():
    with pytest.raises(TunerError, match="curvefitting needs the argument 'epoch_num'"):
        tuners.create_assessor("Curvefitting")


@pytest.mark.parametrize("name", ["medianstop", "asha"])
def test_a_trial_of_nan_changes_no_other_verdict(name):
    assessor = create(name, maximize=True)
    for trial in range(9):
        run(assessor, trial, rising(1.0))
        run(assessor, 100 + trial, [math.nan] * 20)
    assert run(assessor, 200, rising(1.1)) is None
    assert run(assessor, 201, rising(0.5)) is not None


def test_a_trial_that_runs_again_counts_once_in_a_rung_of_asha():
    assessor = create("asha", maximize=True)
    for _ in range(5):
        assert assessor.judge(0, [0.9]) is Verdict.KEEP
    # If all runs counted, the best third of six would be two.
    assert assessor.judge(1, [0.5]) is Verdict.STOP
    assert assessor.judge(2, [0.8]) is Verdict.STOP
