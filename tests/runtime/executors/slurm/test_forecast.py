"""When a pilot is replaced, judged by how long trials took and jobs waited."""

import math
import time
from types import SimpleNamespace

import pytest

from runtime.executors.slurm import forecast as forecasts
from runtime.executors.slurm.commands import Status
from runtime.executors.slurm.forecast import Forecast, Pilot
from runtime.executors.slurm.jobs import SlurmJob


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(forecasts, "time", clock)
    return clock


@pytest.fixture
def forecast(clock):
    """Trials take 100 s, and jobs wait 20 s."""
    forecast = Forecast()
    forecast.begin(0)
    clock.now += 100
    forecast.end(0)
    forecast.add_wait(20)
    return forecast


def job(left, length=600.0, *, ready=True, given=True):
    machine = SimpleNamespace(ready=True, draining=False) if ready else None
    return SlurmJob("1", Status("1", "RUNNING"), machine, 1100 + left, length, given=given)


def pilot(*args, trials=(), **kwargs):
    return Pilot(job(*args, **kwargs), trials, is_full=bool(trials))


def test_a_job_without_a_time_limit_is_never_replaced(forecast):
    endless = SlurmJob("1", Status("1", "RUNNING"), given=True)
    assert forecast.fits(endless)
    assert not forecast.is_due(Pilot(endless, (), is_full=False), waiting=True)


def test_a_pilot_gets_no_trial_that_its_time_is_too_short_for(forecast):
    assert forecast.fits(job(136))
    assert not forecast.fits(job(134))


def test_the_next_pilot_is_submitted_early_enough_to_wait_in_the_queue(forecast):
    assert not forecast.is_due(pilot(171), waiting=False)
    assert forecast.is_due(pilot(169), waiting=False)


def test_the_next_pilot_is_not_submitted_before_it_is_needed(forecast, clock):
    forecast.begin(1)
    full = pilot(230, trials=[1])
    assert not forecast.is_due(full, waiting=False), "its trial has just begun"
    clock.now += 70
    assert forecast.is_due(full, waiting=False), "it ends in 30 s, and no other fits after it"


def test_a_pilot_is_kept_while_nobody_knows_when_its_first_trial_ends(clock):
    forecast = Forecast()
    forecast.begin(0)
    clock.now += 500
    assert not forecast.is_due(pilot(-300, trials=[0]), waiting=False)


def test_a_trial_that_still_runs_is_known_to_take_longer(forecast, clock):
    forecast.begin(1)
    clock.now += 200
    assert not forecast.fits(job(200 + 259)), "one takes 200 s already, and a reserve"
    assert forecast.fits(job(200 + 261))


def test_one_trial_in_twenty_may_take_longer(forecast, clock):
    for number, seconds in enumerate([400, *[100] * 18]):
        forecast.begin(number)
        clock.now += seconds
        forecast.end(number)
    assert forecast.fits(job(clock.now - 1100 + 136))


def test_trials_as_long_as_a_pilot_get_a_new_one_each(forecast):
    assert forecast.fits(job(118, length=130)), "the next pilot would have no more time"
    assert not forecast.fits(job(116, length=130))
    assert not forecast.is_due(pilot(118, length=130), waiting=True), "it is new itself"


def test_a_pilot_without_a_trial_is_replaced_once_one_waits_that_it_has_no_time_for(forecast):
    unused = pilot(100, given=False)
    assert not forecast.is_due(unused, waiting=False)
    assert forecast.is_due(unused, waiting=True)
    assert forecast.to_drain([unused], 1, waiting=True) == [unused.job]
    starting = pilot(100, math.inf, ready=False, given=False)
    assert not forecast.is_due(starting, waiting=True), "the next would have no more time"


def test_a_pilot_is_drained_once_another_is_ready_in_its_place(forecast):
    old, older, following = pilot(160), pilot(150), pilot(600, given=False)
    starting = pilot(600, ready=False, given=False)
    assert forecast.to_drain([old, starting], 1, waiting=False) == []
    assert forecast.to_drain([old, following], 1, waiting=False) == [old.job]
    assert forecast.to_drain([old, older, following], 2, waiting=False) == [older.job]
    late = pilot(10)
    assert forecast.to_drain([late], 1, waiting=False) == [late.job], "no trial would end in time"


def test_a_trial_that_had_most_of_the_time_is_itself_too_long(forecast, clock):
    forecast.begin(1)
    clock.now += 100
    assert forecast.had_most(1, job(1, length=110))
    assert not forecast.had_most(1, job(1, length=600))


def test_the_end_of_a_job_is_taken_from_slurm():
    job = SlurmJob("1", Status("1", "RUNNING"), SimpleNamespace(ready=True, draining=False))
    job.update(Status("1", "RUNNING", "", time.time() + 600))
    assert job.ends_at == pytest.approx(time.monotonic() + 600, abs=5)
    job.update(Status("1", "RUNNING", "", time.time() + 20))
    assert job.ends_at == pytest.approx(time.monotonic() + 20, abs=5)
    assert job.length == pytest.approx(600, abs=5)
