"""A look at a machine: what it has, or why no trial can run there."""

import asyncio
import os

import pytest

from runtime.executors.remote.carrier import Carrier, Unreachable
from runtime.executors.remote.probe import probe
from runtime.executors.remote.process_stream import open_process


class Here(Carrier):
    """This machine with another home, PATH and login file."""

    def __init__(self, home, path=os.environ["PATH"], greeting=""):
        self.home, self.path, self.greeting = home, path, greeting

    async def open(self, command):
        login = ["sh", "-c", f'{self.greeting}\nexec "$@"', "sh"]
        world = ["env", f"HOME={self.home}", f"PATH={self.path}"]
        return await open_process([*world, *login, *command])


def look(carrier):
    return asyncio.run(probe(carrier))


def refused(carrier):
    with pytest.raises(Unreachable) as caught:
        look(carrier)
    return str(caught.value), caught.value.hint


def test_a_machine_tells_what_it_has_and_keeps_no_file(tmp_path):
    home = tmp_path / "ho me é'"
    home.mkdir()
    seen = look(Here(home))
    assert seen.facts["cores"] >= 1
    assert seen.facts["memory"] > 1 << 20
    assert seen.facts["free"] > 1 << 20
    assert "gpus" not in seen.facts, "nobody asked for them"
    assert seen.facts["folder"] == str(home)
    assert list(home.iterdir()) == []


def test_a_machine_without_a_new_enough_python_says_so(tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "env"):
        (tools / name).symlink_to(f"/bin/{name}")
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")  # as Python 3.6 answers our question
    (tools / "python3").chmod(0o755)
    reason, hint = refused(Here(tmp_path, str(tools)))
    assert reason == "no Python 3.8 or newer is on the PATH"
    assert hint == "name a Python with --python"
    carrier = Here(tmp_path)
    carrier.python = "/nowhere/python"
    assert "there is no /nowhere/python" in refused(carrier)[0]


def test_a_login_file_that_prints_is_quoted(tmp_path):
    reason, hint = refused(Here(tmp_path, greeting="echo Welcome to alpha"))
    assert reason == "its shell prints 'Welcome to alpha'"
    assert hint == "a login file there must print nothing"


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="needs a folder that takes no file")
def test_a_home_that_cannot_be_written_is_named(tmp_path):
    reason, hint = refused(Here("/proc/1"))
    assert "/proc/1 cannot be written: " in reason
    assert hint == "trials keep their files there while they run"


def test_the_home_of_a_full_disk_is_named(tmp_path):
    # A limit of the size of files stands for the disk's.
    reason, _ = refused(Here(tmp_path, greeting="trap '' XFSZ; ulimit -f 1"))
    assert f"{tmp_path} cannot be written: " in reason
