"""What a config file asks Slurm for: `slurmConfig`, or the further fields of `trainingService`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from annotate.errors import AnnotateError, Mistake
from runtime.core.config import OPTIONS
from runtime.core.slurm_request import check_option, parse_request, request_text
from runtime.nni_config.checking import section, value_at
from runtime.nni_config.document import Document, Field
from runtime.nni_config.fields import SCHEMA
from runtime.nni_config.machines import executor

_SECTION, _SERVICE = "slurmConfig", "trainingService"


def without_options(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The file's content, without the fields of `trainingService` that are options of jobs."""
    names = [field[1] for field in _options(data) if field[0] == _SERVICE]
    if not names:
        return data
    return {**data, _SERVICE: {k: v for k, v in data[_SERVICE].items() if k not in names}}


def mistakes(document: Document) -> Iterator[Mistake]:
    """What is wrong in the options of jobs, and in where they are."""
    options = _options(document.data)
    if executor(document.data) != "slurm":
        if options:
            hint = "write trainingServicePlatform: slurm, or remove it"
            message = f"{_SECTION} has no effect without the platform slurm"
            yield _mistake(document, (_SECTION,), message, hint)
        return
    names: dict[str, Field] = {}
    for field, value in options.items():
        try:
            name = _name(field)
            check_option(name, _text(value))
            if name in names:
                raise AnnotateError(f"{name} is given twice", hint="remove one of them")
            names[name] = field
        except AnnotateError as error:
            yield _mistake(document, field, _dotted(field, error.message), error.hint)
    if "slots" in names and "pilots" not in names:
        message = _dotted(names["slots"], "slots has no effect without pilots")
        yield _mistake(document, names["slots"], message, "write pilots too")


def settings(document: Document) -> dict[str, Any]:
    """The settings of Config that the options give; concurrency unless the file has it."""
    if executor(document.data) != "slurm":
        return {}
    options = {_name(field): _text(value) for field, value in _options(document.data).items()}
    text = request_text({name: value for name, value in options.items() if value != "false"})
    request, found = parse_request(text), {"slurm": text}
    given = any(value_at(document.data, name) for name in OPTIONS["concurrency"].nni)
    if request.pilots and not given:
        return {**found, "concurrency": request.pilots * request.slots}
    return found


def _options(data: Mapping[str, Any]) -> dict[Field, Any]:
    """The options of jobs by their places in the file."""
    found: dict[Field, Any] = {}
    config, service = data.get(_SECTION), data.get(_SERVICE)
    if isinstance(config, Mapping):
        found.update(((_SECTION, name), value) for name, value in config.items())
    if executor(data) == "slurm" and isinstance(service, Mapping):
        others = (item for item in service.items() if not _is_known(str(item[0])))
        found.update(((_SERVICE, name), value) for name, value in others)
    return {field: value for field, value in found.items() if value is not None}


def _is_known(name: str) -> bool:
    """Whether it is a field of `trainingService`, or one with a slip."""
    model = section(SCHEMA.model_fields["training_service"].annotation)
    assert model is not None
    aliases = [str(info.alias) for info in model.model_fields.values()]
    return bool(difflib.get_close_matches(name, aliases, n=1, cutoff=0.8))


def _name(field: Field) -> str:
    """The option's name: `cpusPerTask` is `cpus-per-task`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", str(field[-1])).lower()


def _text(value: Any) -> str:
    """The option's value; an option that is only switched on has none. Raises AnnotateError."""
    if value is True:
        return ""
    if not isinstance(value, (str, int, float)):
        raise AnnotateError("its value must be a text or a number")
    return "false" if value is False else str(value)


def _dotted(field: Field, message: str) -> str:
    return f"{'.'.join(map(str, field))}: {message}"


def _mistake(document: Document, field: Field, message: str, hint: str) -> Mistake:
    return document.mistake(field, message, hint, code="C401")
