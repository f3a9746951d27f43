"""Find the sites worth tuning, each with a domain and a reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import libcst as cst

from annotate.kinds import default
from annotate.kinds.target import Target
from annotate.snippets import fold
from annotate.suggest import choices, positions
from annotate.suggest.around import Range, is_number, listed
from annotate.suggest.catalogue import RULES, holding
from annotate.suggest.described import renamed
from annotate.suggest.exclusions import is_excluded, is_of_evaluation
from annotate.suggest.facts import facts
from annotate.suggest.flow import Flow
from annotate.suggest.known import Options, options
from annotate.suggest.lookalikes import is_lookalike
from annotate.suggest.positions import CALL, choice_of_calls
from annotate.suggest.site import Script, Site, callee_of, snake
from annotate.tree import Tree

_SCRIPTS = [(subject, re.compile(names)) for subject, names in choices.SCRIPTS]
_MOST_OPTIONS = 8
_ANY_NAME = ("name", "type", "kind")
_SETTINGS = re.compile(r"_(config|cfg|conf|args|arguments|params|options|settings|spec)$")


@dataclass(frozen=True)
class Finding:
    """A site with its domain; on one line, a lower rank is more important."""

    site: Site
    range: Range
    subject: str
    rank: int

    @property
    def name(self) -> str:
        return self.site.name

    @property
    def value(self) -> Any:
        return self.site.value

    @property
    def reason(self) -> str:
        return f"{self.subject}, {self.range.phrase}"

    def with_range(self, new: Range) -> Finding:
        return replace(self, range=new)


def find(script: Script) -> list[Finding]:
    """The sites of a file that are worth tuning, in source order."""
    judge = _Judge(script)
    findings = [f for site in script.sites if (f := judge.of(site))]
    calls = [node for node, _ in script.nodes if isinstance(node, cst.Call)]
    findings = _without_overridden(findings, calls)
    in_calls = [f for call, site in positions.sites(script) if (f := judge.in_call(call, site))]
    return [*findings, *in_calls]


class _Judge:
    """Decides which values of a script are worth tuning."""

    def __init__(self, script: Script) -> None:
        self._script, self._tree = script, script.tree
        self._facts = facts(script)
        self._families = self._facts.families
        self._known = options([node for node, _ in script.nodes])
        self._flow = Flow(script, self._facts)
        calls = (node for node, _ in script.nodes if isinstance(node, cst.Call))
        self._calls = Counter(map(self._line_end, calls))

    def of(self, site: Site) -> Finding | None:
        """The finding for a value: by its name, the keyword that takes it, or texts about it."""
        if not site.known or site.target.problem or site.around.in_string:
            return None
        finding = self._alone(site)
        if finding and (site.declared or not is_number(site.value)):
            return finding
        if is_lookalike(site, self._facts) or site.is_element or is_of_evaluation(site):
            return finding
        names = [*self._flow.keywords(site)]  # what takes a value says more than its own name
        if not finding and not is_excluded(site, self._facts):
            names += renamed(self._script, site)
        better = next(filter(None, map(self._alone, names)), None)
        return replace(better, site=site) if better else finding

    def in_call(self, call: cst.Call, site: Site) -> Finding | None:
        """The finding for a positional value, which is tuned by a choice of whole calls."""
        if not site.known or site.around.in_string or (finding := self._alone(site)) is None:
            return None
        named = self._calls[self._line_end(call)] > 1
        calls = choice_of_calls(self._tree, call, site.target.value, finding.range, named=named)
        if calls is None:
            return None
        target = Target(CALL, self._tree.code(call.func), call)
        return replace(finding, site=replace(site, target=target), range=calls)

    def _line_end(self, node: cst.CSTNode) -> int:
        return self._tree.text.find("\n", self._tree.span(node)[1])

    def _alone(self, site: Site) -> Finding | None:
        if is_excluded(site, self._facts):
            return None
        return _judge(self._tree, site, self._families, self._known)


def _judge(tree: Tree, site: Site, families: frozenset[str], known: Options) -> Finding | None:
    text = fold(tree, site.target.value)
    if finding := _of_script(site, text, known):
        return finding
    for rank, rule in holding(site.name, site.callee, families):
        declared = _of_options(site, text, site.declared) if site.declared else None
        if domain := declared or rule.maker(site.value, text):
            return Finding(site, domain, rule.subject, rank)
    return None


def _of_script(site: Site, text: str, known: Options) -> Finding | None:
    """The finding for a string, if the script lists the options that it handles."""
    if not isinstance(site.value, str):
        return None
    name = _of_owner(site) if site.name in _ANY_NAME else site.name
    subject = next((subject for subject, names in _SCRIPTS if names.fullmatch(name)), None)
    domain = _of_options(site, text, site.declared or known.get(site.name, ()))
    return Finding(site, domain, subject, len(RULES)) if subject and domain else None


def _of_owner(site: Site) -> str:
    """What a field called `name` names: in `OptimizerConfig`, `optimizer`."""
    owner = site.around.owner
    if owner in (None, site.target.name):  # a field
        owner = next(reversed(site.around.classes), "")
    return _SETTINGS.sub("", snake(owner or ""))


def _of_options(site: Site, text: str, options: tuple[object, ...]) -> Range | None:
    if site.value not in options or len(options) > _MOST_OPTIONS:
        return None
    if not all(isinstance(option, (str, int, float, type(None))) for option in options):
        return None
    return listed([site.value, *(o for o in dict.fromkeys(options) if o != site.value)], text)


def _without_overridden(findings: list[Finding], calls: list[cst.Call]) -> list[Finding]:
    """Drop parameter defaults that calls override."""
    elsewhere = {f.site.name for f in findings if f.site.target.kind != default.KIND}
    return [
        finding
        for finding in findings
        if finding.site.target.kind != default.KIND
        or not (finding.site.name in elsewhere or _is_passed(finding.site, calls))
    ]


def _is_passed(site: Site, calls: Iterable[cst.Call]) -> bool:
    """Whether any call of the function passes the parameter."""
    function = site.around.function
    if function is None:
        return True
    name, parameters = function.name.value, function.params
    names = [p.name.value for p in (*parameters.posonly_params, *parameters.params)]
    if site.target.name not in {*names, *(p.name.value for p in parameters.kwonly_params)}:
        return True  # it belongs to a lambda
    if name == "__init__" and site.around.classes:
        name, names = site.around.classes[-1], names[1:]
    return any(_passes(call, site.target.name, names) for call in calls if callee_of(call) == name)


def _passes(call: cst.Call, parameter: str, names: list[str]) -> bool:
    if any(arg.star or (arg.keyword and arg.keyword.value == parameter) for arg in call.args):
        return True
    plain = sum(arg.keyword is None for arg in call.args)
    return parameter in names[:plain]
