"""Loads the algorithms of an experiment that exists; it can be stopped meanwhile."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from annotate.errors import AnnotateError
from runtime.core.paths import ExperimentFolder
from runtime.core.requests import Answer, Request, Requests
from runtime.driver.start import Start
from runtime.loop import algorithms
from runtime.loop.algorithms import Algorithms
from runtime.store import Store


def load(start: Start, folder: ExperimentFolder, store: Store) -> Algorithms:
    """The algorithms of the experiment in `folder`.

    The user's own may take any time to load, so the experiment counts as running meanwhile.
    Raises AnnotateError if one cannot be loaded, and KeyboardInterrupt if a request or a signal
    stops the experiment.
    """
    if not algorithms.has_custom(start.config):
        return algorithms.load(start.config, start.space)
    with _stoppable(folder, store):
        return algorithms.load(start.config, start.space, start.began)


@contextmanager
def _stoppable(folder: ExperimentFolder, store: Store) -> Iterator[None]:
    """Let `annotate stop` raise KeyboardInterrupt in the block, as signals do.

    Stores why the block failed. Other requests wait in their file for the experiment.
    """
    stop: list[Request] = []
    main = threading.get_ident()

    def on_request(request: Request) -> None:
        if request.kind == "stop":
            stop.append(request)
            signal.pthread_kill(main, signal.SIGINT)

    store.set_state("RUNNING", None, None)
    requests = Requests(folder.requests, on_request)
    try:
        yield
        requests.pause()
    except AnnotateError as error:
        logging.exception("The algorithms could not be loaded.")
        store.set_state("ERROR", error.message, time.time())
        requests.close()
        raise
    except KeyboardInterrupt:
        for request in stop:
            requests.answer(request, Answer(True, "stopping"))
        reason = "stopped by a request" if stop else "interrupted"
        store.set_state("STOPPED", reason, time.time())
        requests.close()
        raise
