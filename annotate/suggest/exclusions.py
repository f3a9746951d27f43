"""False friends: what looks like a hyper-parameter and is none."""

from __future__ import annotations

import re

from annotate.kinds import assignment, default, keyword
from annotate.suggest.site import Around, Site, first_word_of, snake, words

#: A name with one of these words is about the data, the machine, the output or the budget.
_WORDS = words(
    "seed state port host rank world path dir directory file folder url uri version device devices"
    " gpu gpus cuda workers worker jobs threads verbose verbosity log logging print save plot show"
    " checkpoint ckpt test val valid validation eval evaluation dev infer inference predict image"
    " img classes labels vocab timeout patience tol tolerance debug cache"
)
#: Words of names in which they mean something else.
_HARMLESS = re.compile(r"per_(device|gpu)_|drop_path|_val$|lora_rank|adapter_rank")
#: A call with one of these words beside its arguments measures; nothing is learnt there.
_MEASURES = words("test val valid validation eval evaluation dev holdout")
_FUNCTIONS = _MEASURES | words(
    "evaluate predict plot visualize visualise show sample infer inference export benchmark demo"
    " profile score"
)
#: Calls whose keywords say nothing about the learning.
_CALLS = re.compile(
    r"map|evaluate|predict\w*|load\w*|EarlyStopping|\w*Checkpoint|print|figure|subplots?|savefig"
    r"|\w*plot\w*|hist|scatter|bar|imshow|Normalize|Resize|read_\w+|to_csv|train_test_split"
    r"|make_(classification|regression|blobs|moons|circles)|\w*Logger|init_process_group|getLogger"
    r"|\w*Norm(ali[sz]ation)?(_?\dd)?|Path|open|run|connect|sleep|log|Window|Canvas|Button|Label"
)
_LIBRARIES = words("plt ax axes fig sns go px alt logging wandb mlflow pd os sys")


def is_foe(site: Site, names: frozenset[str]) -> bool:
    """Whether a site is none to tune; `names` is those of all sites of the file."""
    name = site.name
    if site.is_element or (site.value == 0 and site.target.kind == assignment.KIND and _runs(site)):
        return True
    parts = set(_HARMLESS.sub("", name).split("_"))
    if parts & _WORDS or _is_of_images(name, site.value, names):
        return True
    if _measures(site.around):
        return True
    if site.target.kind == keyword.KIND:
        return _is_foe_call(site)
    return site.target.kind == default.KIND and name in {"c", "alpha", "p", "r"}


def _measures(around: Around) -> bool:
    """Whether it stands where something is measured or shown, so that nothing is learnt."""
    owners = [*around.classes, around.owner or ""]
    if any(set(snake(name).split("_")) & _MEASURES for name in owners):
        return True
    return any(set(snake(name).split("_")) & _FUNCTIONS for name in around.functions)


def _runs(site: Site) -> bool:
    """Whether an assignment stands in a function, where a 0 begins a sum or a count."""
    return bool(site.around.functions) and not site.around.classes


def _is_of_images(name: str, value: object, names: frozenset[str]) -> bool:
    if name in ("width", "depth") and "height" in names:
        return True
    return name in ("channels", "n_channels", "num_channels") and value in (1, 3, 4)


def _is_foe_call(site: Site) -> bool:
    call = site.around.call
    if call is None or site.callee is None:
        return False
    if _CALLS.fullmatch(site.callee) or first_word_of(call.func) in _LIBRARIES:
        return True
    if site.callee == "ReduceLROnPlateau" and site.name in ("min_lr", "eps"):
        return True
    beside = set(snake(site.around.beside).split("_"))
    return bool(beside & _MEASURES)
