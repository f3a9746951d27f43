"""The section `rayConfig`: the Ray cluster that trials run on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from annotate.errors import AnnotateError, Mistake
from runtime.executors.ray.request import AUTO, parse_request, request_text
from runtime.nni_config.document import Document


def mistakes(document: Document, executor: str | None) -> Iterator[Mistake]:
    """What is wrong in a rayConfig whose fields have the right types."""
    if document.data.get("rayConfig") is None:
        return
    if executor != "ray":
        yield document.mistake(
            ("rayConfig",),
            "rayConfig has no effect without the platform ray",
            "write trainingServicePlatform: ray, or remove it",
            code="C401",
        )
        return
    try:
        parse_request(settings(document)["ray"])
    except AnnotateError as error:
        message = error.message.removeprefix("--ray: ")
        yield document.mistake(("rayConfig",), f"rayConfig: {message}", code="C401")


def settings(document: Document) -> dict[str, Any]:
    """The setting of Config that the section gives."""
    section = document.data.get("rayConfig") or {}
    needs = section.get("resourcesPerTrial") or {}
    return {"ray": request_text(str(section.get("address") or AUTO), needs)}
