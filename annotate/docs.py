"""Generates docs/annotations.md from the cases in annotate/kinds.

Run `python -m annotate.docs > docs/annotations.md`.
"""

from __future__ import annotations

import json
import sys
from types import ModuleType

from annotate.errors import Mistakes
from annotate.instrument import expand
from annotate.kinds import (
    assignment,
    carrier,
    choice,
    default,
    entry,
    function_choice,
    keyword,
    numeric,
    option,
    report,
    variable,
)
from annotate.kinds.case import Invalid, Valid
from annotate.mistake_codes import CODES

#: The sections of the page, in order.
KINDS: tuple[ModuleType, ...] = (
    carrier,
    variable,
    function_choice,
    report,
    assignment,
    keyword,
    option,
    entry,
    default,
    choice,
    numeric,
)

_INTRODUCTION = """\
# Annotations

An annotation is a comment or a string that begins with `@nni`. Plain Python ignores it, so the
script runs on its own; `annotate run` gives each trial its own values.

- `annotate check PATH` lists every mistake, `annotate show PATH` shows the search space, and
  `annotate expand FILE` prints the source that trials run.
- Guides to NNI print annotations as bare lines: `@nni.variable(nni.choice(2, 3), name=x) //text`.
  `annotate check --fix PATH` makes them comments.
- Only annotated values and reports are changed for a trial. Every other byte stays the same, and
  so do line numbers.
- An option is evaluated in place, and only if it is chosen. Reading an annotation never executes
  it.
- An annotated statement may nest up to 1,000 operations, such as a sum of 1,000 terms. The depth of
  other statements does not matter.
- A parameter's key is `module/name/domain`. You see and type its short name.
- A `function_choice` over `scaler = MinMaxScaler()` is shown as `scaler`. Its key is NNI's,
  `train/MinMaxScaler/function_choice`, and both names are accepted. It is shown as `MinMaxScaler`
  if another parameter is called `scaler`, or if the script assigns `scaler` elsewhere, too.

Every example on this page is tested.
"""


def page() -> str:
    parts = [_INTRODUCTION, *map(_section, KINDS), _codes()]
    return "\n".join(parts)


def _section(kind: ModuleType) -> str:
    title, _, text = (kind.__doc__ or "").strip().partition("\n")
    parts = [f"## {title.rstrip('.')}\n"]
    if text.strip():
        parts.append(text.strip() + "\n")
    parts += map(_valid, kind.VALID)
    if kind.INVALID:
        parts.append("Mistakes:\n")
        parts += [f"- {_invalid(case)}" for case in kind.INVALID]
        parts.append("")
    return "\n".join(parts)


def _valid(case: Valid) -> str:
    lines = [f"{_sentence(case.id)}:\n", "```python", case.source.rstrip("\n"), "```\n"]
    for key, value in case.space.items():
        lines.append(f"`{key}`: `{json.dumps(value)}`\n")
    return "\n".join(lines)


def _invalid(case: Invalid) -> str:
    source = case.source.rstrip("\n").replace("\n", " ⏎ ")
    return f"{case.code}, {case.id}: `` {source} ``"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _codes() -> str:
    lines = ["## Codes of mistakes\n", "A code never changes its meaning.\n"]
    examples = {case.code: case for kind in reversed(KINDS) for case in reversed(kind.INVALID)}
    for code, meaning in CODES.items():
        lines += [f"### {code}: {meaning}\n", "```text", _shown(examples[code]), "```\n"]
    return "\n".join(lines)


def _shown(case: Invalid) -> str:
    """The mistake as `annotate check` prints it."""
    try:
        expand(case.source.encode(), path="train.py", module="train")
    except Mistakes as error:
        return "\n".join(mistake.display() for mistake in error.mistakes)
    raise AssertionError(f"no mistake: {case.id}")


if __name__ == "__main__":
    sys.stdout.buffer.write(page().encode())
