"""Where named values go: the known keywords that take a constant, an option or a setting."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import libcst as cst

from annotate.kinds import assignment, default, keyword, option
from annotate.kinds.target import Target
from annotate.suggest import libraries as of
from annotate.suggest import positions
from annotate.suggest.facts import Facts
from annotate.suggest.site import Around, Script, Site, dotted

#: Classes that are known by their name, whatever they were imported from.
_KNOWN = re.compile(
    rf"{of.TREES}|{of.LINEAR}|{of.VECTOR_MACHINES}|{of.NEIGHBOURS}|{of.VECTORIZERS}|{of.REDUCERS}"
    rf"|{of.ADAMS}|{of.SCHEDULES}|{of.DROPOUTS}|{of.LAYERS}|SGD|RMS[pP]rop|Adagrad|LogisticRegression"
    r"|\w+(Classifier|Regressor)|\w*DataLoader|\w*Trainer|\w*TrainingArguments|Linear|Embedding"
    r"|clip_grad_norm_?|PPO|DQN|SAC|TD3|A2C|LeakyReLU"
)
#: Names of the objects that hold a program's options.
_OPTIONS = re.compile(
    r"(\w+_)?(args|arguments|opts?|options|flags|parsed|params|config|cfg|conf|hparams|ns)",
    re.IGNORECASE,
)


class Flow:
    """The known keywords that each named value is passed to."""

    def __init__(self, script: Script, facts: Facts) -> None:
        self._passed: dict[str, list[tuple[Target, Around]]] = defaultdict(list)
        for target, around in _passed(script):
            call = around.call
            if call is not None and (facts.knows(call) or _KNOWN.fullmatch(_callee(call))):
                self._passed[dotted(target.value)].append((target, around))
        plain = (s for s in script.sites if s.target.kind == assignment.KIND)
        self._assigned = Counter(site.target.name for site in plain)

    def keywords(self, site: Site) -> Iterator[Site]:
        """The site as each keyword that takes its value."""
        for name in self._names(site):
            for target, around in self._passed.get(name, ()):
                if _sees(name, around, site.around):
                    passed = Target(keyword.KIND, target.name, site.target.value)
                    yield Site(passed, around, site.known, site.value, site.declared)

    def _names(self, site: Site) -> list[str]:
        name = site.target.name
        if site.target.kind == option.KIND:
            ends = (n for n in self._passed if n.endswith(f".{name}"))
            return [n for n in ends if _OPTIONS.fullmatch(n.rpartition(".")[0].rpartition(".")[2])]
        if site.target.kind == default.KIND:
            return [name]
        return [name] if site.target.kind == assignment.KIND and self._assigned[name] == 1 else []


def _callee(call: cst.Call) -> str:
    return dotted(call.func).rpartition(".")[2]


def _passed(script: Script) -> Iterator[tuple[Target, Around]]:
    """Every name or attribute that is passed by keyword, or in a known position."""
    for node, around in script.nodes:
        if isinstance(node, cst.Call):
            for target in keyword.targets(node, script.tree):
                if dotted(target.value):
                    yield target, around
    for _, site in positions.sites(script):
        if dotted(site.target.value):
            yield site.target, site.around


def _sees(name: str, call: Around, value: Around) -> bool:
    """Whether `name` at `call` is the one bound at `value`, and not another parameter."""
    if call.functions[: len(value.functions)] != value.functions:
        return False
    function = call.function
    if function is None or function is value.function:
        return True
    parameters = (*function.params.params, *function.params.kwonly_params)
    return all(parameter.name.value != name for parameter in parameters)
