"""Commands of nnictl that mean nothing here, each with what to do instead."""

from __future__ import annotations

from annotate.errors import AnnotateError

_CLASS = "name your class in the config file: codeDir, classFileName and className"

#: The first words of a command, why there is none, and the hint.
INSTEAD: dict[str, tuple[str, str]] = {
    "webui nas": (
        "there is no search for network architectures here",
        "annotate ui shows every experiment",
    ),
    "package": ("algorithms are not installed here", _CLASS),
    "algo": ("algorithms are not registered here", _CLASS),
    "jupyter-extension": (
        "there is no extension for Jupyter here",
        "annotate run notebook.ipynb tunes a notebook",
    ),
    "auto-completion": ("completion is another command here", "annotate completion bash"),
    "hello": ("there is no such example here", "annotate --help lists the commands"),
    "trainingservice": (
        "training services are not registered here",
        "trials run on this machine, with --hosts on others, and with --slurm on a cluster",
    ),
}


def check(words: list[str]) -> None:
    """Raise AnnotateError with the sentence for a command of NNI that does not exist here."""
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in INSTEAD:
            why, instead = INSTEAD[name]
            raise AnnotateError(f"annotate has no command {name!r}: {why}", hint=instead)
