"""What users ask Slurm for."""

import time

import pytest

from annotate.errors import AnnotateError
from runtime.executors.slurm.commands import Status, _seconds
from runtime.executors.slurm.jobs import Durations, SlurmJob
from runtime.executors.slurm.request import SlurmRequest, parse_request


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("", SlurmRequest()),
        ("partition=gpu,time=60", SlurmRequest(("--partition=gpu", "--time=60"))),
        ("gres=gpu:1,shard:2,pilots=3", SlurmRequest(("--gres=gpu:1,shard:2",), 3)),
        (
            "time=1-00:00, exclusive,pilots=1,slots=4",
            SlurmRequest(("--time=1-00:00", "--exclusive"), 1, 4),
        ),
    ],
)
def test_options_are_passed_to_sbatch(text, request_):
    assert parse_request(text) == request_


@pytest.mark.parametrize("text", ["slots=2", "pilots=x", "wrap=rm", "output=/x", "-p=x", "A b=1"])
def test_mistakes_are_refused(text):
    with pytest.raises(AnnotateError):
        parse_request(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("59:01", 3541), ("1:00:00", 3600), ("2-00:00:01", 172801), ("UNLIMITED", None)],
)
def test_the_time_that_a_job_has_left(text, seconds):
    assert _seconds(text) == seconds


def test_a_pilot_gets_no_trial_that_its_time_is_too_short_for():
    durations = Durations()
    job = SlurmJob("1", Status("1", "RUNNING"))
    assert durations.fits(job), "it has no time limit"
    job.update(Status("1", "RUNNING", "", 600))
    durations.add(100)
    job.update(Status("1", "RUNNING", "", 200))
    assert durations.fits(job)
    job.update(Status("1", "RUNNING", "", 150))
    assert not durations.fits(job)
    assert job.ends_at > time.monotonic()
    short = SlurmJob("2", Status("2", "RUNNING"))
    short.update(Status("2", "RUNNING", "", 120))
    assert durations.fits(short), "a new one would be no longer"
