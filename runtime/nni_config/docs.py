"""The table of `docs/config.md`: `python -m runtime.nni_config.docs` prints the page."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from runtime.nni_config.checking import section
from runtime.nni_config.fields import ConfigFile

_PAGE = """\
# config.yml

`annotate create -c config.yml` starts what NNI's config file describes in the background,
`annotate run -c config.yml` in front. Fields of NNI's first version and of the later ones are
read alike, also mixed; the same thing said twice is a mistake. Paths are relative to the file.

All mistakes are told at once, each with its file, line and field, and nothing is started. A field
that NNI had and that has no use here is accepted with a note; one that is unknown is a mistake.
The file is data alone: a tag that asks for an object of Python's is refused.

- There is one search space: `searchSpacePath`, `searchSpace`, or `useAnnotation: true`. With
  annotations and a command that is plainly `python SCRIPT`, those of the files that the script
  imports count; with any other command those of all files in the code folder.
- The command is run in the code folder. Where it is plainly `python SCRIPT ARGUMENTS`, trials are
  forked from a process that has its libraries loaded; anything else is run by bash, or `sh` where
  there is no bash.
- Trial 0 is the tuner's, not the script as written.

| field | here |
| --- | --- |
{rows}
"""


def page() -> str:
    rows = (f"| `{name}` | {said} |" for name, said in fields(ConfigFile))
    return _PAGE.format(rows="\n".join(rows))


def fields(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, str]]:
    """Every field by its way from the top, those of a section behind it."""
    for info in model.model_fields.values():
        name = f"{above}{info.alias}"
        yield name, info.description or ""
        inner = section(info.annotation)
        if inner is not None:
            yield from fields(inner, f"{name}.")


if __name__ == "__main__":
    print(page(), end="")
