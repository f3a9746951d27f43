"""Which of the files that a trial writes are reported."""

import sys

import pytest

from runtime.core.metrics import MetricsFile

WRITES = """
    import io, os, pathlib, pickle, shutil, tempfile
    assert os.open in os.supports_dir_fd and shutil.rmtree.avoids_symlink_attacks
    assert pickle.loads(pickle.dumps(open)) is open
    class Holder: opens = open
    Holder().opens("by open", "w").close()
    open(b"by open", "ab").close()  # the same file
    io.open("by io", "r+" if os.path.exists("by io") else "x").close()
    pathlib.Path("by pathlib").write_text("")
    os.close(os.open("by os", os.O_WRONLY | os.O_CREAT))
    os.replace("by os", "replaced")
    os.mkdir("folder"); os.chdir("folder")
    pathlib.Path("in folder").touch()
    with open("../by open") as file, tempfile.TemporaryFile(): file.read()
    for name in (os.devnull, os.environ["NNI_OUTPUT_DIR"] + "/mine", "a.lock", ".hidden"):
        open(name, "w").close()
    try:
        open("/missing/file", "w")
    except OSError:
        pass
    """
TORCH = """
    import torch
    torch.save({}, "model.pt")
    """


@pytest.fixture
def python():
    return sys.executable


@pytest.fixture
def written(staged, folder, monkeypatch):
    """Runs a script as a trial that may run beside others; returns the files that it reports."""
    monkeypatch.setenv("NNI_WATCH_WRITES", "1")

    def run(script):
        staged.run(["RUN", "train.py"], {"train.py": script}, {})
        batch = MetricsFile(staged.experiment.trial(0).metrics).read()
        return [path.removeprefix(f"{folder}/") for path in batch.wrote]

    return run


def test_files_that_python_opens_for_writing_are_reported(written):
    # `Path.touch` opens by os.open; files of caches and of the trial itself do not count.
    assert written(WRITES) == [
        *("by open", "by io", "by pathlib", "by os", "replaced", "folder/in folder")
    ]


def test_files_that_torch_opens_are_reported(written):
    pytest.importorskip("torch")
    assert written(TORCH) == ["model.pt"]
