"""The way in: the `annotate` command, `python -m annotate_hpo`, and each process of our own.

Our packages have plain names, and a project may have an `annotate`, a `runtime` or a `tuners` of
its own. Here we make sure that ours are imported in our processes, whatever the working folder or
PYTHONPATH holds, and that trials still get the user's PYTHONPATH. Standard library only.
"""

# Only `sys`, which is built in, may be imported before the path is clean.
import sys

TYPE_CHECKING = False  # `typing` may be the user's
if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.machinery import ModuleSpec
    from types import ModuleType

PACKAGES = ("annotate", "runtime", "tuners")
#: Holds the user's PYTHONPATH on the way to a process of ours, so that Python does not obey it.
SET_ASIDE = "ANNOTATE_PYTHONPATH"
_PROGRAMS = ("annotate", "annotate_hpo.py", "__main__.py")


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.argv[0].rpartition("/")[2] in _PROGRAMS:
        _clean_path()
    sys.meta_path.insert(0, _OurPackages)
    from runtime.cli import main

    return main()


def command(*words: str) -> list[str]:
    """The command line that runs `annotate WORDS` in a process of our own."""
    return [sys.executable, _file(), *words]


def environment(users: "Mapping[str, str]") -> "dict[str, str]":
    """The environment `users` for a process of our own, which sets PYTHONPATH back by itself."""
    ours = dict(users)
    if "PYTHONPATH" in ours:
        ours[SET_ASIDE] = ours.pop("PYTHONPATH")
    return ours


def _clean_path() -> None:
    """Leave the user's modules out of this process.

    PYTHONPATH has been obeyed by now: a `sitecustomize` of the user's may have run, and modules
    of the standard library may have been replaced. Only a new process is free of that.
    """
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]  # the working folder, or the script's
    import os

    if os.environ.get("PYTHONPATH") and not sys.flags.ignore_environment:
        command_line = [sys.executable, *_interpreter_options(), _file(), *sys.argv[1:]]
        os.execve(sys.executable, command_line, environment(os.environ))
    if SET_ASIDE in os.environ:
        os.environ["PYTHONPATH"] = os.environ.pop(SET_ASIDE)
        sys.path += _installed(os.environ["PYTHONPATH"].split(os.pathsep))


def _interpreter_options() -> list[str]:
    """The options that Python itself was started with, such as `-X utf8`."""
    options = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv)]
    if options and options[-1].startswith("-") and options[-1].endswith("m"):
        last = options.pop()[:-1]  # the m of `-m annotate_hpo`
        options += [last] if last != "-" else []
    return options


def _installed(folders: list[str]) -> list[str]:
    """Those that packages were installed into: clusters offer libraries through PYTHONPATH.

    They come last, so they hide nothing. Folders of plain source are the user's project.
    """
    import os

    found = []
    for folder in filter(None, folders):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        if any(name.endswith(".dist-info") for name in names):
            found.append(os.path.abspath(folder))
    return found


class _OurPackages:
    """Imports our packages from beside this file, wherever else their names are found."""

    @staticmethod
    def find_spec(
        name: str, path: object = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        if name not in (*PACKAGES, "annotate_hpo"):
            return None
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name, [_file().rpartition("/")[0]])


def _file() -> str:
    import os

    return os.path.abspath(__file__)


if __name__ == "__main__":
    sys.exit(main())
