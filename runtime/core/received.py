"""What a script gets from `get_next_parameter`: values by name, or a whole configuration.

NNI's BatchTuner passes on the option that it chose, whatever that is: with `{"lr": 0.1}` the script
finds its `lr`. An annotated script needs the choice by its name.
"""

from __future__ import annotations

from annotate.domains import Choice
from annotate.errors import SpaceError
from annotate.json_value import JSON
from annotate.space import SearchSpace, Values
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder


def received(config: Config, folder: ExperimentFolder, values: Values) -> JSON:
    """A trial's values in the form in which its script receives them."""
    if config.tuner != "batch" or folder.is_annotated or len(values) != 1:
        return values
    (option,) = values.values()
    return option


def by_name(space: SearchSpace, values: JSON) -> JSON:
    """The values by name, for values that may be an option of the space's only choice."""
    domains = {parameter.key: parameter.domain for parameter in space}
    if len(domains) == 1:
        ((key, domain),) = domains.items()
        if isinstance(domain, Choice) and _has(domain, values):
            return {key: values}
    return values


def _has(domain: Choice, value: JSON) -> bool:
    try:
        domain.locate(value)
    except SpaceError:
        return False
    return True
