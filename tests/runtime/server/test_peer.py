"""Which user owns a connection, tested with real connections."""

import os
import socket
import subprocess
import sys

import pytest

from runtime.server.peer import is_own

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone says it")

DIAL = """\
import os, socket, sys
if len(sys.argv) > 2:
    os.setuid(int(sys.argv[2]))
family = socket.AF_INET6 if "FFFF" in os.environ else socket.AF_INET
host = "::ffff:127.0.0.1" if "FFFF" in os.environ else "127.0.0.1"
with socket.socket(family) as dialled:
    dialled.connect((host, int(sys.argv[1])))
    sys.stdin.read()
"""


@pytest.fixture
def accepted():
    """Has another process connect, and returns the addresses of both ends."""
    processes, sockets = [], []

    def dial(*words, **environment):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(60)
        sockets.append(listener)
        port = str(listener.getsockname()[1])
        process = subprocess.Popen(
            [sys.executable, "-c", DIAL, port, *words],
            stdin=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        processes.append(process)
        connection, _ = listener.accept()
        sockets.append(connection)
        return connection.getpeername(), connection.getsockname()

    yield dial
    for process in processes:
        process.communicate()
    for each in sockets:
        each.close()


def test_a_connection_of_the_same_user_is_recognised(accepted):
    assert is_own(*accepted())


def test_an_ipv6_connection_of_the_same_user_is_recognised(accepted):
    assert is_own(*accepted(FFFF="1"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_connection_of_another_user_is_not_own(accepted):
    assert not is_own(*accepted("65534"))


def test_a_missing_connection_is_not_own(accepted):
    (host, port), server = accepted()
    assert not is_own((host, port ^ 1), server)
    assert not is_own(("not an address", port), server)
