"""Print a script that makes the shell complete commands, options and experiment ids.

  eval "$(annotate completion bash)"      in ~/.bashrc
  eval "$(annotate completion zsh)"       in ~/.zshrc
  annotate completion fish | source       in ~/.config/fish/config.fish

To complete another command name: annotate completion bash --name nnictl"""

from __future__ import annotations

import argparse
import re

from annotate.errors import AnnotateError
from runtime.cli import terminal

# Each asks for the possible next words, and completes files if there are none.
_SCRIPTS = {
    "bash": """\
_annotate_complete() {
    local word="${COMP_WORDS[COMP_CWORD]}"
    local words
    words="$(NAME completion --words "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)"
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    if [ -z "$words" ] || [ "${#COMPREPLY[@]}" -eq 0 ]; then
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}
complete -o filenames -F _annotate_complete NAME
""",
    "zsh": """\
_annotate_complete() {
    local -a found
    found=(${(f)"$(NAME completion --words ${words[2,CURRENT-1]} 2>/dev/null)"})
    compadd -a found || _files
}
compdef _annotate_complete NAME
""",
    "fish": """\
function __annotate_complete
    NAME completion --words (commandline -opc)[2..-1] 2>/dev/null
end
complete -c NAME -a '(__annotate_complete)'
""",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell", nargs="?", choices=sorted(_SCRIPTS), help="the shell to complete for"
    )
    parser.add_argument(
        "--name", default="annotate", help="name of the command to complete (default: annotate)"
    )
    parser.add_argument("--words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    if args.words is not None:
        terminal.show("\n".join(next_words(args.words)))
        return 0
    if args.shell is None:
        raise AnnotateError(f"name the shell: {', '.join(sorted(_SCRIPTS))}")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", args.name):
        raise AnnotateError(f"{args.name!r} is not a command name")
    terminal.show(_SCRIPTS[args.shell].replace("NAME", args.name), end="")
    return 0


def next_words(words: list[str]) -> list[str]:
    """The words that may follow `words`; none if a file name is expected."""
    from runtime.cli import COMMANDS, load

    names = [name for name, _, _ in COMMANDS]
    name = next((n for n in (" ".join(words[:2]), " ".join(words[:1])) if n in names), None)
    if name is None:
        prefix = " ".join(words) + " " if words else ""
        return sorted(
            {n[len(prefix) :].split()[0] for n in names if n.startswith(prefix) and n != prefix}
        )
    parser = argparse.ArgumentParser()
    load(name).arguments(parser)
    return _options(parser, words[len(name.split()) :])


def _options(parser: argparse.ArgumentParser, words: list[str]) -> list[str]:
    actions = parser._option_string_actions
    last = actions.get(words[-1]) if words else None
    if last is not None and last.nargs != 0:  # the option's value comes next
        return [str(choice) for choice in last.choices or ()]
    completions = [option for option in actions if option.startswith("--")]
    if any(action.dest in ("id", "experiment") for action in parser._actions):
        from runtime.kept import lookup

        completions += [folder.id for folder in lookup.folders()]
    return completions
