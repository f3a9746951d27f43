"""Which sites are worth tuning, over what domain, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import libcst as cst

from annotate import imports
from annotate.kinds import default
from annotate.snippets import fold
from annotate.suggest import choices, estimators, rates, shares, sizes
from annotate.suggest.around import Range, listed
from annotate.suggest.exclusions import is_foe
from annotate.suggest.known import Options, options
from annotate.suggest.libraries import FAMILIES
from annotate.suggest.rule import Rule
from annotate.suggest.site import Script, Site, callee_of, snake
from annotate.tree import Tree

_RULES: tuple[Rule, ...] = (
    *rates.RULES,
    *estimators.RULES,
    *shares.RULES,
    *sizes.RULES,
    *choices.TEXTS,
    *choices.SWITCHES,
)
_SCRIPTS = [(what, re.compile(names)) for what, names in choices.SCRIPTS]
_MOST_OPTIONS = 8
_ANY_NAME = ("name", "type", "kind")
_SETTINGS = re.compile(r"_(config|cfg|conf|args|arguments|params|options|settings|spec)$")


@dataclass(frozen=True)
class Found:
    """A site with its domain; of two on one line the one with the lower rank matters more."""

    site: Site
    range: Range
    what: str
    rank: int

    @property
    def reason(self) -> str:
        return f"{self.what}, {self.range.phrase}"


def find(script: Script, source: bytes) -> list[Found]:
    """The sites of a file that are worth tuning, in source order."""
    names = frozenset(site.name for site in script.sites)
    families = _families(source)
    known = options([node for node, _ in script.nodes])
    found = [
        found
        for site in script.sites
        if site.known and not site.target.problem and not site.around.in_string
        if not is_foe(site, names) and (found := _judge(script.tree, site, families, known))
    ]
    calls = [node for node, _ in script.nodes if isinstance(node, cst.Call)]
    return _without_overruled(found, calls)


def _families(source: bytes) -> frozenset[str]:
    tops = {(found.module or "").partition(".")[0] for found in imports.find(source)}
    return frozenset(FAMILIES[top] for top in tops if top in FAMILIES)


def _judge(tree: Tree, site: Site, families: frozenset[str], known: Options) -> Found | None:
    text = fold(tree, site.target.value)
    if found := _of_script(site, text, known):
        return found
    for rank, rule in enumerate(_RULES):
        if rule.holds(site.name, site.callee, families):
            declared = _of_options(site, text, site.declared) if site.declared else None
            if made := declared or rule.maker(site.value, text):
                return Found(site, made, rule.what, rank)
    return None


def _of_script(site: Site, text: str, known: Options) -> Found | None:
    """A text that names one of the ways that the script knows."""
    if not isinstance(site.value, str):
        return None
    name = _of_owner(site) if site.name in _ANY_NAME else site.name
    what = next((what for what, names in _SCRIPTS if names.fullmatch(name)), None)
    made = _of_options(site, text, site.declared or known.get(site.name, ()))
    return Found(site, made, what, len(_RULES)) if what and made else None


def _of_owner(site: Site) -> str:
    """What a value only called `name` is the name of: of `optimizer`, in OptimizerConfig."""
    owner = site.around.owner
    if owner in (None, site.target.name):  # a field
        owner = next(reversed(site.around.classes), "")
    return _SETTINGS.sub("", snake(owner or ""))


def _of_options(site: Site, text: str, given: tuple[object, ...]) -> Range | None:
    if site.value not in given or len(given) > _MOST_OPTIONS:
        return None
    if not all(isinstance(option, (str, int, float, type(None))) for option in given):
        return None
    return listed([site.value, *(o for o in dict.fromkeys(given) if o != site.value)], text)


def _without_overruled(found: list[Found], calls: list[cst.Call]) -> list[Found]:
    """Without the parameters' defaults that no call leaves to them."""
    elsewhere = {one.site.name for one in found if one.site.target.kind != default.KIND}
    return [
        one
        for one in found
        if one.site.target.kind != default.KIND
        or not (one.site.name in elsewhere or _is_given(one.site, calls))
    ]


def _is_given(site: Site, calls: Iterable[cst.Call]) -> bool:
    """Whether some call of the function passes the parameter itself."""
    function = site.around.function
    if function is None:
        return True
    name, parameters = function.name.value, function.params
    names = [p.name.value for p in (*parameters.posonly_params, *parameters.params)]
    if site.target.name not in {*names, *(p.name.value for p in parameters.kwonly_params)}:
        return True  # a lambda's
    if name == "__init__" and site.around.classes:
        name, names = site.around.classes[-1], names[1:]
    return any(_passes(call, site.target.name, names) for call in calls if callee_of(call) == name)


def _passes(call: cst.Call, parameter: str, names: list[str]) -> bool:
    if any(arg.star or (arg.keyword and arg.keyword.value == parameter) for arg in call.args):
        return True
    plain = sum(arg.keyword is None for arg in call.args)
    return parameter in names[:plain]
