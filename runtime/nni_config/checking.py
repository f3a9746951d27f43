"""Checks a config file against the known fields. Reports all mistakes at once, with hints."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from annotate.errors import Mistake
from runtime.nni_config.document import ConfigMistakes, Document, Field
from runtime.nni_config.fields import (
    MACHINES,
    NO_EFFECT,
    NOT_SUPPORTED,
    PLATFORM,
    PLATFORMS,
    SAME,
    SAME_OF_A_MACHINE,
    SCHEMA,
    SECRETS,
    ConfigFile,
)

_KINDS = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "dict_type": "a section with fields",
    "model_type": "a section with fields",
    "model_attributes_type": "a section with fields",
}


def check(document: Document, data: Mapping[str, Any]) -> ConfigFile:
    """The file's fields, without those that no version of NNI names. Raises ConfigMistakes."""
    unsupported = list(_unsupported(document))
    if any(mistake.code == "C301" for mistake in unsupported):
        # The other fields configure that training service, so no mistake in them matters.
        raise ConfigMistakes(document.path, unsupported)
    mistakes = [*_repeated(document), *unsupported]
    try:
        file = SCHEMA.model_validate(data)
    except ValidationError as error:
        mistakes += [_mistake(document, details) for details in error.errors()]
    if mistakes:
        raise ConfigMistakes(document.path, mistakes)
    return file


def value_at(data: Any, path: str) -> Any:
    """The value at `a.b`, or None."""
    for name in path.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def notes(document: Document) -> list[str]:
    """A sentence for each field that is accepted without effect."""
    return [
        f"{document.path}:{document.line(field)}: {'.'.join(map(str, field))}: {description}"
        for field, description in described(SCHEMA, document.data)
        if description.startswith(NO_EFFECT)
    ]


def described(model: type[BaseModel], data: Any, above: Field = ()) -> Iterator[tuple[Field, str]]:
    """The fields that the file has, each with its description."""
    if not isinstance(data, Mapping):
        return
    for info in model.model_fields.values():
        name = info.alias or ""
        if data.get(name) is None:
            continue
        yield (*above, name), info.description or ""
        inner = section(info.annotation)
        if inner is not None:
            for field, part in _parts(data[name], (*above, name)):
                yield from described(inner, part, field)


def _parts(data: Any, field: Field) -> Iterator[tuple[Field, Any]]:
    """The section at a field, or the sections in its list, each with its place."""
    if isinstance(data, list):
        yield from (((*field, number), part) for number, part in enumerate(data))
    else:
        yield field, data


def section(annotation: Any) -> type[BaseModel] | None:
    """The model of a field that is a section or a list of sections, or None."""
    parts = getattr(annotation, "__args__", (annotation,))
    inside_lists = [inner for part in parts for inner in getattr(part, "__args__", ())]
    for part in (*parts, *inside_lists):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _repeated(document: Document) -> Iterator[Mistake]:
    groups: list[tuple[Any, Field, tuple[str, ...]]] = [
        (document.data, (), names) for names in SAME
    ]
    for name in MACHINES:
        machines = value_at(document.data, name)
        for number, machine in enumerate(machines if isinstance(machines, list) else ()):
            place: Field = (*name.split("."), number)
            groups += [(machine, place, names) for names in SAME_OF_A_MACHINE]
    for data, above, names in groups:
        present = [name for name in names if value_at(data, name) is not None]
        for name in present[1:]:
            yield document.mistake(
                (*above, *name.split(".")),
                f"{name} and {present[0]} are the same setting",
                "remove one of them",
                code="C203",
            )


def _unsupported(document: Document) -> Iterator[Mistake]:
    for name in ("trainingService", *PLATFORM):
        if problem := _platform_problem(name, value_at(document.data, name)):
            place = tuple(name.split("."))
            *most, last = PLATFORMS
            hint = f"write {', '.join(most)} or {last}"
            yield document.mistake(place, problem, hint, code="C301")
            return
    for field, description in described(SCHEMA, document.data):
        if description.startswith(NOT_SUPPORTED):
            yield document.mistake(field, f"{field[-1]}: {description}", "remove it", code="C302")


def _platform_problem(name: str, platform: Any) -> str:
    """What is wrong with the value of a field that names the platform, or lists several."""
    if isinstance(platform, list) or platform == "hybrid":
        what = "is a list of platforms" if isinstance(platform, list) else "means several platforms"
        return f"{name} {what} (NNI's hybrid), but an experiment runs on one"
    if name == "trainingService" or platform is None or platform in PLATFORMS:
        return ""
    return f"{name} {platform!r} is not supported yet"


def _mistake(document: Document, details: ErrorDetails) -> Mistake:
    field: Field = details["loc"]
    name = ".".join(map(str, field))
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown(document, field)
    if kind == "value_error":
        message = details["msg"].removeprefix("Value error, ")  # names the field already
    elif kind == "literal_error":
        message = f"{name} must be {details['ctx']['expected']}, not {details['input']!r}"
    elif kind in _KINDS:
        message = f"{name} must be {_KINDS[kind]}"
        if not _may_be_secret(field):
            message += f", not {details['input']!r}"
    else:
        message = f"{name}: {details['msg']}"
    return document.mistake(field, message, code="C202")


def _may_be_secret(field: Field) -> bool:
    """Whether the value at the field is or has a secret."""
    return field[-1] in SECRETS or not {"machineList", "trainingService"}.isdisjoint(field[-2:])


def _unknown(document: Document, field: Field) -> Mistake:
    model: type[BaseModel] = SCHEMA
    for name in (name for name in field[:-1] if not isinstance(name, int)):
        info = next(i for i in model.model_fields.values() if i.alias == name)
        model = section(info.annotation) or model
    known = {str(i.alias).lower(): str(i.alias) for i in model.model_fields.values()}
    typed = str(field[-1])
    close = difflib.get_close_matches(typed.lower().replace("_", ""), known, n=1)
    hint = f"did you mean {known[close[0]]}?" if close else ""
    if sections := _sections_with(typed):
        hint = f"{typed} belongs in the section {sections[0]}"
    where = f" in {'.'.join(map(str, field[:-1]))}" if len(field) > 1 else ""
    return document.mistake(field, f"unknown field {typed}{where}", hint, code="C201")


def _sections_with(name: str) -> list[str]:
    """The sections that have a field of this name, `trial` first."""
    sections = [
        str(info.alias)
        for info in SCHEMA.model_fields.values()
        if (inner := section(info.annotation))
        and any(i.alias == name for i in inner.model_fields.values())
    ]
    return sorted(sections, key=lambda alias: alias != "trial")
