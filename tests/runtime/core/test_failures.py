"""Why a trial failed, from what it printed."""

import pytest

from runtime.core.failures import failure_of
from runtime.core.paths import TrialFolder
from runtime.core.trial import Origin, Trial, TrialState

TRACEBACK = """\
Traceback (most recent call last):
  File "{folder}/tr.py", line 8, in <module>
    fail(", line 9")
    ~~~~^^^^^^^^^^^
  File "{folder}/tr.py", line 2, in fail
ValueError: no value
in two lines
"""


@pytest.mark.parametrize("folder", ["/a", "/a\nnl", '/a\n  File "b\nc', "/a\x0bb\u2028c"])
def test_the_reason_is_the_error_whatever_the_folder_is_called(tmp_path, folder):
    place = TrialFolder(tmp_path)
    place.stderr.write_text(TRACEBACK.format(folder=folder))
    trial = Trial(1, "t1", Origin.TUNER, TrialState.RUNNING, {})
    assert failure_of(trial, 1, place).reason == "exit code 1: ValueError: no value"
