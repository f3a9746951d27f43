"""Builds an experiment from its parts: store, lock, executor, gate, tuner, assessor."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.core.host import Host
from runtime.core.new_settings import BEFORE_UPDATES
from runtime.core.paths import ExperimentFolder
from runtime.core.variables import trial_variables
from runtime.driver import elsewhere, loading
from runtime.driver.background import lock
from runtime.driver.elsewhere import Ask
from runtime.driver.signals import Signals
from runtime.driver.start import Start
from runtime.executors.base import Event, Executor, MakeExecutor
from runtime.executors.local.executor import LocalExecutor
from runtime.gpus.opening import Gpus, open_gpus
from runtime.loop.algorithms import Algorithms, follow, load
from runtime.loop.change_space import finish_replacing
from runtime.loop.experiment import Experiment
from runtime.loop.gate import gate
from runtime.loop.isolation import isolation_of
from runtime.loop.job import forked_script, layout
from runtime.loop.limits import Limits
from runtime.loop.watcher import Watcher
from runtime.store import Store
from runtime.system import filesystem
from runtime.system.timer import call_after

_SLOW = 3.0  # seconds


@dataclass(frozen=True, slots=True)
class Parts:
    """What is ready before anything is written.

    The algorithms of an experiment that exists are loaded once it is locked.
    """

    environment: Mapping[str, str]  # the user's, with `variables`; trials here inherit it
    variables: Mapping[str, str] = field(repr=False)  # those of --env, which may be secrets
    algorithms: Algorithms | None
    gpus: Gpus | None  # None: no trial leases any
    hosts: tuple[Host, ...]  # that trials run on; none: this machine


def prepare(start: Start, notify: Callable[[str], None], ask: Ask | None = None) -> Parts:
    """Load the algorithms and find the GPUs, so that mistakes show before anything is written.

    Calls `notify` when the GPUs' driver is slow and with what users should know about `--isolate`,
    and `ask`, if it is given, when a host wants a secret that `start` lacks.
    Raises AnnotateError, for example when the tuner does not support the search space or when there
    are too few GPUs.
    """
    variables = trial_variables(start.config.env, os.environ)
    environment = {**os.environ, **variables}
    _limit_own_threads()
    loaded = load(start.config, start.space, start.began) if start.is_new else None
    hosts = elsewhere.check(start.config, start.logins, ask)
    isolation = isolation_of(start.config)
    with call_after(_SLOW, lambda: notify("Still waiting for NVIDIA's driver.")):
        gpus = open_gpus(start.config, environment)
    if isolation is not None and isolation.note:
        notify(isolation.note)
    return Parts(environment, variables, loaded, gpus, hosts)


@contextmanager
def open_store(
    start: Start, parts: Parts, folder: ExperimentFolder
) -> Iterator[tuple[Store, Algorithms, list[str]]]:
    """The store of `folder`, locked for this driver, the algorithms, and notes for the user.

    Stores settings that `resume` changed, applies the change of the search space, and stores that
    the experiment was interrupted if a KeyboardInterrupt ends the block before it runs. Raises
    AnnotateError when another driver has the lock, and what `loading.load` raises.
    """
    with (
        lock(folder, start.lock_file),
        Store.open(folder.store, write=True) as store,
        _keep_interruption(store),
    ):
        _log_to(folder, debug=start.debug)
        finish_replacing(folder)
        loaded = parts.algorithms or loading.load(start, folder, store)
        stored = store.experiment().config
        if Config.from_json(stored) != start.config or BEFORE_UPDATES in stored:
            store.set_config(start.config.to_json())
        notes = [*start.notes, *filter(None, [filesystem.warning(folder.path)])]
        if start.change is not None:
            notes += start.change.apply(store)
        yield store, loaded, notes


@contextmanager
def _keep_interruption(store: Store) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if store.experiment().state in ("INITIALIZED", "RUNNING"):
            store.set_state("STOPPED", "interrupted", time.time())
        raise


def build(
    start: Start,
    parts: Parts,
    loaded: Algorithms,
    folder: ExperimentFolder,
    store: Store,
    watcher: Watcher,
    make_executor: MakeExecutor | None = None,
) -> Experiment:
    """The experiment, ready to run with the config's executor or another one."""
    config = start.config
    store.add_pause(time.time())
    for algorithm in (loaded.tuner, loaded.assessor):
        follow(algorithm, watcher.note)
    return Experiment(
        folder,
        store,
        make_executor or (lambda post: _executor(config, parts, folder, post, watcher.note)),
        lambda trials, executor, post: gate(
            parts.gpus, config, folder.id, trials, executor, watcher.note, post
        ),
        loaded,
        watcher,
        limits=Limits(config, start.began),
    )


def _executor(
    config: Config,
    parts: Parts,
    folder: ExperimentFolder,
    post: Callable[[Event], None],
    note: Callable[[str], None],
) -> Executor:
    script = forked_script(config, folder)
    if config.executor == "local":
        return LocalExecutor(post, layout(config, folder, parts.environment), script)
    return elsewhere.executor(config, parts.hosts, parts.variables, folder, script, post, note)


def run(experiment: Experiment, signals: Signals) -> None:
    """Run it to its end; signals stop it, and errors go to the driver's log before they raise."""
    try:
        with signals.sent_to(experiment.interrupt):
            experiment.run()
    except AnnotateError:
        logging.exception("The experiment stopped because of an error.")
        raise
    except Exception:
        logging.exception("The driver crashed.")
        raise


def _limit_own_threads() -> None:
    """Let the algorithms compute in one thread, because the trials need the cores.

    Must run before numpy is imported. The trials get the environment from before.
    """
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _log_to(folder: ExperimentFolder, *, debug: bool) -> None:
    logging.basicConfig(
        filename=folder.log,
        level=logging.DEBUG if debug else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        force=True,
    )
