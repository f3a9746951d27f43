"""Entry point of the `annotate` command, `python -m annotate_hpo` and every process we start.

Our packages have plain names, and a project may have its own `annotate`, `runtime` or `tuners`.
This module makes our processes import ours, whatever the working folder and PYTHONPATH hold, and
keeps the user's PYTHONPATH for the trials. Standard library only.
"""

# Only `sys`, which is built in, may be imported before the path is clean.
import sys

TYPE_CHECKING = False  # `typing` may be the user's
if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.machinery import ModuleSpec
    from types import ModuleType

PACKAGES = ("annotate", "runtime", "tuners")
#: Passes the user's PYTHONPATH to a process of ours, whose Python must ignore it.
SET_ASIDE = "ANNOTATE_PYTHONPATH"
_PROGRAMS = {"annotate", "annotate_hpo.py", "__main__.py"}


def main() -> int:
    """Run the command line and return its exit code."""
    if _is_program(sys.argv[0]):
        _clean_path()
    sys.meta_path.insert(0, _OurPackages)
    from runtime.cli import main

    return main()


def _is_program(path: str) -> bool:
    """Whether this process is ours, perhaps by a link of another name, such as `nnictl`."""
    import os  # loaded already: Python's start needs it

    return bool({path.rpartition("/")[2], os.path.basename(os.path.realpath(path))} & _PROGRAMS)


def command(*words: str) -> list[str]:
    """The command line that runs `annotate WORDS` in a new process."""
    return [sys.executable, _file(), *words]


def environment(users: "Mapping[str, str]") -> "dict[str, str]":
    """The user's environment for a process of ours, which restores PYTHONPATH once it is safe."""
    ours = dict(users)
    if "PYTHONPATH" in ours:
        ours[SET_ASIDE] = ours.pop("PYTHONPATH")
    return ours


def _clean_path() -> None:
    """Keep the user's modules out of this process.

    Python has already used PYTHONPATH: the user's `sitecustomize` may have run, and modules may
    have replaced those of the standard library. Only a new process is free of them.
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
    """The folders that hold installed packages: clusters offer libraries through PYTHONPATH.

    They go to the end of the path and hide nothing. Folders of plain source are skipped.
    """
    import os

    installed = []
    for folder in filter(None, folders):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        if any(name.endswith(".dist-info") for name in names):
            installed.append(os.path.abspath(folder))
    return installed


class _OurPackages:
    """Finds our packages beside this file, before any others of the same names."""

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
