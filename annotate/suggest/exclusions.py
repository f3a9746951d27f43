"""Exclusions: values that look like hyper-parameters but should not be tuned."""

from __future__ import annotations

import re

from annotate.kinds import assignment, default, keyword
from annotate.suggest.facts import Facts
from annotate.suggest.lookalikes import is_lookalike
from annotate.suggest.site import Around, Site, first_word_of, snake, words

#: Words in names that concern the data, the machine, the output or the budget.
_WORDS = words(
    "seed state port host rank world path dir directory file folder url uri version device devices"
    " gpu gpus cuda workers worker jobs threads verbose verbosity log logging print save plot show"
    " checkpoint ckpt test val valid validation eval evaluation dev infer inference predict image"
    " img classes labels vocab timeout patience tol tolerance debug cache"
)
#: Parts of names in which such a word means something else.
_HARMLESS = re.compile(r"per_(device|gpu)_|drop_path|_val$|lora_rank|adapter_rank")
#: Words in the arguments or target of a call that evaluates rather than trains.
_MEASURES = words("test val valid validation eval evaluation dev holdout")
_FUNCTIONS = _MEASURES | words(
    "evaluate predict plot visualize visualise show sample infer inference export benchmark demo"
    " profile score"
)
#: Calls whose keywords do not affect training.
_CALLS = re.compile(
    r"map|evaluate|predict\w*|load\w*|EarlyStopping|\w*Checkpoint|print|figure|subplots?|savefig"
    r"|\w*plot\w*|hist|scatter|bar|imshow|Normalize|Resize|read_\w+|to_csv|train_test_split"
    r"|make_(classification|regression|blobs|moons|circles)|\w*Logger|init_process_group|getLogger"
    r"|\w*Norm(ali[sz]ation)?(_?\dd)?|Path|open|run|connect|sleep|log|Window|Canvas|Button|Label"
)
_LIBRARIES = words("plt ax axes fig sns go px alt logging wandb mlflow pd os sys")


def is_excluded(site: Site, facts: Facts) -> bool:
    """Whether a site should not be tuned."""
    name = site.name
    if is_lookalike(site, facts):
        return True
    if site.is_element or (
        site.value == 0 and site.target.kind == assignment.KIND and _is_in_function(site)
    ):
        return True
    if is_excluded_name(name, site.value, facts.names):
        return True
    if _evaluates(site.around):
        return True
    if site.target.kind == keyword.KIND:
        return _is_excluded_call(site)
    return site.target.kind == default.KIND and name in {"c", "alpha", "p", "r"}


def is_excluded_name(name: str, value: object, names: frozenset[str]) -> bool:
    """Whether a name concerns no hyper-parameter; `names` are the other names of the file."""
    parts = set(_HARMLESS.sub("", name).split("_"))
    return bool(parts & _WORDS) or _is_of_images(name, value, names)


def is_measure(name: str) -> bool:
    """Whether a name is of something that evaluates."""
    return bool(set(name.split("_")) & _MEASURES)


def is_of_evaluation(site: Site) -> bool:
    """Whether a value is for measuring or for predictions, judging by names."""
    return bool(set(site.name.split("_")) & _FUNCTIONS) or _evaluates(site.around)


def _evaluates(around: Around) -> bool:
    """Whether the code around evaluates or displays something rather than trains."""
    owners = [*around.classes, around.owner or ""]
    if any(set(snake(name).split("_")) & _MEASURES for name in owners):
        return True
    return any(set(snake(name).split("_")) & _FUNCTIONS for name in around.functions)


def _is_in_function(site: Site) -> bool:
    """Whether an assignment is in a function, where a 0 starts a sum or a count."""
    return bool(site.around.functions) and not site.around.classes


def _is_of_images(name: str, value: object, names: frozenset[str]) -> bool:
    if name in ("width", "depth") and "height" in names:
        return True
    return name in ("channels", "n_channels", "num_channels") and value in (1, 3, 4)


def _is_excluded_call(site: Site) -> bool:
    call = site.around.call
    if call is None or site.callee is None:
        return False
    if _CALLS.fullmatch(site.callee) or first_word_of(call.func) in _LIBRARIES:
        return True
    if site.callee == "ReduceLROnPlateau" and site.name in ("min_lr", "eps"):
        return True
    beside = set(snake(site.around.beside).split("_"))
    return bool(beside & _MEASURES)
