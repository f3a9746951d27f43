"""Calls a function if something takes long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def call_after(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call `call`, from another thread, if the block takes longer than that."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
