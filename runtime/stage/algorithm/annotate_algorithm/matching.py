"""Recognises values that a tuner gave when their result comes."""

from __future__ import annotations

import json
from contextlib import suppress

from annotate.errors import SpaceError
from annotate.space import SearchSpace, Values


def key(space: SearchSpace, values: Values) -> str:
    """A text that is equal for values that mean the same point.

    The driver writes values as the space does: a tuner's `1` for a float becomes `1.0`.
    """
    located = dict(values)
    for parameter in space:
        if parameter.key in located:
            with suppress(SpaceError):
                located[parameter.key] = parameter.domain.locate(located[parameter.key])
    return json.dumps(located, sort_keys=True)
