"""An agent that an engine's process holds ends with that process."""

import base64
import os
import socket
import subprocess
import time

from runtime.executors.remote import code
from tests.runtime.executors.remote.test_remote import OLDEST


def test_an_agent_ends_with_the_other_end_of_its_lifeline_and_leaves_no_folder(tmp_path):
    ours, its_end = socket.socketpair()
    agent = subprocess.Popen(
        code.start_command("EXP-1", OLDEST, "hold"),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=[its_end.fileno()],
        env={**os.environ, "HOME": str(tmp_path), "ANNOTATE_LIFELINE": str(its_end.fileno())},
    )
    its_end.close()
    agent.stdin.write(base64.encodebytes(code.archive()))
    agent.stdin.close()
    folder = tmp_path / ".local/share/annotate/agent/experiments/EXP-1"
    until = time.monotonic() + 60
    while not (folder / "agent.sock").exists():
        assert time.monotonic() < until, "the agent does not start"
        time.sleep(0.01)
    assert agent.poll() is None
    ours.close()
    assert agent.wait(timeout=60) == 0
    assert not folder.exists()
