"""What users ask Slurm for."""

import pytest

from annotate.errors import AnnotateError
from runtime.core.slurm_request import SlurmRequest, parse_request


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
