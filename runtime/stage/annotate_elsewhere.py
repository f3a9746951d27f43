"""Says so where a trial ran annotated code that is not the snapshot's: its comments did nothing.

That happens to a package that is installed apart from the code folder that was annotated, also
by an editable install. Standard library of Python 3.8 only.
"""

import json
import os
import sys
import sysconfig


def notes(root, snapshot):
    """Sentences about modules of this process; `root` is the user's code folder, resolved."""
    annotated = _annotated(os.path.join(snapshot, "snapshot.json"))
    found = []
    for name, module in sorted(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str) or not path.endswith(".py"):
            continue
        real = os.path.realpath(path)
        if real.startswith(os.path.join(root, "")) or os.path.dirname(real) == _here():
            continue
        twin = _twin(name, real, annotated)
        if twin is not None:
            found.append(
                "%s was imported from %s, not from the annotated %s: its annotations had no effect"
                % (name, path, os.path.join(root, twin))
            )
        elif not _is_installed(real) and _has_annotation(real):
            found.append(
                "%s was imported from %s, outside the code folder: its annotations had no effect"
                % (name, path)
            )
    return found


def _annotated(manifest):
    try:
        with open(manifest, encoding="utf-8") as file:
            files = json.load(file)["files"]
    except OSError:
        return []  # the experiment's folder went while the trial ran
    return [path for path in files if files[path]["annotated"]]


def _here():
    return os.path.dirname(os.path.realpath(__file__))


def _twin(name, path, annotated):
    """The annotated file of the code folder of which the module is another copy."""
    parts = name.split(".")
    ends = ["/".join(parts) + ".py", "/".join(parts) + "/__init__.py"]
    for candidate in annotated:
        for end in ends:
            same = candidate == end or candidate.endswith("/" + end)
            if same and path.endswith(os.path.join("", *end.split("/"))):
                return candidate
    return None


def _is_installed(path):
    if "site-packages" in path or "dist-packages" in path:
        return True
    library = os.path.realpath(sysconfig.get_paths()["stdlib"])
    return path.startswith(os.path.join(library, ""))


def _has_annotation(path):
    try:
        with open(path, "rb") as file:
            return b"@nni." in file.read()
    except OSError:
        return False
