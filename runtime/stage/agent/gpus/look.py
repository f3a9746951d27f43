"""Looks at the machine's GPUs once, without leasing any."""

from __future__ import annotations

import os
from typing import Any, Dict

from runtime.stage.agent.gpus.desk import VISIBLE
from runtime.stage.agent.gpus.nvml import NoNvml, Nvml


def look() -> Dict[str, Any]:
    """`view`, or `unusable`, which says why there is none; `visible`: CUDA_VISIBLE_DEVICES."""
    answer: Dict[str, Any] = {"visible": os.environ.get(VISIBLE), "unusable": "", "view": None}
    try:
        answer["view"] = Nvml().first_view().to_json()
    except NoNvml as error:
        answer["unusable"] = str(error)
    return answer
