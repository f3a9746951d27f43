"""Reports annotations without effect, because a trial used files from outside the snapshot.

For example, an annotated package may be installed separately from the code folder, or a data file
may be in another folder or not named by the script. Annotated data files that the trial did not
read are reported too. Python 3.8, standard library only.
"""

import json
import os
import sys
import sysconfig

import annotate_copied
import annotate_frozen

_DATA = (".yaml", ".yml", ".toml", ".json", ".jsonc", ".json5")
_read: set = set()


def watch():
    """Record from now on which data files this process reads."""
    sys.addaudithook(_see)


def _see(event, arguments):
    if event != "open" or not isinstance(arguments[0], str) or not arguments[0].endswith(_DATA):
        return
    if arguments[1] is None or "r" in arguments[1]:
        _read.add(annotate_copied.original(os.path.realpath(arguments[0])))


def notes(root, snapshot, whole):
    """Messages about annotations without effect; `root` is the user's code folder, resolved.

    Those that the trial has reported are left out. With `whole=False`, about modules only.
    """
    messages = _of_modules(root, snapshot) + (_of_data(root, snapshot) if whole else [])
    before = {record["value"] for record in _records("note")}
    return [message for message in messages if message not in before]


def _of_data(root, snapshot):
    folder = os.environ["NNI_SYS_DIR"]
    known = _from_json(os.path.join(snapshot, "data.json"), [])
    as_written = _from_json(os.path.join(folder, "parameters.json"), {}).get("written", {})
    reported = {record["key"] for record in _records("written")}
    messages = [
        "%s was not read: its parameters had no effect" % name
        for name, values in as_written.items()
        if values and not reported.intersection(values)
    ]
    copies = {os.path.join(root, name) for name in known}
    own = os.path.join(os.path.dirname(os.path.realpath(snapshot)), "")
    for path in sorted(_read - copies):
        if not path.startswith(own) and not _is_installed(path) and _has_annotation(path):
            messages.append("%s was read unchanged: its annotations had no effect" % path)
    return messages


def _records(kind):
    """What this trial has reported of one kind."""
    try:
        with open(os.path.join(os.environ["NNI_SYS_DIR"], "metrics.jsonl"), "rb") as file:
            lines = [line for line in file if b'"%s"' % kind.encode() in line]
        records = [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return []
    return [record for record in records if record["type"] == kind]


def _of_modules(root, snapshot):
    """One message for each annotated module from elsewhere, and one for all that are not frozen."""
    annotated = _annotated(os.path.join(snapshot, "snapshot.json"))
    messages = []
    live: dict = {}  # a file for each top-level name
    for name, module in sorted(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str) or not path.endswith(".py"):
            continue
        real = annotate_copied.original(os.path.realpath(path))
        if annotate_frozen.frozen(path) or os.path.dirname(real) == _here():
            continue
        if _is_users(real):
            live.setdefault(_name(name, module, real), real)
        twin = _twin(name, real, annotated)
        if twin is not None:
            messages.append(
                "%s was imported from %s, not from the annotated %s: its annotations had no effect"
                % (name, path, os.path.join(root, twin))
            )
        elif not _is_installed(real) and _has_annotation(real):
            messages.append(
                "%s was imported from %s, outside the code folder: its annotations had no effect"
                % (name, path)
            )
    return messages + _not_frozen(root, live)


def _name(name, module, path):
    """The module's top-level name; of a program that a trial starts, its own or its file's."""
    if name in ("__main__", "__mp_main__"):
        spec = getattr(module, "__spec__", None)
        name = spec.name if spec else os.path.splitext(os.path.basename(path))[0]
    return name.partition(".")[0]


def _is_users(path):
    """Whether the user may edit the module: it is not installed, ours, or in a hidden folder."""
    ours = os.path.exists(os.path.join(os.path.dirname(path), "annotate_hpo.py"))
    hidden = os.sep + "." in path
    return not (_is_installed(path) or ours or hidden) and os.path.exists(path)


def _not_frozen(root, live):
    if not live:
        return []
    names = ["%s (%s)" % item for item in sorted(live.items())]
    others = " and %d more" % (len(names) - 3) if len(names) > 3 else ""
    folder = os.path.commonpath([root, *map(os.path.dirname, live.values())])
    return [
        "not frozen: %s%s; changes to them affect later trials. --code-folder %s freezes what lies"
        " below it" % (", ".join(names[:3]), others, folder)
    ]


def _annotated(manifest):
    files = _from_json(manifest, {}).get("files", {})
    return [path for path in files if files[path]["annotated"]]


def _from_json(path, nothing):
    """A file's JSON; `nothing` if it is missing, as the experiment's folder may be deleted."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError:
        return nothing


def _here():
    return os.path.dirname(os.path.realpath(__file__))


def _twin(name, path, annotated):
    """The annotated file in the code folder that the module is another copy of, if any."""
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
