import importlib.util

import pytest

from tests.runtime.executors.ray.cluster import Cluster
from tests.runtime.executors.ssh.project import Project


@pytest.fixture(scope="package")
def cluster():
    """A running cluster; all tests share it."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip('needs Ray: pip install "ray[default]"')
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def project(cluster, tmp_path):
    cluster.wait_until_idle()
    return Project(tmp_path, cluster.home)
