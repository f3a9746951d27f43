"""The messages that an experiment's loop handles, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from runtime.core.requests import Request
from runtime.executors.base import Event, NewView
from runtime.loop import assessment, tuner_thread


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop the experiment: end the running trials, which rerun when it resumes."""

    at_once: bool = False


Message: TypeAlias = (
    Event | tuner_thread.Message | assessment.Message | Interrupt | Request | NewView
)
