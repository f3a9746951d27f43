"""Facts about a whole script that decide what its values mean: imports, definitions, calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from annotate.suggest.libraries import FAMILIES
from annotate.suggest.site import Script, callee_of, dotted, first_word_of

_PRETRAINED = re.compile(r"from_pretrained|SentenceTransformer|create_model_and_transforms")
#: Libraries of published models; other modules may train one of their own from scratch.
_PUBLISHERS = frozenset(
    ["", "transformers", "sentence_transformers", "diffusers", "open_clip", "timm", "torch", "peft"]
)


@dataclass(frozen=True)
class Facts:
    """What a script imports, defines and loads.

    `names` has the names of all sites, `origins` maps an imported name to its top module, `defined`
    has the script's functions and classes. `pretrained`: whether it loads a published checkpoint.
    """

    names: frozenset[str]
    origins: Mapping[str, str]
    defined: frozenset[str]
    pretrained: bool

    @property
    def families(self) -> frozenset[str]:
        """The families of the imported libraries."""
        return frozenset(FAMILIES[top] for top in self.origins.values() if top in FAMILIES)

    def knows(self, call: cst.Call) -> bool:
        """Whether the callee comes from a machine-learning library."""
        return self.origin(call) in FAMILIES

    def origin(self, call: cst.Call) -> str:
        """The top module that a callee was imported from; empty if unknown."""
        return self.origins.get(first_word_of(call.func), "")


def facts(script: Script) -> Facts:
    nodes = [node for node, _ in script.nodes]
    definitions = (node for node in nodes if isinstance(node, (cst.FunctionDef, cst.ClassDef)))
    origins = {name: top for node in nodes for name, top in _imported(node)}
    defined = frozenset(node.name.value for node in definitions)
    loading = (node for node in nodes if isinstance(node, cst.Call) and _loads(node))
    published = (
        origins.get(first_word_of(call.func), "") in _PUBLISHERS
        for call in loading
        if callee_of(call) not in defined
    )
    names = frozenset(site.name for site in script.sites)
    return Facts(names, origins, defined, any(published))


def _imported(node: cst.CSTNode) -> Iterator[tuple[str, str]]:
    """The names that an import binds, each with the top module; a relative one has none."""
    if isinstance(node, cst.Import):
        for alias in node.names:
            top = dotted(alias.name).partition(".")[0]
            yield _bound(alias) or top, top
    elif isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
        top = "" if node.relative or not node.module else dotted(node.module).partition(".")[0]
        for alias in node.names:
            yield _bound(alias) or dotted(alias.name), top
    elif isinstance(node, cst.ImportFrom) and node.module and not node.relative:
        yield "*", dotted(node.module).partition(".")[0]


def _bound(alias: cst.ImportAlias) -> str:
    bound = alias.asname.name if alias.asname else None
    return bound.value if isinstance(bound, cst.Name) else ""


def _loads(call: cst.Call) -> bool:
    """Whether a call loads a published checkpoint, whose sizes are fixed."""
    if _PRETRAINED.fullmatch(callee_of(call)) or dotted(call.func).endswith("hub.load"):
        return True
    switches = (arg for arg in call.args if arg.keyword and arg.keyword.value == "pretrained")
    return any(isinstance(s.value, cst.Name) and s.value.value == "True" for s in switches)
