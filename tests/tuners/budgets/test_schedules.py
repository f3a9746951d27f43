"""Growing budgets and populations: which trials continue, and which are stopped."""

import numpy as np
import pytest

import tuners
from annotate.errors import SpaceError
from annotate.space import SearchSpace
from tuners import Exhausted, TunerError, Verdict
from tuners.budgets.budget import BudgetEnd
from tuners.budgets.halving import Round, halvings, rounds
from tuners.budgets.kde import KDE

SPACE = SearchSpace.from_json(
    {
        "x": {"_type": "uniform", "_value": [0, 1]},
        "c": {"_type": "choice", "_value": ["a", "b", "c"]},
    }
)


def create(name, **args):
    return tuners.create(name, SPACE, seed=4, **args)


def loss(values):
    return abs(values["x"] - 0.3) + (values["c"] != "b")


def test_the_brackets_match_the_paper():
    brackets = [rounds(81, 3, s, 4) for s in range(4, -1, -1)]
    assert brackets[0] == [Round(81, 1), Round(27, 3), Round(9, 9), Round(3, 27), Round(1, 81)]
    assert brackets[1] == [Round(34, 3), Round(11, 9), Round(3, 27), Round(1, 81)]
    assert [r[0] for r in brackets[2:]] == [Round(15, 9), Round(8, 27), Round(5, 81)]
    assert halvings(60, 1, 3) == 3
    assert rounds(60, 3, 3, 3)[0] == Round(27, 2)
    assert rounds(1, 3, 0, 0) == [Round(1, 1)]


@pytest.mark.parametrize("name", ["hyperband", "bohb"])
def test_the_best_of_a_round_continue_and_failures_do_not(name):
    budget = {"R": 9} if name == "hyperband" else {"max_budget": 9}
    tuner = create(name, **budget)
    first = [tuner.ask() for _ in range(9)]
    assert {v["TRIAL_BUDGET"] for v in first} == {1}
    ranked = sorted(first, key=loss)
    for values in first:
        tuner.tell(values, None if values is ranked[0] else loss(values))
    second = [tuner.ask() for _ in range(3)]
    assert [v["TRIAL_BUDGET"] for v in second] == [3, 3, 3]
    assert [v["x"] for v in second] == [v["x"] for v in ranked[1:4]]
    assert tuner.ask()["TRIAL_BUDGET"] == 3, "the next bracket begins while this one waits"


def test_serial_brackets_wait_for_each_other():
    tuner = create("hyperband", R=3, exec_mode="serial")
    asked = [tuner.ask() for _ in range(3)]
    with pytest.raises(Exhausted, match="waiting for the other results"):
        tuner.ask()
    for values in asked:
        tuner.tell(values, loss(values))
    assert tuner.ask()["TRIAL_BUDGET"] == 3


def test_asha_promotes_without_waiting_for_a_round():
    tuner = create("asha", R=9)
    asked = [tuner.ask() for _ in range(4)]
    for values in asked[:3]:
        tuner.tell(values, loss(values))
    promoted = tuner.ask()
    assert promoted["TRIAL_BUDGET"] == 3
    assert promoted["x"] == min(asked[:3], key=loss)["x"]
    assert tuner.ask()["TRIAL_BUDGET"] == 1


def test_bohb_draws_near_good_points_of_the_largest_modelled_budget():
    near = {}
    for name in ("hyperband", "bohb"):
        budget = {"R": 9} if name == "hyperband" else {"max_budget": 9}
        tuner, found = create(name, **budget), []
        for _ in range(150):
            values = tuner.ask()
            found.append(loss(values))
            tuner.tell(values, loss(values) - values["TRIAL_BUDGET"] / 1000)
        near[name] = np.mean(np.array(found[75:]) < 0.3)
    assert near["bohb"] > 1.5 * near["hyperband"]


def test_a_result_without_a_budget_counts_as_the_full_budget_and_outside_ones_raise():
    tuner = create("bohb", max_budget=9)
    for n in range(12):
        tuner.tell({"x": n / 12, "c": "b"}, abs(n / 12 - 0.3))
    asked = [tuner.ask()["x"] for _ in range(40)]
    assert np.mean([abs(x - 0.3) < 0.2 for x in asked]) > 0.5
    with pytest.raises(SpaceError):
        tuner.tell({"x": 3, "c": "b", "TRIAL_BUDGET": 1}, 1.0)


