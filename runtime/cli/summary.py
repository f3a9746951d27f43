"""The summary at the end: the best trial against the script as written, and what to do next."""

from __future__ import annotations

import math
import os
import shlex
import time
from collections import Counter
from pathlib import Path

from annotate.snapshot import thaw
from runtime.cli.terminal import visible
from runtime.cli.text import number, value, values_words
from runtime.core.config import BY_DEFAULT, Config
from runtime.core.received import received
from runtime.core.trial import Origin, Trial, TrialState
from runtime.kept.notes import notes
from runtime.loop import checkpoints
from runtime.loop.experiment import Experiment
from runtime.system.units import count, duration
from tuners.budgets.budget import BUDGET

#: Keys of a trial's values that describe the trial rather than its configuration.
_REMARKS = {BUDGET, *checkpoints.KEYS}


def summary(experiment: Experiment, paused: float) -> str:
    """Several lines, without a newline at the end. `paused` as in ExperimentRow."""
    parts = [_result(experiment), _guess(experiment), _notes(experiment)]
    parts += [_where(experiment, paused), _next(experiment)]
    return "\n" + "\n\n".join(part for part in parts if part)


def _baseline(experiment: Experiment) -> Trial | None:
    first = experiment.trials.get(0)
    return first if first is not None and first.origin is Origin.BASELINE else None


def _result(experiment: Experiment) -> str:
    best, baseline = experiment.best, _baseline(experiment)
    if best is None or best.metric is None:
        return f"No trial gave a result: {experiment.reason or 'none was run'}."
    name = f"{experiment.config.metric_name} " if experiment.config.metric_name else ""
    head = f"Best: trial {best.number} with {name}{number(best.metric)}"
    if best.stopped_early:
        head = f"No trial ran to its end. {head}, its last result before it was stopped early"
    if baseline is None or not baseline.ranks or baseline.metric is None:
        return "\n".join([head + ".", "", *_values(experiment, best, None)])
    if best.number == baseline.number:
        head += ": the script as written. No trial was better."
    else:
        gain = best.metric - baseline.metric
        difference = f" ({gain:+.4g})" if math.isfinite(gain) else ""
        head += f", as written {number(baseline.metric)}{difference}."
    return "\n".join([head, "", *_values(experiment, best, baseline)])


def _guess(experiment: Experiment) -> str:
    """The assumed direction, if nothing set it and the metric's name implies none."""
    config = experiment.config
    if config.optimize_by != BY_DEFAULT:
        return ""
    why = (
        f", because the name `{config.metric_name}` implies no direction"
        if config.metric_name
        else ""
    )
    return (
        f"Higher results counted as better by default{why}.\n"
        "If lower is better, start again with --minimize."
    )


def _values(experiment: Experiment, best: Trial, baseline: Trial | None) -> list[str]:
    names = experiment.space.names
    rows = [("", "as written", "best")] if baseline else [("", "", "best")]
    written = baseline.values if baseline else {}
    own = [key for key in best.values if key not in names and key not in _REMARKS]
    # A custom tuner may give other values than the parameters.
    for key in [*(key for key in names if not own or key in best.values or key in written), *own]:
        texts = [value(values[key]) if key in values else "" for values in (written, best.values)]
        rows.append((visible(names.get(key, key)), texts[0], texts[1]))
    widths = [max(len(row[n]) for row in rows) for n in range(3)]
    return [
        "  " + "  ".join(f"{c:<{w}}" for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
    ]


def _notes(experiment: Experiment) -> str:
    trials = experiment.trials
    lines = notes(trials.effects, experiment.space, trials.values(), experiment.config)
    return "\n".join(f"Note: {visible(line)}." for line in lines)


def _where(experiment: Experiment, paused: float) -> str:
    trials = experiment.trials.values()
    counts = Counter(trial.state for trial in trials)
    states = ", ".join(
        f"{counts[state]} {state.value.lower().replace('_', ' ')}"
        for state in TrialState
        if counts[state]
    )
    starts = [t.started for t in trials if t.started is not None]
    ended = experiment.ended or time.time()
    took = f" in {duration(max(0.0, ended - min(starts) - paused))}" if starts else ""
    number = count(len(trials), "trial")
    lines = [f"Experiment {experiment.folder.id}: {number} ({states}){took}"]
    if experiment.reason and experiment.best is not None:
        lines.append(f"  ended: {experiment.reason}")
    seconds = sum(trial.gpu.seconds for trial in trials if trial.gpu is not None)
    if seconds:
        lines.append(f"  GPUs     {seconds:.0f} GPU-seconds")
    lines.append(f"  results  {experiment.folder.path}")
    shown = experiment.best or next(iter(trials), None)
    place = None if shown is None else experiment.folder.trial(shown.number).path
    if place is not None and place.exists():  # it printed or wrote something
        lines.append(f"  logs     {place}")
    return "\n".join(lines)


def _next(experiment: Experiment) -> str:
    name, best = experiment.folder.id, experiment.best
    rows = [
        (f"annotate trial ls {name}", "list every trial with its values (--json for a program)")
    ]
    if best is not None and best.values and not experiment.config.command:
        snapshot = thaw(experiment.folder.snapshot)
        annotated = bool(snapshot.annotated)
        script = shlex.quote(experiment.config.script)
        if words := _try_words(experiment, best, annotated=annotated):
            program = _program(experiment.config, snapshot.root)
            rows.append((f"annotate try {program} {words}", "run the best trial again"))
        if annotated and best.origin is not Origin.BASELINE:
            rows.append((f"annotate apply {name} {script}", "its values in the script, as a diff"))
    rows.append(("annotate experiment list --all", "list all experiments"))
    return "Next\n" + "\n".join(f"  # {what}\n  {command}" for command, what in rows)


def _try_words(experiment: Experiment, best: Trial, *, annotated: bool) -> str:
    """The trial's values and the script's arguments, for `annotate try`; "" if it takes none."""
    config = experiment.config
    values, names = received(config, experiment.folder, best.values), experiment.space.names
    if not isinstance(values, dict):
        return ""
    if values is not best.values:
        names = {name: name for name in values}
    words = values_words(values, names, whole=not annotated)
    rest = "".join(f" {shlex.quote(word)}" for word in config.arguments)
    return f"{words} --{rest}" if rest else words


def _program(config: Config, root: Path) -> str:
    """The words that name the script or module for `annotate try`."""
    program = f"-m {config.module}" if config.module else shlex.quote(config.script)
    default_root = os.path.realpath(config.entry)
    if os.path.realpath(root) != default_root:
        program = f"--code-folder {shlex.quote(os.path.relpath(root))} {program}"
    return program
