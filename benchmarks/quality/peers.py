"""Our tuners and other libraries' tuners behind one interface: ask for values, tell a loss."""

from __future__ import annotations

import shutil
import tempfile
import warnings

import numpy as np
from nni_peer import NNI

import tuners
from annotate.domains import Choice
from tuners.geometry.coordinates import Coordinates


class Ours:
    def __init__(self, name, problem, seed, trials):
        self._tuner = tuners.create(name, problem.space, seed=seed)

    def ask(self):
        return self._tuner.ask()

    def tell(self, values, loss):
        self._tuner.tell(values, loss)

    learn = tell


class Hyperopt:
    """hyperopt's own tpe with its defaults."""

    def __init__(self, name, problem, seed, trials):
        import hyperopt

        self._suggest = hyperopt.tpe.suggest
        self._coordinates = Coordinates(problem.space)
        self._hp = hyperopt.hp
        space = {c.path: self._node(c) for c in self._coordinates.children()}
        self._domain = hyperopt.base.Domain(lambda values: 0.0, space)
        self._trials = hyperopt.Trials()
        self._rng = np.random.default_rng(seed)
        self._hyperopt = hyperopt

    def _node(self, c):
        label, domain, hp = f"c{c.number}", c.domain, self._hp
        if isinstance(domain, Choice):
            options = range(len(domain.options))
            inner = [
                {"": n} | {k.path: self._node(k) for k in self._coordinates.children(c.number, n)}
                for n in options
            ]
            return hp.choice(label, inner)
        if domain.type == "randint":
            return hp.uniformint(label, domain.low, domain.high - 1)
        low, high, *step = domain.arguments
        ends = np.log([low, high]) if "log" in domain.type else (low, high)
        return getattr(hp, domain.type)(label, *ends, *step)

    def ask(self):
        (tid,) = self._trials.new_trial_ids(1)
        (self._document,) = self._suggest(
            [tid], self._domain, self._trials, int(self._rng.integers(2**31))
        )
        suggested = self._document["misc"]["vals"]
        return self._coordinates.values(
            {
                n: float(suggested[f"c{n}"][0]) if suggested.get(f"c{n}") else 0.0
                for n in range(len(self._coordinates))
            }
            | self._unset(suggested)
        )

    def learn(self, values, loss):
        """Add a result whose values the tuner did not propose."""
        levels = self._coordinates.levels(values)
        (tid,) = self._trials.new_trial_ids(1)
        labels = {f"c{c.number}": levels.get(c.number) for c in self._coordinates}
        vals = {label: [] if level is None else [level] for label, level in labels.items()}
        idxs = {label: [tid] if value else [] for label, value in vals.items()}
        misc = {"tid": tid, "cmd": self._domain.cmd, "workdir": None, "idxs": idxs, "vals": vals}
        (self._document,) = self._trials.new_trial_docs([tid], [None], [{}], [misc])
        self.tell(values, loss)

    def _unset(self, suggested):
        return {
            c.number: c.domain.arguments[0]
            for c in self._coordinates
            if not suggested.get(f"c{c.number}") and not isinstance(c.domain, Choice)
        }

    def tell(self, values, loss):
        document = self._document
        document["state"] = self._hyperopt.JOB_STATE_DONE
        failed = {"status": self._hyperopt.STATUS_FAIL}
        document["result"] = failed if loss is None else {"status": "ok", "loss": loss}
        self._trials.insert_trial_doc(document)
        self._trials.refresh()


