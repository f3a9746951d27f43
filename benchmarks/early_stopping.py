"""Measure what early stopping saves: epochs until 99 % of the best result found without it.

    python benchmarks/early_stopping.py [--models mlp cnn] [--seeds 3] [--trials 30] [--epochs 27]

Two networks are trained on scikit-learn's 1,797 digits with SGD: one with a hidden layer, and a
small convolutional one. A curve is the accuracy after each epoch on the third of the images that is
held out. First, `--trials` random configurations are trained to the end. Then each assessor watches
the same configurations and further ones, and each algorithm with budgets proposes its own, until
the same number of epochs is spent. A configuration that returns with a larger budget is trained
from scratch, and those epochs count.

Prints a row for each method with means over the seeds: the epochs until a trial first reported 99 %
of the best final accuracy of the full runs (in brackets, the number of seeds that reached it, if
not all did), the trials started, and the best accuracy reported. Trials run one at a time. No
configuration is trained further than needed, so a run takes minutes, not seconds.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import tuners
from annotate.space import SearchSpace
from tuners import Exhausted, Verdict

SPACE = SearchSpace.from_json(
    {
        "lr": {"_type": "loguniform", "_value": [1e-4, 1]},
        "momentum": {"_type": "uniform", "_value": [0, 0.99]},
        "decay": {"_type": "loguniform", "_value": [1e-6, 1e-1]},
        "batch": {"_type": "choice", "_value": [32, 64, 128, 256]},
        "width": {"_type": "choice", "_value": [8, 16, 32, 64]},
        "dropout": {"_type": "uniform", "_value": [0, 0.7]},
    }
)


def mlp(width, dropout):
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 2 * width),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(2 * width, 10),
    )


def cnn(width, dropout):
    return nn.Sequential(
        nn.Conv2d(1, width // 2, 3),
        nn.ReLU(),
        nn.Conv2d(width // 2, width, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(4 * width, 10),
    )


MODELS = {"mlp": mlp, "cnn": cnn}


class Training:
    """Real learning curves; each configuration is trained once, and only as far as needed."""

    def __init__(self, model, seed):
        images, labels = load_digits(return_X_y=True)
        split = train_test_split(
            images / 16, labels, test_size=1 / 3, stratify=labels, random_state=seed
        )
        xs = [torch.tensor(x, dtype=torch.float32).reshape(-1, 1, 8, 8) for x in split[:2]]
        ys = [torch.tensor(y) for y in split[2:]]
        self._train, self._test = (xs[0], ys[0]), (xs[1], ys[1])
        self._model, self._seed = model, seed
        self._known = {}

    def accuracy(self, values, epoch):
        """The accuracy after epoch `epoch`, counted from 1."""
        key = json.dumps({name: values[name] for name in SPACE.names}, sort_keys=True)
        curve, epochs = self._known.setdefault(key, ([], self._epochs(values)))
        while len(curve) < epoch:
            curve.append(next(epochs))
        return curve[epoch - 1]

    def _epochs(self, values) -> Iterator[float]:
        torch.manual_seed(self._seed)
        network = MODELS[self._model](values["width"], values["dropout"])
        descent = torch.optim.SGD(
            network.parameters(), values["lr"], values["momentum"], weight_decay=values["decay"]
        )
        order = torch.Generator().manual_seed(self._seed)
        x, y = self._train
        while True:
            network.train()
            for part in torch.randperm(len(x), generator=order).split(values["batch"]):
                descent.zero_grad()
                nn.functional.cross_entropy(network(x[part]), y[part]).backward()
                descent.step()
            network.eval()
            with torch.no_grad():
                right = network(self._test[0]).argmax(1) == self._test[1]
            yield right.float().mean().item()


class Outcome:
    """The accuracies in the order in which they were reported, one for each epoch spent."""

    def __init__(self):
        self.reported = []
        self.finals = []
        self.trials = 0

    def epochs_to(self, target):
        return next((n for n, a in enumerate(self.reported, 1) if a >= target), None)


def tune(training, tuner, assessor, epochs, spend):
    """Run trials of at most `epochs` until `spend` epochs are spent."""
    outcome = Outcome()
    number = 0
    while len(outcome.reported) < spend:
        try:
            values = tuner.ask()
        except Exhausted:
            break
        curve, stopped = [], False
        if assessor is not None:
            assessor.started(number, values)
        while len(curve) < epochs and not stopped:
            curve.append(training.accuracy(values, len(curve) + 1))
            outcome.reported.append(curve[-1])
            stopped = assessor is not None and assessor.judge(number, curve) is Verdict.STOP
        if assessor is not None:
            assessor.finished(number, curve, ok=not stopped)
        tuner.tell(values, curve[-1])
        outcome.finals += [] if stopped else [curve[-1]]
        number += 1
    outcome.trials = number
    return outcome


def compare(model, seed, trials, epochs):
    """From each method to (epochs to the target, trials started, best accuracy)."""
    spend = trials * epochs
    training = Training(model, seed)

    def create(name, **args):
        return tuners.create(name, SPACE, seed=seed, maximize=True, **args)

    full = tune(training, create("random"), None, epochs, spend)
    outcomes = {"to the end": full}
    assessors = {"medianstop": {}, "curvefitting": {"epoch_num": epochs}, "asha": {}}
    for name, args in assessors.items():
        assessor = tuners.create_assessor(name, maximize=True, **args)
        outcomes[name] = tune(training, create("random"), assessor, epochs, spend)
    budgets = {"hyperband": {"R": epochs}, "bohb": {"max_budget": epochs}, "asha": {"R": epochs}}
    for name, args in budgets.items():
        tuner = create(name, **args)
        outcomes[f"{name} (tuner)"] = tune(training, tuner, tuner.assessor, epochs, spend)
    target = 0.99 * max(full.finals)
    return {name: (o.epochs_to(target), o.trials, max(o.reported)) for name, o in outcomes.items()}


def row(name, results):
    """A row of the table: means over the seeds."""
    reached = [to for to, _, _ in results if to is not None]
    mean = f"{statistics.mean(reached):.0f}" if reached else "-"
    if len(reached) < len(results):
        mean += f" [{len(reached)} of {len(results)}]"
    begun, best = (statistics.mean(r[n] for r in results) for n in (1, 2))
    return f"| {name} | {mean} | {begun:.0f} | {best:.4f} |"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=27)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for model in args.models:
        runs = []
        for seed in range(args.seeds):
            runs.append(compare(model, seed, args.trials, args.epochs))
            print(f"{model}: seed {seed} is done", file=sys.stderr)
        print(f"\n{model}\n| | epochs to 99 % | trials | best accuracy |")
        print("| --- | --- | --- | --- |")
        for name in runs[0]:
            print(row(name, [run[name] for run in runs]), flush=True)


if __name__ == "__main__":
    main()
