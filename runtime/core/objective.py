"""Objective: what an experiment optimizes, and in which direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from annotate.metric import Metric
from annotate.project import Project, relative_path
from annotate.reports import FINAL, INTERMEDIATE, reported
from runtime.core.config import BY_DEFAULT, BY_INTERMEDIATE, BY_NAME, Config

_OVERRIDES: Final = {True: "--minimize", False: "--maximize"}


@dataclass(frozen=True, slots=True)
class Objective:
    """What the code reports, and the direction that its name implies.

    `name` is "" if the code reports several metrics, or nothing that has a name. `by` is one of
    BY_NAME, BY_INTERMEDIATE and BY_DEFAULT. `disagree` are the names of metrics in opposite
    directions.
    """

    name: str
    maximize: bool
    by: str
    disagree: tuple[str, ...] = ()


def objective_of(project: Project, script: PurePosixPath | None) -> Objective:
    """What the project's code reports. The names of final results decide the direction.

    If they imply none, those of intermediate results do, since both are the same measure.
    """
    final = reported(project, script, FINAL)
    name = final[0].name if len({metric.name for metric in final}) == 1 else ""
    intermediate = reported(project, script, INTERMEDIATE)
    for metrics, by in ((final, BY_NAME), (intermediate, BY_INTERMEDIATE)):
        directions = {metric.higher for metric in metrics if metric.higher is not None}
        if len(directions) == 1:
            return Objective(name, directions.pop(), by)
        if directions:
            return Objective(name, True, BY_DEFAULT, _opposite(metrics))
    return Objective(name, True, BY_DEFAULT)


def _opposite(metrics: Sequence[Metric]) -> tuple[str, ...]:
    return tuple(metric.name for metric in metrics if metric.higher is not None)


def with_objective(
    config: Config, project: Project, *, has_direction: bool
) -> tuple[Config, list[str]]:
    """`config` with the metric's name and, unless it `has_direction`, the direction by that name.

    Also returns notes for the user.
    """
    objective = _of_config(config, project)
    config = replace(config, metric_name=objective.name)
    if has_direction:
        return config, []
    config = replace(config, maximize=objective.maximize, optimize_by=objective.by)
    notes = []
    if objective.disagree:
        notes.append(
            f"The script reports {' and '.join(objective.disagree)}, which improve in opposite"
            " directions. Higher results count as better; --minimize reverses that."
        )
    return config, notes


def with_new_name(config: Config, project: Project) -> tuple[Config, list[str]]:
    """`config` of an experiment whose script has changed, with the new name of its metric.

    The direction stays. Also returns notes for the user.
    """
    objective = _of_config(config, project)
    config = replace(config, metric_name=objective.name)
    if objective.by == BY_DEFAULT or objective.maximize == config.maximize:
        return config, []
    now = f"The script now reports {objective.name or 'other results'}"
    return config, [f"{now}; the experiment keeps its direction, {config.optimize}."]


def _of_config(config: Config, project: Project) -> Objective:
    script = relative_path(config.path, project.root) if config.script else None
    return objective_of(project, script)


def goal(config: Config, *, new: bool) -> str:
    """`minimize val_loss (by its name; --maximize overrides)`.

    The direction of an experiment that is not `new` cannot be changed.
    """
    text = f"{config.optimize} {config.metric_name}".rstrip()
    if not config.optimize_by:
        return text
    hint = f"; {_OVERRIDES[config.maximize]} overrides" if new else ""
    return f"{text} ({config.optimize_by}{hint})"
