"""The problems in their two halves: one to develop on, one that is looked at when all is done."""

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
    """The problem of that name; a real task is tabulated first, where it is not yet."""
    for written, real in HALVES.values():
        for found in written:
            if found.name == name:
                return found
        if any(task.name == name for task in real):
            return table(name).problem()
    raise KeyError(name)
