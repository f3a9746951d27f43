import pytest

from tests.runtime.executors.slurm.cluster import Cluster, missing
from tests.runtime.executors.slurm.project import Project


@pytest.fixture(scope="package")
def cluster(tmp_path_factory):
    if missing() is not None:
        pytest.skip(missing())
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    cluster.write()
    for name in ("slurmctld", "n1", "n2"):
        cluster.start(name)
    try:
        cluster.wait_for_nodes()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in cluster.variables.items():
                patch.setenv(name, value)
            yield cluster
    finally:
        cluster.close()


@pytest.fixture
def project(cluster, tmp_path):
    project = Project(tmp_path)
    yield project
    project.close()
