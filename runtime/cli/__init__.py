"""The command line: finds the command, parses, calls, prints; decides nothing."""

from __future__ import annotations

import argparse
import difflib
import sys
from importlib import import_module
from typing import Any, NoReturn

from annotate.errors import AnnotateError, Mistakes

#: Command, where it is, what it does. A command of two words stands behind a group of that name.
COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("run", "runtime.cli.run", "tune a script: the main job"),
    ("check", "runtime.cli.check", "list all mistakes in annotations"),
    ("show", "runtime.cli.show", "show the search space"),
    ("expand", "runtime.cli.expand", "print the instrumented source"),
    ("try", "runtime.cli.try_", "run one trial in the foreground with values of your own"),
    ("suggest", "runtime.cli.suggest", "propose what to annotate in a script"),
    ("apply", "runtime.cli.apply", "write a trial's values back into the source"),
    ("export", "runtime.cli.export", "a plain script with a trial's values and no annotation"),
    ("diff", "runtime.cli.diff", "what differs between two trials, or a trial and the source"),
    ("create", "runtime.cli.create", "start what a config file describes, in the background"),
    ("resume", "runtime.cli.resume", "go on with an experiment that was interrupted"),
    ("stop", "runtime.cli.stop", "end what runs; resume goes on"),
    ("top", "runtime.cli.top", "follow all experiments that run"),
    (
        "update concurrency",
        "runtime.cli.update:concurrency",
        "change how many trials run at a time",
    ),
    ("update duration", "runtime.cli.update:duration", "change how long the experiment may take"),
    ("update trialnum", "runtime.cli.update:trialnum", "change how many trials there are in all"),
    ("update searchspace", "runtime.cli.update:searchspace", "give it another search space"),
    ("trial ls", "runtime.cli.trial_ls", "list an experiment's trials"),
    ("trial kill", "runtime.cli.trial_kill", "end one trial"),
    ("trial codegen", "runtime.cli.trial_codegen", "write the code of one trial to a folder"),
    ("view", "runtime.cli.view", "show an experiment in the browser"),
    ("ui", "runtime.cli.ui", "show all experiments in the browser"),
    ("webui url", "runtime.cli.webui_url", "print the addresses of the pages"),
    (
        "experiment import",
        "runtime.cli.experiment_import",
        "let the tuner learn results from a file",
    ),
    ("experiment list", "runtime.cli.experiment_list", "list experiments"),
    ("experiment show", "runtime.cli.experiment_show", "show what an experiment is"),
    ("experiment status", "runtime.cli.experiment_status", "say how far an experiment is"),
    ("experiment export", "runtime.cli.experiment_export", "write its results to a file"),
    ("experiment delete", "runtime.cli.experiment_delete", "remove an experiment for good"),
    ("log stdout", "runtime.cli.log:stdout", "show what a driver printed"),
    ("log stderr", "runtime.cli.log:stderr", "show what a driver said on the way"),
    ("log trial", "runtime.cli.log:trial", "show what a trial printed"),
    ("config show", "runtime.cli.config_show", "say where things lie"),
    ("ss_gen", "runtime.cli.ss_gen", "write the search space of annotated code as NNI's JSON"),
    ("platform clean", "runtime.cli.platform_clean", "remove what half-made experiments left"),
    ("tensorboard start", "runtime.cli.tensorboard:start", "show the trials' event files"),
    ("tensorboard stop", "runtime.cli.tensorboard:stop", "end that again"),
    ("completion", "runtime.cli.completion", "print what makes a shell complete commands"),
)

_HINT = "annotate COMMAND --help says more about a command."


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 no result, 2 a mistake in what was given,
    130 interrupted."""
    words = sys.argv[1:] if argv is None else argv
    try:
        return _dispatch(list(words))
    except AnnotateError as error:
        _print_error(error)
        return 2
    except KeyboardInterrupt:
        # Where it broke off an `exec` of text, as each dataclass is one that is imported, Python
        # would still end by the signal instead of by our code, but for another `exec` after it.
        exec("")
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say, also not at exit.
        sys.stdout = None
        return 0


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if words[0] in ("-V", "--version"):
        import annotate

        print(f"annotate {annotate.__version__}")
        return 0
    name = next((n for n in (" ".join(words[:2]), words[0]) if n in _names()), None)
    if name is None:
        return _group_or_mistake(words)
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
        raise AnnotateError(f"annotate {name} takes nothing behind --, got {' '.join(rest)}")
    code: int = module.run(args)
    return code


def load(command: str) -> Any:
    """What a command's `arguments` and `run` belong to: a module, or something in one."""
    place = next(place for name, place, _ in COMMANDS if name == command)
    module, _, attribute = place.partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found


class _Parser(argparse.ArgumentParser):
    """Raises its mistakes like all others are."""

    takes_rest = False

    def error(self, message: str) -> NoReturn:
        hint = f"{self.prog} --help shows what it takes"
        if self.takes_rest and message.startswith("unrecognized"):
            hint = f"the script's own arguments stand behind --; {hint}"
        raise AnnotateError(f"{self.prog}: {message}", hint=hint)


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """What stands before the first `--`, and the script's own arguments behind it."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _names() -> list[str]:
    return [name for name, _, _ in COMMANDS]


def _group_or_mistake(words: list[str]) -> int:
    group = [row for row in COMMANDS if row[0].startswith(words[0] + " ")]
    if group and (len(words) == 1 or words[1] in ("-h", "--help")):
        print(_table(f"usage: annotate {words[0]} COMMAND", group))
        return 0 if len(words) > 1 else 2
    typed = " ".join(words[:2]) if group else words[0]
    close = difflib.get_close_matches(typed, _names(), n=1, cutoff=0.5)
    hint = f"did you mean 'annotate {close[0]}'?" if close else "annotate --help lists them"
    raise AnnotateError(f"there is no command {typed!r}", hint=hint)


def _overview() -> str:
    title = (
        "usage: annotate COMMAND ...\n\n"
        "Tune the hyper-parameters of a plain script by comments over its values."
    )
    return f"{_table(title, list(COMMANDS))}\n\n{_HINT}"


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    width = max(len(name) for name, _, _ in rows)
    return "\n".join([title, "", *(f"  {name:<{width}}  {what}" for name, _, what in rows)])


def _print_error(error: AnnotateError) -> None:
    if isinstance(error, Mistakes):
        for mistake in error.mistakes:
            print(mistake.display(), file=sys.stderr)
    print(f"annotate: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)
