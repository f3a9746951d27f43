import os

import pytest

from tests.runtime.executors.ssh import servers
from tests.runtime.executors.ssh.project import Project


@pytest.fixture(scope="package")
def network(tmp_path_factory):
    """The running servers alpha and beta, and the home folder of a user who knows them."""
    if servers.SSHD is None or os.getuid() != 0:
        pytest.skip("needs sshd, started as root")
    pytest.importorskip("asyncssh")
    hosts, home = servers.make(tmp_path_factory.mktemp("network"), ["alpha", "beta"])
    for host in hosts:
        host.start()
    yield hosts, home
    for host in hosts:
        host.stop()


@pytest.fixture
def project(network, tmp_path):
    _, home = network
    return Project(tmp_path, home)
