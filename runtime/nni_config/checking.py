"""A config file against its fields: all mistakes at once, each with its place and a way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from annotate.errors import Mistake
from runtime.nni_config.document import ConfigMistakes, Document, Field
from runtime.nni_config.fields import NO_USE, NOT_HERE, ConfigFile

#: Pairs of fields that say the same, each by its way from the top.
SAME: tuple[tuple[str, ...], ...] = (
    ("maxExecDuration", "maxExperimentDuration"),
    ("maxTrialNum", "maxTrialNumber"),
    ("searchSpacePath", "searchSpaceFile"),
    ("trial.command", "trialCommand", "trainingService.trialCommand"),
    ("trial.codeDir", "trialCodeDirectory", "trainingService.trialCodeDirectory"),
    ("trial.gpuNum", "trialGpuNumber", "trainingService.trialGpuNumber"),
    ("trainingServicePlatform", "trainingService.platform", "trainingService.name"),
    ("localConfig.gpuIndices", "trainingService.gpuIndices"),
    ("localConfig.maxTrialNumPerGpu", "trainingService.maxTrialNumberPerGpu"),
    ("localConfig.useActiveGpu", "trainingService.useActiveGpu"),
    ("tuner.builtinTunerName", "tuner.name"),
    ("tuner.codeDir", "tuner.codeDirectory"),
    ("assessor.builtinAssessorName", "assessor.name"),
    ("assessor.codeDir", "assessor.codeDirectory"),
    ("advisor.builtinAdvisorName", "advisor.name"),
    ("advisor.codeDir", "advisor.codeDirectory"),
)

_KINDS = {
    "int_type": "is a whole number",
    "int_parsing": "is a whole number",
    "int_from_float": "is a whole number",
    "bool_type": "is true or false",
    "bool_parsing": "is true or false",
    "string_type": "is a text",
    "dict_type": "is a section with fields of its own",
    "model_type": "is a section with fields of its own",
    "model_attributes_type": "is a section with fields of its own",
}


def check(document: Document) -> ConfigFile:
    """The file's fields; raises ConfigMistakes."""
    elsewhere = list(_not_here(document))
    if any(mistake.code == "C301" for mistake in elsewhere):
        # What else is in the file is that training service's own affair.
        raise ConfigMistakes(document.path, elsewhere)
    mistakes = [*_repeated(document), *elsewhere]
    try:
        file = ConfigFile.model_validate(document.data)
    except ValidationError as error:
        mistakes += [_mistake(document, details) for details in error.errors()]
    if mistakes:
        raise ConfigMistakes(document.path, mistakes)
    return file


def given(data: Any, dotted: str) -> Any:
    """The value at `a.b`; None where the file has none."""
    for name in dotted.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def notes(document: Document) -> list[str]:
    """A sentence for each field that is accepted and does nothing."""
    return [
        f"{document.path}:{document.line(field)}: {'.'.join(map(str, field))}: {said}"
        for field, said in described(ConfigFile, document.data)
        if said.startswith(NO_USE)
    ]


def described(model: type[BaseModel], data: Any, above: Field = ()) -> Iterator[tuple[Field, str]]:
    """The fields that the file has, each with what it does here."""
    if not isinstance(data, Mapping):
        return
    for info in model.model_fields.values():
        name = info.alias or ""
        if data.get(name) is None:
            continue
        yield (*above, name), info.description or ""
        inner = section(info.annotation)
        if inner is not None:
            yield from described(inner, data[name], (*above, name))


def section(annotation: Any) -> type[BaseModel] | None:
    """The model of a field that has fields of its own."""
    for part in getattr(annotation, "__args__", (annotation,)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _repeated(document: Document) -> Iterator[Mistake]:
    for names in SAME:
        there = [name for name in names if given(document.data, name) is not None]
        for name in there[1:]:
            message = f"{name} says again what {there[0]} says"
            yield document.mistake(
                tuple(name.split(".")), message, "leave one of them out", code="C203"
            )


def _not_here(document: Document) -> Iterator[Mistake]:
    platform = next(
        (
            (name, given(document.data, name))
            for name in SAME[6]
            if given(document.data, name) not in (None, "local")
        ),
        None,
    )
    if platform is not None:
        name, value = platform
        yield document.mistake(
            tuple(name.split(".")),
            f"{name} {value!r}: trials run on this machine only, other training services are not"
            " here yet",
            "write local",
            code="C301",
        )
        return
    for field, said in described(ConfigFile, document.data):
        if said.startswith(NOT_HERE):
            yield document.mistake(field, f"{field[-1]}: {said}", "leave it out", code="C302")


def _mistake(document: Document, details: ErrorDetails) -> Mistake:
    field: Field = details["loc"]
    name = ".".join(map(str, field))
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown(document, field)
    if kind in _KINDS:
        message = f"{name} {_KINDS[kind]}, not {details['input']!r}"
    elif kind == "greater_than_equal":
        message = f"{name} is at least {details['ctx']['ge']}, not {details['input']!r}"
    elif kind == "literal_error":
        message = f"{name} is {details['ctx']['expected']}, not {details['input']!r}"
    else:
        text = details["msg"].removeprefix("Value error, ")
        message = f"{name}: {text}"
    return document.mistake(field, message, code="C202")


def _unknown(document: Document, field: Field) -> Mistake:
    model: type[BaseModel] = ConfigFile
    for name in field[:-1]:
        info = next(i for i in model.model_fields.values() if i.alias == name)
        model = section(info.annotation) or model
    known = {str(i.alias).lower(): str(i.alias) for i in model.model_fields.values()}
    typed = str(field[-1])
    close = difflib.get_close_matches(typed.lower().replace("_", ""), known, n=1)
    hint = f"did you mean {known[close[0]]}?" if close else ""
    if homes := _homes(typed):
        hint = f"it belongs into the section {homes[0]}"
    where = f" in {'.'.join(map(str, field[:-1]))}" if len(field) > 1 else ""
    return document.mistake(field, f"there is no field {typed}{where}", hint, code="C201")


def _homes(name: str) -> list[str]:
    """The sections that have a field of this name, that of the trial before others."""
    found = [
        str(info.alias)
        for info in ConfigFile.model_fields.values()
        if (inner := section(info.annotation))
        and any(i.alias == name for i in inner.model_fields.values())
    ]
    return sorted(found, key=lambda home: home != "trial")
