"""Says so where a trial used annotated files of others than the snapshot: they did nothing.

That happens to a package that is installed apart from the code folder that was annotated, also
by an editable install, and to a file of data that lies elsewhere or that nothing names. The other
way round, it names a file of data that was not read. Standard library of Python 3.8 only.
"""

import json
import os
import sys
import sysconfig

_DATA = (".yaml", ".yml", ".toml", ".json", ".jsonc", ".json5")
_read: set = set()


def watch():
    """Remember from now on which files of data this process reads."""
    sys.addaudithook(_see)


def _see(event, arguments):
    if event != "open" or not isinstance(arguments[0], str) or not arguments[0].endswith(_DATA):
        return
    if arguments[1] is None or "r" in arguments[1]:
        _read.add(os.path.realpath(arguments[0]))


def notes(root, snapshot):
    """Sentences about what this process used; `root` is the user's code folder, resolved."""
    return _of_modules(root, snapshot) + _of_data(root, snapshot)


def _of_data(root, snapshot):
    folder = os.environ["NNI_SYS_DIR"]
    known = _from_json(os.path.join(snapshot, "data.json"), [])
    written = _from_json(os.path.join(folder, "parameters.json"), {}).get("written", {})
    told = _told(os.path.join(folder, "metrics.jsonl"))
    found = [
        "%s was not read: its parameters had no effect" % name
        for name, values in written.items()
        if values and not told.intersection(values)
    ]
    copies = {os.path.join(root, name) for name in known}
    own = os.path.join(os.path.dirname(os.path.realpath(snapshot)), "")
    for path in sorted(_read - copies):
        if not path.startswith(own) and not _is_installed(path) and _has_annotation(path):
            found.append("%s was read as it is: its annotations had no effect" % path)
    return found


def _told(path):
    """The parameters whose values as written this trial has noted."""
    try:
        with open(path, encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
    except (OSError, ValueError):
        return set()
    return {record["key"] for record in records if record["type"] == "written"}


def _of_modules(root, snapshot):
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
    files = _from_json(manifest, {}).get("files", {})
    return [path for path in files if files[path]["annotated"]]


def _from_json(path, nothing):
    """What a file says; `nothing` where it is not there: the experiment's folder may have gone."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError:
        return nothing


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
