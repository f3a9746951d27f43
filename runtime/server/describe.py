"""Experiments and trials as the pages want them, in strict JSON. Times are epoch seconds."""

from __future__ import annotations

from annotate.domains import Choice, Domain, Numeric
from annotate.json_value import JSON
from annotate.space import Parameter
from runtime.core.config import Config
from runtime.core.metrics import finite
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Trial
from runtime.kept.documents import state_now
from runtime.store import ExperimentRow
from runtime.store.reader import Reader

_TOP = 10


def head(folder: ExperimentFolder, row: ExperimentRow, reader: Reader) -> dict[str, JSON]:
    """What stands at the top of every page, and changes while the experiment runs."""
    config = Config.from_json(row.config)
    state, reason = state_now(row, folder)
    best = reader.top(1, maximize=config.maximize)
    return {
        "id": row.id,
        "name": row.name,
        "state": state,
        "reason": reason,
        "created": row.created,
        "ended": row.ended,
        "optimize": config.optimize,
        "max_trials": config.max_trials,
        "max_duration": config.max_duration,
        "concurrency": config.concurrency,
        "tuner": config.tuner,
        "counts": reader.states(),
        "best": trial(best[0]) if best else None,
    }


def experiment(folder: ExperimentFolder, row: ExperimentRow, reader: Reader) -> dict[str, JSON]:
    """The overview of one experiment."""
    names = row.space.names
    baseline = reader.trial(0)
    return {
        **head(folder, row, reader),
        "config": finite(Config.from_json(row.config).to_json()),
        "space": [parameter(p, names[p.key]) for p in row.space],
        "space_json": finite(row.space.to_json()),
        "baseline": trial(baseline) if baseline and baseline.origin.value == "baseline" else None,
        "top": {
            "maximize": [trial(t) for t in reader.top(_TOP, maximize=True)],
            "minimize": [trial(t) for t in reader.top(_TOP, maximize=False)],
        },
        "folder": str(folder.path),
    }


def parameter(of: Parameter, name: str) -> dict[str, JSON]:
    """One dimension: `options` of a choice and the `children` that some of them have, else `low`
    and `high` where it is bounded."""
    domain = of.domain
    found: dict[str, JSON] = {
        "key": of.key,
        "name": name,
        "type": domain.type,
        "text": _written(domain),
        "log": isinstance(domain, Numeric) and domain.geometry.logarithmic,
    }
    if isinstance(domain, Choice):
        found["options"] = [
            option.value if not option.children else {"_name": option.value}
            for option in domain.options
        ]
        found["children"] = [
            parameter(child, f"{name} › {child.name}") | {"of": option.value}
            for option in domain.options
            for child in option.children
        ]
    elif isinstance(domain, Numeric) and domain.geometry.law.bounded:
        found["low"], found["high"] = domain.geometry.low, domain.geometry.high
    return dict(finite(found))


def _written(domain: Domain) -> str:
    """As a person writes it, with what an option has inside behind its name."""
    if not isinstance(domain, Choice):
        return str(domain)
    options = []
    for option in domain.options:
        inside = ", ".join(f"{child.name}={_written(child.domain)}" for child in option.children)
        options.append(f"{option.value}({inside})" if inside else repr(option.value))
    return f"choice({', '.join(options)})"


def trial(of: Trial) -> dict[str, JSON]:
    """One trial. A metric that is no finite number is the string of its name."""
    return {
        "number": of.number,
        "id": of.id,
        "state": of.state.value,
        "origin": of.origin.value,
        "metric": finite(of.metric),
        "reports": of.reports,
        "created": of.created,
        "started": of.started,
        "ended": of.ended,
        "reason": of.reason,
        "values": finite(of.values),
        "gpu": None if of.gpu is None else of.gpu.to_json(),
    }
