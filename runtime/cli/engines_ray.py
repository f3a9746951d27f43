"""The nodes of a Ray cluster, as `annotate engines check` shows them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.cli import machine_facts
from runtime.executors.remote.carrier import Unreachable

if TYPE_CHECKING:
    from runtime.executors.ray.look import AtNode
    from runtime.executors.remote.probe import Seen


def documents(text: str, python: str) -> list[dict[str, JSON]]:
    """What was seen on each node; `text` is as for `--ray`. Raises AnnotateError."""
    from runtime.executors.ray.connection import check_installed
    from runtime.executors.ray.look import look
    from runtime.executors.ray.request import parse_request

    request = parse_request(text)
    check_installed()
    try:
        looks = asyncio.run(look(request, python))
    except Unreachable as error:
        raise AnnotateError(str(error), hint=error.hint) from None
    return [_document(each, request.shown) for each in looks]


def _document(look: AtNode[Seen], needs: str) -> dict[str, JSON]:
    names = _shown_names(look)
    about: dict[str, JSON] = {
        "machine": look.name,
        "usable": look.slots > 0 and not isinstance(look.result, Unreachable),
        "trials_at_a_time": look.slots,
        "resources": {name: look.node.total[name] for name in names},
        "free_resources": {name: look.node.free.get(name, 0.0) for name in names},
    }
    if isinstance(look.result, Unreachable):
        return {**about, "reason": str(look.result), "hint": look.result.hint}
    if not look.slots:
        hint = "ask for less with --ray, or leave this node to others"
        about |= {"reason": f"it has less than a trial needs: {needs}", "hint": hint}
    return {**about, **machine_facts.of_computer(look.result.facts)}


def _shown_names(look: AtNode[Seen]) -> list[str]:
    """Ray's resources that users declare, without its own marks for nodes."""
    own = ("node:", "object_store_memory", "memory", "accelerator_type:")
    return [name for name in sorted(look.node.total) if not name.startswith(own)]


def shown(document: dict[str, JSON]) -> str:
    """One node, as printed."""
    rows: dict[str, JSON] = {}
    if "host" in document:
        rows["computer"] = f"{document['host']}, {document['system']}"
        rows |= machine_facts.computer_rows(document)
    free = document["free_resources"]
    amounts = (f"{free[name]:g} of {n:g} {name}" for name, n in document["resources"].items())
    rows["free in Ray"] = ", ".join(amounts) or "nothing"
    if document["usable"]:
        rows["trials"] = f"{document['trials_at_a_time']} at a time"
    else:
        rows["reason"] = document["reason"]
        rows |= {"to mend it": document["hint"]} if document["hint"] else {}
    state = "ready" if document["usable"] else "cannot be used"
    return "\n".join([f"{document['machine']}: {state}", *machine_facts.lines(rows)])
