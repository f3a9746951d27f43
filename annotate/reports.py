"""Find what a project reports: by annotations, and by calls in scripts written for NNI."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath

from annotate import formats
from annotate.errors import Mistakes
from annotate.metric import Metric, metric_of, parse_metric
from annotate.project import Project, SourceFile

FINAL, INTERMEDIATE = "report_final_result", "report_intermediate_result"


def reported(project: Project, script: PurePosixPath | None, directive: str) -> list[Metric]:
    """The distinct metrics that are reported with `directive`, FINAL or INTERMEDIATE.

    If the script itself reports, only its own reports count: a module that it imports may be a
    script as well. Reports of a plain number are skipped.
    """
    by_file = {f.path: list(_in_file(f, directive)) for f in project.files if f.counts}
    own = by_file.get(script, []) if script is not None else []
    reported_metrics = own or [metric for metrics in by_file.values() for metric in metrics]
    return list(dict.fromkeys(reported_metrics))


def _in_file(file: SourceFile, directive: str) -> Iterator[Metric]:
    for report in file.expansion.reports:
        if report.directive == directive and (metric := parse_metric(report.expression)):
            yield metric
    if directive.encode() in file.source:
        for argument in _calls(file, directive):
            if metric := metric_of(argument):
                yield metric


def _calls(file: SourceFile, function: str) -> Iterator[ast.expr]:
    """The argument of each call of `function`, by whatever name it was imported."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(formats.python(file.source, str(file.path)))
    except (Mistakes, SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the trial reports the error
    nodes = list(ast.walk(tree))
    imported = [a for node in nodes if isinstance(node, ast.ImportFrom) for a in node.names]
    names = {function, *(a.asname for a in imported if a.name == function and a.asname)}
    for node in nodes:
        if isinstance(node, ast.Call) and _name(node.func) in names:
            yield from node.args[:1] or [k.value for k in node.keywords if k.arg == "metric"]


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))
