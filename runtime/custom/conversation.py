"""The driver's side of the conversation with a custom algorithm's process."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from math import inf
from typing import NamedTuple

from annotate.errors import SpaceError
from annotate.json_value import JSON
from runtime.core.config import Config
from runtime.custom.errors import CustomError
from runtime.custom.process import AlgorithmProcess
from runtime.system.home_folder import expanded
from runtime.system.units import duration
from tuners.base import Exhausted

_PATIENCE = 30.0  # seconds until the user is told of a slow call; doubles after each message
_LOADING_PATIENCE = 5.0  # seconds; less, because nothing else happens meanwhile


class _Limit(NamedTuple):
    """When a call must have ended, in monotonic seconds, and the option that says so."""

    time: float
    option: str

    @classmethod
    def after(cls, began: float, seconds: float, flag: str) -> _Limit:
        return cls(began + seconds, f"{flag} {duration(seconds)}" if seconds < inf else flag)


_NO_LIMIT = _Limit(inf, "")


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Conversation:
    """Loads the class `file:name` in its own process, and calls its methods there.

    `kind` is `tuner` or `assessor`; `options` are what its constructor needs besides `config`.
    `config.ask_timeout` limits each call and loading the class. With `began`, in monotonic seconds,
    loading also ends `config.max_duration` after it; without, the caller limits it. `note` is as in
    `follow`; without it, stderr gets slow calls, and the output of a class that cannot be loaded.
    `call` may be used from several threads; calls wait for each other. Raises CustomError, with the
    user's file and line, if the class is missing, broken or too slow.
    """

    def __init__(
        self,
        config: Config,
        kind: str,
        reference: str,
        options: dict[str, JSON],
        *,
        began: float | None = None,
        note: Callable[[str], None] | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        path, _, self._name = reference.rpartition(":")
        self.file = expanded(path).absolute()
        if not self.file.is_file():
            raise CustomError(f"{self.file} does not exist", hint="write path/to/file.py:Class")
        self._end = _NO_LIMIT
        if began is not None and config.max_duration is not None:
            self._end = _Limit.after(began, config.max_duration, "--max-duration")
        self._timeout = inf  # seconds per call; Python itself may start slowly
        self._patience = _LOADING_PATIENCE
        self._note: Callable[[str], None] = _print
        self._methods: dict[str, list[JSON]] = {}
        self._data = b""
        self._lock = threading.Lock()
        self._ready = self._loaded = self._closed = False
        self._process = AlgorithmProcess(config.python, config.cwd, self._name)
        if note is not None:
            self.follow(note)
        try:
            self._receive("start")
            self._ready = True
            self._timeout = config.ask_timeout or inf
            context = {"seed": config.seed, "maximize": config.maximize}
            description = self.call(
                kind, file=str(self.file), name=self._name, **context, **options
            )
        except BaseException:
            self.close()
            for line in self._process.output.take():
                self._note(f"{self._name}: {line}")
            raise
        self.judges: bool = description["judges"]
        self._methods = description["methods"]
        self._loaded = True
        self._patience = patience
        self._end = _NO_LIMIT  # from now on, the experiment ends the call

    def follow(self, note: Callable[[str], None]) -> None:
        """From now on, report slow calls to `note` and log what the algorithm prints."""
        self._note = note
        self._process.output.log()

    def call(self, method: str, **arguments: JSON) -> JSON:
        """Call a method and return its result; raises Exhausted, SpaceError or CustomError."""
        request = json.dumps({"do": method, **arguments}).encode() + b"\n"
        with self._lock:
            if self._closed:
                raise CustomError(f"{self.file}: {self._name} is closed")
            try:
                self._process.channel.settimeout(None)
                self._process.channel.sendall(request)
            except OSError:
                raise self._ended(method) from None
            answer = self._receive(method)
        if "exhausted" in answer:
            raise Exhausted(answer["exhausted"])
        if "error" in answer:
            kind, message, hint = answer["error"]
            raise (SpaceError if kind == "space" else CustomError)(message, hint=hint)
        return answer.get("result")

    def _receive(self, method: str) -> dict[str, JSON]:
        began, next_note = time.monotonic(), self._patience
        limit = min(self._end, _Limit.after(began, self._timeout, "--ask-timeout"))
        while b"\n" not in self._data:
            now = time.monotonic()
            if now >= limit.time:
                raise self._too_long(method, limit)
            if now >= began + next_note:
                doing = "waiting for" if self._loaded else "loading"
                where = f"{self._callee(method)} ({self._where_it_is(method)})"
                self._note(f"still {doing} {where}, {duration(next_note)} so far")
                next_note *= 2
            self._data += self._read(min(limit.time, began + next_note) - now, method)
        line, _, self._data = self._data.partition(b"\n")
        answer: dict[str, JSON] = json.loads(line)
        return answer

    def _read(self, timeout: float, method: str) -> bytes:
        channel = self._process.channel
        try:
            channel.settimeout(max(timeout, 0.001))
            data = channel.recv(1 << 16)
        except TimeoutError:
            return b""
        except OSError:
            data = b""
        if not data:
            raise self._ended(method)
        return data

    def _too_long(self, method: str, limit: _Limit) -> CustomError:
        where = self._where_it_is(method)
        self._process.kill()
        did = "return" if self._loaded else "load"
        return CustomError(f"{where}: {self._callee(method)} did not {did} within {limit.option}")

    def _ended(self, method: str) -> CustomError:
        where = self._process.where_it_ended(self.file.parent) or self._place(method)
        ending = self._process.how_it_ended()
        return CustomError(f"{where}: the process ended in {self._callee(method)}: {ending}")

    def _callee(self, method: str) -> str:
        own, _ = self._methods.get(method, ("", 0))
        return f"{self._name}.{own}" if own else self._name

    def _where_it_is(self, method: str) -> str:
        where = self._process.where_it_is(self.file.parent) if self._ready else None
        return where or self._place(method)

    def _place(self, method: str) -> str:
        """Where the method is defined in the user's file."""
        _, line = self._methods.get(method, ("", 1))
        return f"{self.file}:{line}"

    def close(self) -> None:
        """End the process; a call in progress raises CustomError."""
        self._process.close()
        with self._lock:
            self._closed = True
            self._process.release()
