"""Shared by all tests: a separate home, and the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.warm import WarmStart

# pytest explains failed assertions only in test files and in modules named here. Tests of several
# folders import them, so they are named before any is collected.
pytest.register_assert_rewrite(
    "tests.runtime.executors.conformance", "tests.runtime.store.conformance"
)

# A busy machine may pause any example, so no property test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Many tests run at a time, so further threads for matrices would only compete.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Trials run with the `python` on the PATH, which must have the libraries that tests use.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home with a hostile name, for this process and everything it starts."""
    path = tmp_path / 'ho me\'; echo "x"\né'
    monkeypatch.setenv("ANNOTATE_HOME", str(path))
    monkeypatch.delenv("NNI_SYS_DIR", raising=False)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder."""
    path = tmp_path / "user's folder"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture(scope="session")
def warm_start():
    started = []

    def run(*words, **options):
        if not started:
            started.append(WarmStart())
        return started[0].run(*words, **options)

    yield run
    for process in started:
        process.close()


@pytest.fixture
def annotate(folder, warm_start):
    """`annotate("run", "train.py")` runs a command in a new process in the user's folder."""

    def run(*words, code=0, cwd=folder, timeout=120, **environment):
        environment = {**os.environ, **environment}
        done = warm_start([*map(str, words)], cwd=cwd, env=environment, timeout=timeout)
        assert code is None or done.returncode == code, (done.stdout, done.stderr)
        assert "runtime/loop/experiment.py" not in done.stderr, done.stderr  # no traceback of ours
        return done

    return run


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below the folder with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def unchanged(folder):
    """Fails the test if it changes any byte of the user's folder."""
    before = []

    def start():
        before.append(tree(folder))

    yield start
    assert before, "the test did not say when to begin"
    assert tree(folder) == before[0]


def _interpreters():
    pythons = []
    for minor in range(8, 16):
        try:
            done = subprocess.run(
                [f"python3.{minor}", "-c", "import sys; print(sys.executable)"],
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            pythons.append(done.stdout.strip())
    # A version manager keeps other versions beside the one on the PATH.
    versions = Path(sys.base_prefix).parent
    for path in sorted(versions.glob("3.*/bin/python3")):
        minor = int(path.parents[1].name.split(".")[1])
        if minor >= 8 and not any(f"3.{minor}" in other for other in pythons):
            pythons.append(str(path))
    return pythons or [sys.executable]


INTERPRETERS = _interpreters()


@pytest.fixture(params=INTERPRETERS, ids=lambda path: "/".join(Path(path).parts[-3:]))
def python(request):
    """Each Python from 3.8 on that this machine has."""
    return request.param
