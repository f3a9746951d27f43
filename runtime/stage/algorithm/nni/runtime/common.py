"""`nni.runtime.common`: what NNI's own algorithms import from there."""

from __future__ import annotations


def multi_phase_enabled() -> bool:
    """Whether a trial asks for parameters more than once, which NNI gave up."""
    return False


def multi_thread_enabled() -> bool:
    """Whether a tuner is called from several threads: it never is."""
    return False
