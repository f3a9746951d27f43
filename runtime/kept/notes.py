"""What users should know about an experiment's results: sentences, without an end."""

from __future__ import annotations

from collections.abc import Iterable

from annotate.space import SearchSpace
from runtime.core.config import Config
from runtime.core.trial import Trial
from runtime.kept.effects import Effects
from runtime.store import Store


def read_notes(store: Store) -> list[str]:
    """The notes on everything that is stored."""
    row, trials = store.experiment(), store.trials()
    effects = Effects(row.space, trials, store.observations())
    return notes(effects, row.space, trials, Config.from_json(row.config))


def notes(
    effects: Effects, space: SearchSpace, trials: Iterable[Trial], config: Config
) -> list[str]:
    """The notes on `trials`, of which `effects` has what they did with their values."""
    trials = list(trials)
    remarks = effects.remarks(space, trials, by_script=not config.command)
    return [*remarks, *_several_finals(trials)]


def _several_finals(trials: Iterable[Trial]) -> list[str]:
    several = [trial.number for trial in trials if trial.finals > 1]
    if not several:
        return []
    others = f" and {len(several) - 1} more" if len(several) > 1 else ""
    return [f"trial {several[0]}{others} reported several final results; the last one counts"]
