"""Makes `import nni` find our `nni`, and modules that only NNI has in an installed NNI."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

_PACKAGES = ("common", "platform", "runtime")  # that NNI has, too


def load(ours: str) -> None:
    """Import our `nni.py` from the folder `ours`, whatever else is named `nni`."""
    spec = importlib.util.spec_from_file_location("nni", os.path.join(ours, "nni.py"))
    assert spec is not None, "a file that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["nni"] = module
    spec.loader.exec_module(module)
    # NNI's PBT joins its folders to this one. The driver completes relative folders.
    os.environ.setdefault("NNI_CHECKPOINT_DIRECTORY", "")


def add_installed() -> None:
    """Find submodules that ours lacks in an NNI that is installed in this interpreter."""
    for entry in sys.path:
        add(os.path.join(entry, "nni"))


def add(folder: str) -> None:
    """Find submodules that ours lacks in `folder`, if that is an NNI's."""
    if not os.path.isfile(os.path.join(folder, "__init__.py")):
        return
    for name in ("", *_PACKAGES):
        package = importlib.import_module(f"nni.{name}" if name else "nni")
        place = os.path.join(folder, name) if name else folder
        if place not in package.__path__:
            package.__path__.append(place)
