"""examples/mnist: PyTorch and torchvision's own MNIST loader, as a user would have them."""

import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

# torchvision from PyPI asks for two operators that a torch without CUDA does not have. They are
# declared when torchvision is about to be imported, in whatever process that is.
SCHEMAS = """\
import sys

class Declare:
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch
            boxes = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            self.library = torch.library.Library("torchvision", "DEF")
            sys.modules["torchvision schemas"] = self
            for operator in ("nms", "qnms"):
                try:
                    self.library.define(operator + boxes)
                except RuntimeError:
                    pass  # it is there

sys.meta_path.insert(0, Declare())
"""


@pytest.fixture(autouse=True)
def torchvision(tmp_path, monkeypatch):
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SCHEMAS)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)


@pytest.fixture
def script(folder):
    (folder / "train.py").write_bytes((ROOT / "examples" / "mnist" / "train.py").read_bytes())


def write_mnist(folder):
    """A small MNIST in its own file format: the digits of scikit-learn, 28 x 28 pixels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    small = (images.reshape(-1, 8, 8) / 16 * 255).astype(np.uint8)
    large = np.pad(np.kron(small, np.ones((3, 3), np.uint8)), ((0, 0), (2, 2), (2, 2)))
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, chosen in (("train", slice(0, 600)), ("t10k", slice(600, 800))):
        pixels, classes = large[chosen], labels[chosen].astype(np.uint8)
        head = struct.pack(">IIII", 2051, *pixels.shape)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        head = struct.pack(">II", 2049, len(classes))
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(head + classes.tobytes())


def test_trials_on_files_in_mnists_own_format(annotate, script, folder, home):
    write_mnist(folder / "data")
    words = ("train.py", "--max-trials", 3, "--seed", 1, "--json", "--")
    document = json.loads(annotate("run", *words, "--epochs", 1, timeout=280).stdout)
    assert [t["state"] for t in document["trials"]] == ["SUCCEEDED"] * 3
    assert document["trials"][0]["values"] == {
        "train/F.max_pool2d/function_choice": "F.max_pool2d(x, 2)",
        "train/batch_size/choice": 64,
        "train/lr/loguniform": 0.01,
        "train/momentum/uniform": 0.5,
        "train/channels/choice": 8,
        "train/hidden/quniform": 64,
        "train/dropout/uniform": 0.25,
    }
    for stdout in home.glob("experiments/*/trials/*/stdout"):
        assert "scikit-learn" not in stdout.read_text()


def test_where_mnist_cannot_be_had_the_digits_are_taken_and_it_says_so(annotate, script, folder):
    (folder / "data").write_text("a file where the data folder should be")
    done = annotate("try", "train.py", "lr=0.05", "--", "--epochs", "1", timeout=280)
    lines = [line for line in done.stdout.splitlines() if "scikit-learn" in line]
    assert lines == ["MNIST cannot be downloaded: the digits of scikit-learn are taken instead"]
    assert "final accuracy: 0." in done.stderr
