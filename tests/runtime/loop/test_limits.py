"""Limits of running trials."""

import time

from runtime.core.config import Config
from runtime.loop.limits import Limits, Running


class Looked(list):
    """Running trials; counts how often all are looked at."""

    times = 0

    def __iter__(self):
        self.times += 1
        return super().__iter__()


def test_many_trials_at_their_limits_are_not_all_looked_at_with_each_event():
    limits = Limits(Config("train.py", "/project", "python", trial_timeout=1.0), time.monotonic())
    now = time.monotonic()
    running = Looked(Running(now - 2.0, now) for _ in range(20_000))
    for _ in range(3):
        limits.patience(running, ending=False)
    assert running.times == 1
    assert not limits.due()


def test_a_trial_at_its_limit_is_noticed_soon():
    limits = Limits(Config("train.py", "/project", "python", trial_timeout=1.0), time.monotonic())
    now = time.monotonic()
    assert limits.patience([Running(now - 2.0, now)], ending=False) < 1.0
    assert limits.broken({7: Running(now - 2.0, now)}) == [
        (7, "ran longer than --trial-timeout 1s")
    ]
