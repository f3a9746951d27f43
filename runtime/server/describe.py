"""An experiment and its parameters as the pages need them, in strict JSON."""

from __future__ import annotations

from annotate.domains import Choice, Numeric
from annotate.domains.choice import is_domain
from annotate.json_value import JSON
from annotate.parameter import Parameter
from runtime.core.config import Config
from runtime.core.metrics import finite
from runtime.core.paths import ExperimentFolder
from runtime.kept.documents import trial_document
from runtime.kept.experiments import experiment_document
from runtime.kept.notes import read_notes
from runtime.store import Store
from runtime.store.columns import COLUMNS
from runtime.store.reader import Reader

_TOP = 10  # trials in each ranking


def experiment(folder: ExperimentFolder, store: Store, reader: Reader) -> dict[str, JSON]:
    """Everything the pages of one experiment need at first.

    `columns` are those of the trials' table; `top` has the best trials in either direction.
    `notes` are those of `runtime.kept.notes` once the experiment has ended: they need every trial.
    """
    row = store.experiment()
    names, config = row.space.names, Config.from_json(row.config)
    first = reader.trial(0)
    document = experiment_document(folder, row, reader)
    return {
        **document,
        "notes": [] if document["state"] in ("INITIALIZED", "RUNNING") else read_notes(store),
        "config": finite(config.to_json()),
        "space": [parameter(p, names[p.key]) for p in row.space],
        "space_json": finite(row.space.to_json()),
        "columns": columns(config),
        "baseline": trial_document(first) if first and first.origin.value == "baseline" else None,
        "top": {
            "maximize": [trial_document(t) for t in reader.top(_TOP, maximize=True)],
            "minimize": [trial_document(t) for t in reader.top(_TOP, maximize=False)],
        },
    }


def columns(config: Config) -> list[dict[str, JSON]]:
    """The columns that the trials' table can show; the result's is titled with its name."""
    named = {"metric": config.metric_name} if config.metric_name else {}
    return [
        {
            "key": c.name,
            "title": named.get(c.name, c.title),
            "kind": c.kind,
            "hidden": c.hidden and not (c.name == "machine" and config.executor != "local"),
        }
        for c in COLUMNS
        if c.title is not None
    ]


def parameter(of: Parameter, name: str) -> dict[str, JSON]:
    """One dimension: `options` and their `children` for a choice; `low` and `high` if bounded."""
    domain = of.domain
    document: dict[str, JSON] = {
        "key": of.key,
        "name": name,
        "type": domain.type,
        "text": str(domain),
        "log": isinstance(domain, Numeric) and domain.geometry.logarithmic,
    }
    if isinstance(domain, Choice):
        document["options"] = [
            option.value if not option.children else {"_name": option.value}
            for option in domain.options
        ]
        document["children"] = [
            parameter(child, _child_name(name, option.value, child)) | {"of": option.value}
            for option in domain.options
            for child in option.children
        ]
    elif isinstance(domain, Numeric) and domain.geometry.law.bounded:
        document["low"], document["high"] = domain.geometry.low, domain.geometry.high
    return dict(finite(document))


def branch_name(name: str, option: JSON, child: Parameter) -> str:
    """A nested parameter with its branch: `layer = Conv > size`, or `p (uniform)` for a domain."""
    return _child_name(
        name if is_domain(option, child.key) else f"{name} = {option}", option, child
    )


def _child_name(name: str, option: JSON, child: Parameter) -> str:
    return f"{name} ({child.key})" if is_domain(option, child.key) else f"{name} › {child.name}"
