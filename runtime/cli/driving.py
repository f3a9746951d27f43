"""Driving an experiment in the foreground: progress while it runs, what came of it at the end."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from annotate.errors import AnnotateError
from annotate.space import SearchSpace
from runtime.cli.progress import LinesProgress, LiveProgress, Progress
from runtime.cli.summary import summary
from runtime.core.config import Config
from runtime.core.paths import ExperimentFolder
from runtime.driver.background import lock
from runtime.executors.local.executor import LocalExecutor
from runtime.gpus.opening import open_gpus
from runtime.kept.documents import experiment_document
from runtime.loop import algorithms
from runtime.loop.change_space import Change, mend
from runtime.loop.experiment import Experiment
from runtime.loop.gate import gate
from runtime.loop.job import warm
from runtime.store import Store
from runtime.system import filesystem

_LATE = 3.0  # seconds


def drive(
    config: Config,
    space: SearchSpace,
    find: Callable[[], ExperimentFolder],
    notes: Sequence[str] = (),
    *,
    as_json: bool,
    change: Change | None = None,
    detached: int | None = None,
    debug: bool = False,
) -> int:
    """Run the experiment to its end and return the exit code.

    The tuner is made first, so that one which can't take the space says so before anything is
    written; then `find` makes the experiment's folder, or names it. `notes` are said at the
    beginning, and so is what `change` does. A driver that is `detached` lives on when a terminal
    is closed, and has the lock by that file's number; `debug` has every step in the log.
    """
    environment = dict(os.environ)
    _leave_the_cores_to_the_trials()
    tuner = algorithms.tuner_of(config, space)
    assessor = algorithms.assessor_of(config, tuner)
    with _said_if_late("NVIDIA's driver has not answered yet"):
        gpus = open_gpus(config, environment)
    folder = find()
    notes = [*notes, *filter(None, [filesystem.warning(folder.path)])]
    with (
        _resumable(folder),
        lock(folder, detached),
        Store.open(folder.store, write=True) as store,
    ):
        _log_to(folder, debug=debug)
        mend(folder)
        notes += [] if change is None else change.make(store)
        progress = _progress(config, space, folder, as_json=as_json)
        experiment = Experiment(
            folder,
            store,
            lambda post: LocalExecutor(post, warm(config, folder, environment), str(folder.stage)),
            lambda trials, post: gate(gpus, config, folder.id, trials, progress.note, post),
            tuner,
            progress,
            environment=environment,
            assessor=assessor,
        )
        progress.recall(experiment.trials.values())
        try:
            with progress, _Signals(experiment, detached=detached is not None):
                for note in notes:
                    progress.note(note)
                experiment.run()
        except AnnotateError:
            logging.exception("the experiment ended by a mistake")
            print(f"What ran is kept. Go on with: annotate resume {folder.id}", file=sys.stderr)
            raise
        except Exception:
            logging.exception("the driver broke")
            raise
        if as_json:
            print(json.dumps(experiment_document(store), indent=2))
        else:
            print(summary(experiment))
    if experiment.state == "STOPPED":
        _say_how_it_goes_on(folder)
        return 130
    return 0 if experiment.best is not None else 1


@contextmanager
def _said_if_late(text: str) -> Iterator[None]:
    timer = threading.Timer(_LATE, print, [text], {"file": sys.stderr, "flush": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _resumable(folder: ExperimentFolder) -> Iterator[None]:
    """Where somebody interrupts it before it has begun."""
    try:
        yield
    except KeyboardInterrupt:
        _say_how_it_goes_on(folder)
        raise


def _say_how_it_goes_on(folder: ExperimentFolder) -> None:
    print(f"Interrupted. Go on with: annotate resume {folder.id}", file=sys.stderr)


def _leave_the_cores_to_the_trials() -> None:
    """Have the algorithms compute in one thread: many that wait for each other's cores take a
    multiple of its time. To be called before numpy is imported; the trials have what they had."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _progress(
    config: Config, space: SearchSpace, folder: ExperimentFolder, *, as_json: bool
) -> Progress:
    kind = LiveProgress if sys.stderr.isatty() and not as_json else LinesProgress
    return kind(config, space, folder)


def _log_to(folder: ExperimentFolder, *, debug: bool) -> None:
    logging.basicConfig(
        filename=folder.log,
        level=logging.DEBUG if debug else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        force=True,
    )


class _Signals:
    """Once: end what runs, to be run again later. Twice: at once."""

    _NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self, experiment: Experiment, *, detached: bool) -> None:
        self._experiment = experiment
        self._detached = detached
        self._seen = 0

    def __enter__(self) -> None:
        self._before = {number: signal.signal(number, self._on) for number in self._NUMBERS}
        if self._detached:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on(self, number: int, frame: FrameType | None) -> None:
        self._seen += 1
        self._experiment.interrupt(at_once=self._seen > 1)