@pytest.mark.parametrize(
    ("name", "args"),
    [("hyperband", {"R": 9}), ("bohb", {"max_budget": 9}), ("asha", {"R": 9})],
)
def test_a_parameter_called_like_the_budget_receives_it(name, args):
    key = "train/TRIAL_BUDGET/randint"
    space = SPACE.to_json() | {key: {"_type": "randint", "_value": [1, 10]}}
    given = SearchSpace.from_json(space)
    tuner, plain = tuners.create(name, given, seed=4, args=args), create(name, **args)
    for _ in range(30):
        values = tuner.ask()
        assert values[key] == values["TRIAL_BUDGET"]
        assert {k: v for k, v in values.items() if k != key} == plain.ask()
        tuner.tell(values, loss(values))
        plain.tell({k: v for k, v in values.items() if k != key}, loss(values))
    space[key]["_value"] = [1, 9]
    with pytest.raises(TunerError, match=r"TRIAL_BUDGET is randint\(1, 9\).* budgets: 1, 3, 9"):
        tuners.create(name, SearchSpace.from_json(space), seed=4, args=args)


def test_only_scripts_that_exceed_their_budget_are_stopped():
    end = BudgetEnd(9)
    end.started(0, {"TRIAL_BUDGET": 2})
    assert [end.judge(0, [0.0] * n) for n in (1, 2)] == [Verdict.KEEP] * 2
    end.finished(0, [0.0] * 2, ok=True)
    end.started(1, {"TRIAL_BUDGET": 2})
    assert [end.judge(1, [0.0] * n) for n in (2, 3)] == [Verdict.KEEP, Verdict.STOP]
    end.started(2, {"TRIAL_BUDGET": 3})
    assert [end.judge(2, [0.0] * n) for n in (2, 3)] == [Verdict.KEEP, Verdict.STOP]
    end.started(3, {"TRIAL_BUDGET": 9})
    end.started(4, {})
    assert {end.judge(n, [0.0] * 99) for n in (3, 4)} == {Verdict.KEEP}
    second = BudgetEnd(9)
    second.started(1, {"TRIAL_BUDGET": 2})
    second.finished(1, [0.0] * 3, ok=False)
    second.started(2, {"TRIAL_BUDGET": 3})
    assert second.judge(2, [0.0] * 3) is Verdict.STOP, "a replay learns what the first run learned"


def test_a_script_that_reads_its_budget_is_never_stopped():
    end = BudgetEnd(9)
    end.may_read_budget = True  # its code names it
    end.started(0, {"TRIAL_BUDGET": 2})
    assert end.judge(0, [0.0] * 5) is Verdict.KEEP, "a report before it reads its budget"
    end.read_budget(0)
    end.finished(0, [0.0] * 20, ok=True)
    end.started(1, {"TRIAL_BUDGET": 2})
    assert end.judge(1, [0.0] * 20) is Verdict.KEEP


def test_a_script_that_names_its_budget_but_ends_without_reading_it_is_stopped():
    end = BudgetEnd(9)
    end.may_read_budget = True
    for trial in (0, 1):
        end.started(trial, {"TRIAL_BUDGET": 2})
    end.finished(0, [], ok=False)  # it failed before it could read anything
    assert end.judge(1, [0.0] * 8) is Verdict.KEEP
    end.finished(1, [0.0] * 9, ok=True)
    end.started(2, {"TRIAL_BUDGET": 3})
    assert [end.judge(2, [0.0] * n) for n in (2, 3)] == [Verdict.KEEP, Verdict.STOP]


def test_the_worst_and_failed_members_copy_the_best():
    tuner = create("pbt", population_size=5, fraction=0.2, all_checkpoint_dir="/all")
    first = [tuner.ask() for _ in range(5)]
    assert first[2]["load_checkpoint_dir"] == "/all/2/0"
    assert first[2]["save_checkpoint_dir"] == "/all/2/1"
    with pytest.raises(Exhausted, match="waiting for the other results"):
        tuner.ask()
    for number, values in enumerate(first):
        tuner.tell(values, None if number == 3 else [0.5, 0.1, 0.4, None, 0.9][number])
    second = [tuner.ask() for _ in range(5)]
    loads = [v["load_checkpoint_dir"] for v in second]
    assert loads == ["/all/0/1", "/all/1/1", "/all/2/1", "/all/1/1", "/all/4/1"]
    assert [v["x"] for v in second[:3]] == [v["x"] for v in first[:3]]
    assert second[3]["x"] != first[3]["x"]


def test_a_density_integrates_to_one_and_is_highest_at_the_points():
    points = np.array([[0.2, 0.1], [0.25, 0.1], [0.9, 0.9]])
    kde = KDE(points, {1: 2}, 1e-3)
    grid = np.linspace(0.0005, 0.9995, 1000)
    total = sum(
        np.exp(kde.log_density(np.column_stack([grid, np.full(1000, c)]))).mean()
        for c in (0.25, 0.75)
    )
    assert total == pytest.approx(1, rel=1e-3)
    high, low = kde.log_density(np.array([[0.22, 0.25], [0.6, 0.75]]))
    assert high > low
    drawn = kde.draw(500, 3.0, np.random.default_rng(0))
    assert ((drawn >= 0) & (drawn <= 1)).all()
