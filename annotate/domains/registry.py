"""The registry of domains: a registered class is known to the whole program by its `type`."""

from __future__ import annotations

from typing import TypeVar

from annotate.domains.domain import Domain, argument_names
from annotate.errors import SpaceError
from annotate.json_value import JSON

#: From NNI's `_type` to the class, in the order in which messages list them.
DOMAINS: dict[str, type[Domain]] = {}

_Class = TypeVar("_Class", bound="type[Domain]")


def register(domain: _Class) -> _Class:
    """Class decorator: make a domain available by its `type`; the outermost decorator."""
    if domain.type in DOMAINS:
        raise ValueError(f"a domain named {domain.type!r} is registered already")
    DOMAINS[domain.type] = domain
    return domain


def numeric_domain(kind: str, arguments: list[JSON]) -> Domain:
    """The domain `kind(*arguments)`; raises SpaceError for invalid arguments."""
    domain = DOMAINS[kind]
    names = argument_names(domain)
    if len(arguments) != len(names):
        signature = ", ".join(names)
        raise SpaceError(
            f"{kind} takes {len(names)} arguments ({signature}), not {len(arguments)}",
            hint=f"write {kind}({signature})",
        )
    return domain(*arguments)
