"""Find the values of a YAML, TOML or JSON file that are worth tuning."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from annotate.data.entry import Contents, Entry
from annotate.data.form import Form
from annotate.json_value import JSON, same
from annotate.suggest.around import Range
from annotate.suggest.catalogue import holding
from annotate.suggest.exclusions import is_excluded_name, is_measure
from annotate.suggest.lookalikes import is_checkpoint_size, is_published
from annotate.suggest.site import snake, words

#: Keys that show that a file configures training; without one, nothing is proposed.
_TRAINING = re.compile(
    r"(\w+_)?(lr|learning_rate)|optimi[sz]er|optim|weight_decay|\w*dropout|n_estimators|num_leaves"
    r"|((num|n|max)_)?(train_)?epochs?|num_(boost_)?rounds?|momentum|hidden_(sizes?|dims?|units)"
)
_BOOSTING = words(
    "num_leaves n_estimators booster eta subsample colsample_bytree boosting_type max_bin"
    " min_child_weight num_boost_round num_round reg_lambda lambda_l1 lambda_l2 l2_leaf_reg"
)
_DEEP = re.compile(
    r"\w*(hidden|layers?|dropout|weight_decay|momentum|optimi[sz]er|epochs?|batch_size|embed\w*)\w*"
)
_REINFORCEMENT = words(
    "gae_lambda clip_range clip_coef ent_coef replay_buffer_size buffer_size env_id env"
    " total_timesteps learning_starts policy exploration_fraction"
)
#: Keys whose value names the class that takes the other keys.
_CLASSES = ("_target_", "class_path", "class_name", "type", "name", "estimator")
_ARGUMENTS = words("init_args args kwargs params parameters hparams")
_CLASS = re.compile(r"[A-Z]\w*[a-z]\w*")
_SAMPLING = words("max_new_tokens max_tokens top_k top_p num_beams do_sample repetition_penalty")
_GENERATION = words("sampling sample generation generate decode decoding llm")
_ROWS = words("database databases db sql postgres mysql mongo mongodb kafka redis elasticsearch")
_POPULATION = re.compile(r"(n_?)?pop(ulation)?(_?size)?")
#: Keys of the configuration file that is published with a model.
_PUBLISHED = words("transformers_version architectures _name_or_path model_type")
_PRETRAINED = words("pretrained model_name_or_path pretrained_model_name_or_path checkpoint_name")
_WORD = re.compile(r"\b(True|False|None)\b")
_DATA = {"True": "true", "False": "false", "None": "null"}


@dataclass(frozen=True)
class ConfigFinding:
    """An entry with its domain; on one line, a lower rank is more important."""

    entry: Entry
    name: str
    value: JSON
    range: Range
    subject: str
    rank: int

    @property
    def reason(self) -> str:
        return f"{self.subject}, {self.range.phrase}"

    def with_range(self, new: Range) -> ConfigFinding:
        return replace(self, range=new)


def find(text: str, form: Form, contents: Contents) -> list[ConfigFinding]:
    """The entries worth tuning, in the order of the file."""
    config = _Config(text, form, contents)
    if config.is_published or not any(
        _TRAINING.fullmatch(name) or name == "eta" for name in config.names
    ):
        return []
    return [f for entry in contents.entries if (f := config.judge(entry))]


class _Config:
    def __init__(self, text: str, form: Form, contents: Contents) -> None:
        self._text, self._form = text, form
        self._entries = {entry.path: entry for entry in contents.entries}
        keys = (step for entry in contents.entries for step in entry.path[-1:])
        self.names = frozenset(snake(key) for key in keys if isinstance(key, str))
        self._families = frozenset(_families(self.names))
        self._siblings = _siblings(contents)
        top = self._siblings.get((), frozenset())
        self.is_published = len(top & _PUBLISHED) > 1
        self._is_pretrained = any(
            self._load(entry) not in (False, None, "")
            for entry in contents.entries
            if entry.path[-1] in _PRETRAINED and entry.kind == "scalar"
        )

    def judge(self, entry: Entry) -> ConfigFinding | None:
        if entry.kind not in ("scalar", "flow") or not isinstance(entry.path[-1], str):
            return None
        name, value = snake(entry.path[-1]), self._load(entry)
        if value is None or self._is_excluded(entry, name, value):
            return None
        text = self._python(entry, value)
        for rank, rule in holding(name, self._callee(entry), self._families):
            if proposed := rule.maker(value, text):
                domain = _WORD.sub(lambda match: _DATA[match[0]], proposed.domain)
                new = Range(domain, proposed.phrase)
                return ConfigFinding(entry, name, value, new, rule.subject, rank)
        return None

    def _load(self, entry: Entry) -> JSON:
        """The value of an entry; `1e-4`, a string in YAML 1.1, counts as a number."""
        text = self._text[slice(*entry.span)]
        value = self._form.load(text)
        if isinstance(value, str) and re.fullmatch(r"\d[\d.]*[eE][-+]?\d+", value):
            return float(value)
        return value

    def _python(self, entry: Entry, value: JSON) -> str:
        """The value as a Python literal, with the file's spelling where Python allows it."""
        text = self._text[slice(*entry.span)]
        try:
            return text if same(ast.literal_eval(text), value) else repr(value)
        except (ValueError, SyntaxError):
            return repr(value)

    def _is_excluded(self, entry: Entry, name: str, value: JSON) -> bool:
        path = [snake(str(step)) for step in entry.path[:-1]]
        beside = self._siblings.get(entry.path[:-1], frozenset())
        return (
            is_excluded_name(name, value, self.names)
            or any(map(is_measure, path))
            or (name == "temperature" and (bool(beside & _SAMPLING) or _is_in(path, _GENERATION)))
            or _POPULATION.fullmatch(name) is not None
            or ("batch" in name and _is_in(path, _ROWS))
            or ("decay" in name and value == 0 and "params" in beside)
            or (
                (self._is_pretrained or any(map(is_published, path)))
                and is_checkpoint_size(name, value)
            )
        )

    def _callee(self, entry: Entry) -> str | None:
        """The class that takes a value: named beside it, beside its map, or by its map's key."""
        parent = entry.path[:-1]
        names = self._classes(parent)
        if not names and parent and parent[-1] in _ARGUMENTS:
            names = self._classes(parent[:-1])
        if not names and parent and _CLASS.fullmatch(str(parent[-1])):
            names = [str(parent[-1])]
        return names[0] if names else None

    def _classes(self, path: tuple[str | int, ...]) -> list[str]:
        entries = (self._entries.get((*path, key)) for key in _CLASSES)
        values = (self._load(e) for e in entries if e is not None and e.kind == "scalar")
        last = (value.rpartition(".")[2] for value in values if isinstance(value, str))
        return [name for name in last if _CLASS.fullmatch(name)]


def _is_in(path: list[str], names: frozenset[str]) -> bool:
    """Whether a key around has one of these words in its name."""
    return any(set(step.split("_")) & names for step in path)


def _siblings(contents: Contents) -> Mapping[tuple[str | int, ...], frozenset[str]]:
    """The keys of each map, by its path."""
    keys: dict[tuple[str | int, ...], set[str]] = {}
    for entry in contents.entries:
        keys.setdefault(entry.path[:-1], set()).add(str(entry.path[-1]))
    return {path: frozenset(names) for path, names in keys.items()}


def _families(names: frozenset[str]) -> Iterator[str]:
    """The families of libraries that a file with these keys configures."""
    boosting = bool(names & _BOOSTING)
    if boosting:
        yield "boosting"
    if not boosting or any(_DEEP.fullmatch(name) for name in names):
        yield "deep"
    if names & _REINFORCEMENT:
        yield "reinforcement"