class Optuna:
    """One of Optuna's samplers with its defaults, asked parameter by parameter."""

    def __init__(self, name, problem, seed, trials):
        import optuna

        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = {
            "optuna-tpe": optuna.samplers.TPESampler,
            "optuna-gp": optuna.samplers.GPSampler,
            "optuna-cmaes": optuna.samplers.CmaEsSampler,
        }
        self._study = optuna.create_study(sampler=samplers[name](seed=seed))
        self._failed = optuna.trial.TrialState.FAIL
        self._coordinates = Coordinates(problem.space)

    def ask(self):
        self._trial = self._study.ask()
        levels = {}
        groups = [self._coordinates.children()]
        while groups:
            for c in groups.pop():
                levels[c.number] = self._level(c)
                if isinstance(c.domain, Choice):
                    groups.append(self._coordinates.children(c.number, levels[c.number]))
        return self._coordinates.values(levels)

    def _level(self, c):
        trial, d = self._trial, self._distribution(c)
        if isinstance(c.domain, Choice):
            return trial.suggest_categorical(c.path, d.choices)
        if c.domain.type == "randint":
            return trial.suggest_int(c.path, d.low, d.high)
        return trial.suggest_float(c.path, d.low, d.high, step=d.step, log=d.log)

    def learn(self, values, loss):
        """Add a result whose values the tuner did not propose."""
        import optuna

        levels = self._coordinates.levels(values)
        existing = {c.path: (c, levels[c.number]) for c in self._coordinates if c.number in levels}
        distributions = {path: self._distribution(c) for path, (c, _) in existing.items()}
        params = {
            path: int(n) if isinstance(c.domain, Choice) else n for path, (c, n) in existing.items()
        }
        trial = optuna.trial.create_trial(params=params, distributions=distributions, value=loss)
        self._study.add_trial(trial)

    def _distribution(self, c):
        from optuna import distributions

        domain = c.domain
        if isinstance(domain, Choice):
            return distributions.CategoricalDistribution(tuple(range(len(domain.options))))
        if domain.type == "randint":
            return distributions.IntDistribution(domain.low, domain.high - 1)
        low, high, *step = domain.arguments
        if domain.type == "quniform":
            return distributions.FloatDistribution(low, high, step=step[0])
        return distributions.FloatDistribution(low, high, log="log" in domain.type)

    def tell(self, values, loss):
        if loss is None:
            self._study.tell(self._trial, state=self._failed)
        else:
            self._study.tell(self._trial, loss)


class SMAC:
    """SMAC's hyperparameter facade, a random forest, with its defaults."""

    def __init__(self, name, problem, seed, trials):
        import logging

        import ConfigSpace
        from smac import HyperparameterOptimizationFacade, Scenario

        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
        self._coordinates = Coordinates(problem.space)
        space = ConfigSpace.ConfigurationSpace(seed=seed)
        nodes = {c.number: self._node(ConfigSpace, c) for c in self._coordinates}
        space.add(*nodes.values())
        for c in self._coordinates:
            if c.parent is not None:
                space.add(ConfigSpace.EqualsCondition(nodes[c.number], nodes[c.parent], c.option))
        self._folder = tempfile.mkdtemp()
        scenario = Scenario(
            space, deterministic=True, n_trials=trials, seed=seed, output_directory=self._folder
        )
        self._smac = HyperparameterOptimizationFacade(
            scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=False
        )

    def _node(self, config, c):
        name, domain = f"c{c.number}", c.domain
        if isinstance(domain, Choice):
            return config.CategoricalHyperparameter(name, list(range(len(domain.options))))
        if domain.type == "randint":
            return config.UniformIntegerHyperparameter(name, domain.low, domain.high - 1)
        low, high, *step = domain.arguments
        if domain.type == "quniform":
            count = round((high - low) / step[0])
            return config.UniformIntegerHyperparameter(name, 0, count)
        return config.UniformFloatHyperparameter(name, low, high, log="log" in domain.type)

    def ask(self):
        self._info = self._smac.ask()
        levels = {}
        for c in self._coordinates:
            level = self._info.config.get(f"c{c.number}")
            if level is None:
                level = 0 if isinstance(c.domain, Choice) else c.domain.arguments[0]
            elif c.domain.type == "quniform":
                low, _, step = c.domain.arguments
                level = low + level * step
            levels[c.number] = level
        return self._coordinates.values(levels)

    def tell(self, values, loss):
        from smac.runhistory.dataclasses import TrialValue
        from smac.runhistory.enumerations import StatusType

        failed = TrialValue(cost=1e6, status=StatusType.CRASHED)
        self._smac.tell(self._info, failed if loss is None else TrialValue(cost=loss))

    def close(self):
        shutil.rmtree(self._folder, ignore_errors=True)


PEERS = {
    "hyperopt-tpe": Hyperopt,
    "optuna-tpe": Optuna,
    "optuna-gp": Optuna,
    "optuna-cmaes": Optuna,
    "smac": SMAC,
    "nni-tpe": NNI,
}


def tuner(name, problem, seed, trials):
    """The peer with that name, else our tuner."""
    return PEERS.get(name, Ours)(name, problem, seed, trials)
