"""`nni.runtime.common`: what NNI's own algorithms import from there."""

from __future__ import annotations


def multi_phase_enabled() -> bool:
    """Whether a trial may ask for parameters more than once, a feature that NNI dropped."""
    return False


def multi_thread_enabled() -> bool:
    """Whether a tuner is called from several threads. It never is."""
    return False
