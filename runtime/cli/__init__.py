"""The command line: finds the command, parses its arguments and runs it."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from importlib import import_module
from typing import Any, NoReturn

from annotate.errors import AnnotateError, Mistakes
from runtime.cli import terminal

#: Command, its module (or module:attribute), and its help. Two words make a group and a command.
COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("run", "runtime.cli.run", "tune a script"),
    ("check", "runtime.cli.check", "list every mistake in annotations"),
    ("show", "runtime.cli.show", "show the search space"),
    ("expand", "runtime.cli.expand", "print the instrumented source"),
    ("try", "runtime.cli.try_", "run one trial in the foreground with your own values"),
    ("suggest", "runtime.cli.suggest", "propose annotations for a script"),
    ("apply", "runtime.cli.apply", "write a trial's values back into the source"),
    (
        "export",
        "runtime.cli.export",
        "print a plain script with a trial's values and no annotations",
    ),
    ("diff", "runtime.cli.diff", "compare two trials, or a trial and the source"),
    ("create", "runtime.cli.create", "run the experiment in a config file in the background"),
    ("resume", "runtime.cli.resume", "continue a stopped or interrupted experiment"),
    ("stop", "runtime.cli.stop", "stop an experiment; resume continues it"),
    ("top", "runtime.cli.top", "follow all running experiments"),
    (
        "update concurrency",
        "runtime.cli.update:concurrency",
        "change how many trials run at a time",
    ),
    ("update duration", "runtime.cli.update:duration", "change how long an experiment may run"),
    ("update trialnum", "runtime.cli.update:trialnum", "change the total number of trials"),
    ("update searchspace", "runtime.cli.update:searchspace", "change the search space"),
    ("trial ls", "runtime.cli.trial_ls", "list an experiment's trials"),
    ("trial kill", "runtime.cli.trial_kill", "stop one trial"),
    ("trial codegen", "runtime.cli.trial_codegen", "write one trial's code to a folder"),
    ("view", "runtime.cli.view", "show an experiment in the browser"),
    ("ui", "runtime.cli.ui", "show every experiment in the browser"),
    ("webui url", "runtime.cli.webui_url", "print the addresses of the web pages"),
    (
        "experiment import",
        "runtime.cli.experiment_import",
        "feed results from a file to the tuner",
    ),
    ("experiment list", "runtime.cli.experiment_list", "list experiments"),
    ("experiment show", "runtime.cli.experiment_show", "show an experiment's settings"),
    ("experiment status", "runtime.cli.experiment_status", "show an experiment's progress"),
    (
        "experiment export",
        "runtime.cli.experiment_export",
        "write an experiment's results to a file",
    ),
    ("experiment save", "runtime.cli.experiment_save", "save an experiment to one file"),
    ("experiment load", "runtime.cli.experiment_load", "load an experiment from such a file"),
    ("experiment delete", "runtime.cli.experiment_delete", "delete an experiment for good"),
    ("log stdout", "runtime.cli.log:stdout", "print a driver's standard output"),
    ("log stderr", "runtime.cli.log:stderr", "print a driver's progress and errors"),
    ("log trial", "runtime.cli.log:trial", "print a trial's output"),
    ("config show", "runtime.cli.config_show", "show paths and settings"),
    ("ss_gen", "runtime.cli.ss_gen", "write the search space of annotated code as NNI's JSON"),
    ("engines check", "runtime.cli.engines_check", "look at the machines that trials may run on"),
    ("platform clean", "runtime.cli.platform_clean", "remove what crashes left, here and there"),
    ("tensorboard start", "runtime.cli.tensorboard:start", "show event files in TensorBoard"),
    ("tensorboard stop", "runtime.cli.tensorboard:stop", "stop TensorBoard"),
    ("nnictl", "runtime.cli.nnictl", "make the command nnictl, which is annotate by NNI's name"),
    ("completion", "runtime.cli.completion", "print a completion script for your shell"),
)

_HINT = "Run annotate COMMAND --help for a command's options."


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 success, 1 no result, 2 invalid input, 130
    interrupted."""
    words = sys.argv[1:] if argv is None else argv
    terminal.open_closed_streams()
    try:
        code = _dispatch(list(words))
        sys.stdout.flush()
        return code
    except AnnotateError as error:
        _print_error(error)
        return 2
    except KeyboardInterrupt:
        # If the signal interrupted an `exec` (importing a dataclass runs one), Python would still
        # exit by the signal instead of with our code. Another `exec` clears that.
        exec("")
        return 130
    except BrokenPipeError:
        terminal.drop_output()  # its reader is gone
        return 0
    except OSError as error:
        sentence = terminal.explain(error)
        if sentence is None:
            raise
        terminal.drop_output()
        terminal.say(f"annotate: {sentence}")
        return 2


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        terminal.show(_overview())
        return 0
    if words[0] in ("-V", "--version"):
        import annotate

        terminal.show(f"annotate {annotate.__version__}")
        return 0
    name = next((n for n in (" ".join(words[:2]), words[0]) if n in _names()), None)
    if name is None:
        return _group_or_mistake(words)
    _check_current_folder()
    module = load(name)
    takes_rest = getattr(module, "TAKES_REST", False)
    parser = _Parser(
        prog=f"annotate {name}",
        description=getattr(module, "doc", module.__doc__),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.takes_rest = takes_rest
    module.arguments(parser)
    words, rest = _split(words[len(name.split()) :])
    args = parser.parse_args(words)
    args.rest = rest
    if rest and not takes_rest:
        raise AnnotateError(f"annotate {name} takes no arguments after --, got {' '.join(rest)}")
    code: int = module.run(args)
    return code


def _check_current_folder() -> None:
    try:
        os.getcwd()  # noqa: PTH109
    except OSError as error:
        raise AnnotateError(
            f"the current folder cannot be used: {error.strerror}",
            hint="it was deleted or moved; change to a folder that exists",
        ) from None


def load(command: str) -> Any:
    """The module or object that has the command's `arguments` and `run`."""
    place = next(place for name, place, _ in COMMANDS if name == command)
    module, _, attribute = place.partition(":")
    loaded = import_module(module)
    return getattr(loaded, attribute) if attribute else loaded


class _Parser(argparse.ArgumentParser):
    """Raises AnnotateError for bad arguments instead of exiting."""

    takes_rest = False

    def error(self, message: str) -> NoReturn:
        hint = f"see {self.prog} --help"
        if self.takes_rest and message.startswith("unrecognized"):
            hint = f"put the script's own arguments after --; {hint}"
        raise AnnotateError(f"{self.prog}: {message}", hint=hint)


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Split at the first `--`: our arguments, and the script's."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _names() -> list[str]:
    return [name for name, _, _ in COMMANDS]


def _group_or_mistake(words: list[str]) -> int:
    from runtime.cli import nni_only

    nni_only.check(words)
    group = [row for row in COMMANDS if row[0].startswith(words[0] + " ")]
    if group and (len(words) == 1 or words[1] in ("-h", "--help")):
        terminal.show(_table(f"usage: annotate {words[0]} COMMAND", group))
        return 0 if len(words) > 1 else 2
    typed = " ".join(words[:2]) if group else words[0]
    close = difflib.get_close_matches(typed, _names(), n=1, cutoff=0.5)
    hint = f"did you mean 'annotate {close[0]}'?" if close else "annotate --help lists them"
    raise AnnotateError(f"there is no command {typed!r}", hint=hint)


def _overview() -> str:
    title = (
        "usage: annotate COMMAND ...\n\n"
        "Tune the hyper-parameters of a plain script whose values are annotated in comments."
    )
    return f"{_table(title, list(COMMANDS))}\n\n{_HINT}"


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    width = max(len(name) for name, _, _ in rows)
    return "\n".join([title, "", *(f"  {name:<{width}}  {text}" for name, _, text in rows)])


def _print_error(error: AnnotateError) -> None:
    if isinstance(error, Mistakes):
        for mistake in error.mistakes:
            terminal.say(mistake.display())
    terminal.say(f"annotate: {error.message}")
    if error.hint:
        terminal.say(f"hint: {error.hint}")
