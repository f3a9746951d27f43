"""Real tasks as tables: every loss is computed once and stored in a file."""

from __future__ import annotations

import functools
import itertools
import json
import os
import sys
import time
from pathlib import Path

import tasks
import tasks_descent
import tasks_more
import tasks_validation
from problem import Problem

from annotate.domains import Choice
from annotate.space import SearchSpace
from tuners.geometry.axes import axis

#: Where tables and results are kept.
CACHE = Path(os.environ.get("QUALITY_CACHE", Path(__file__).parent / "cache"))


def levels(task, parameter):
    """A parameter's values in the table, including the children of a choice."""
    domain = parameter.domain
    if isinstance(domain, Choice):
        return [value for o in domain.options for value in _option_levels(task, o)]
    if domain.size is None:
        a = axis(domain)
        count = task.levels[parameter.key]
        at = [a.low + (a.high - a.low) * n / (count - 1) for n in range(count)]
        return [domain.locate(float(level)) for level in a.levels(at)]
    low = axis(domain).least
    step = axis(domain).step
    return [domain.locate(round(low + n * step, 9)) for n in range(domain.size)]


def _option_levels(task, option):
    if not option.children:
        return [option.value]
    columns = [levels(task, child) for child in option.children]
    keys = [child.key for child in option.children]
    rows = itertools.product(*columns)
    return [{"_name": option.value} | dict(zip(keys, row, strict=True)) for row in rows]


def rows(task):
    """Every row of the table."""
    space = SearchSpace.from_json(task.json)
    columns = [levels(task, parameter) for parameter in space]
    for row in itertools.product(*columns):
        yield dict(zip(task.json, row, strict=True))


def rounded(task, parameters, values):
    """The row of the table that is nearest to `values`."""
    row = {}
    for parameter in parameters:
        value, domain = values[parameter.key], parameter.domain
        if isinstance(domain, Choice) and isinstance(value, dict) and "_name" in value:
            children = domain.options[domain.index(value)].children
            value = {"_name": value["_name"]} | rounded(task, children, value)
        elif not isinstance(domain, Choice):
            value = _nearest(task, parameter, value)
        row[parameter.key] = value
    return row


def _nearest(task, parameter, value):
    a, known = axis(parameter.domain), levels(task, parameter)
    share = (float(a.positions(value)) - float(a.positions(known[0]))) / (
        float(a.positions(known[-1])) - float(a.positions(known[0]))
    )
    if a.logarithmic or not a.step:
        return known[round(share * (len(known) - 1))]
    return min(known, key=lambda level: abs(level - value))


class Table:
    """The losses of a task by row; missing ones are computed. Safe to interrupt."""

    def __init__(self, task):
        self.task = task
        self.space = SearchSpace.from_json(task.json)
        self.path = CACHE / "tables" / f"{task.name}.jsonl"
        self.losses = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                key, loss = json.loads(line)
                self.losses[key] = loss

    def fill(self):
        """Compute the missing rows, with progress on standard error."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        missing = [r for r in map(json.dumps, rows(self.task)) if r not in self.losses]
        began = time.monotonic()
        with self.path.open("a") as file:
            for number, key in enumerate(missing, 1):
                self.losses[key] = self.task.error(json.loads(key))
                file.write(json.dumps([key, self.losses[key]]) + "\n")
                if number % 500 == 0 or number == len(missing):
                    seconds = time.monotonic() - began
                    print(
                        f"{self.task.name}: {number} of {len(missing)} rows, {seconds:.0f} s",
                        file=sys.stderr,
                    )
        return self

    def loss(self, values):
        return self.losses[json.dumps(rounded(self.task, self.space.parameters, values))]

    def problem(self):
        return Problem(self.task.name, "real", self.task.json, self.loss, min(self.losses.values()))


@functools.cache
def table(name):
    known = (*tasks.WORKING, *tasks_more.TASKS, *tasks_descent.TASKS, *tasks_validation.VALIDATION)
    (task,) = [t for t in known if t.name == name]
    return Table(task).fill()
