"""The problems in two halves: one for development, one for a final validation."""

from __future__ import annotations

import functions
import tasks
import tasks_descent
import tasks_more
import tasks_validation
from tables import table

HALVES = {
    "working": (functions.WORKING, (*tasks.WORKING, *tasks_more.TASKS, *tasks_descent.TASKS)),
    "validation": (functions.VALIDATION, tasks_validation.VALIDATION),
}


def names(half):
    return [each.name for group in HALVES[half] for each in group]


def problem(name):
    """The problem with this name; a real task is tabulated first if necessary."""
    for synthetic, real in HALVES.values():
        for function in synthetic:
            if function.name == name:
                return function
        if any(task.name == name for task in real):
            return table(name).problem()
    raise KeyError(name)
