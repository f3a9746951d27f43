"""Passwords and passphrases: from a config file, from the user at a terminal, never stored."""

from __future__ import annotations

import json
import os
import select
import sys
import termios
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import terminal
from runtime.core.config import Config
from runtime.core.host import Host, Login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.driver.start import Start

_PATIENCE = 60.0  # seconds for the user to answer


def with_logins(start: Start) -> Start:
    """`start` with the secrets of its config file; those that it has already win."""
    return replace(start, logins={**known(start.config), **start.logins})


def known(config: Config) -> Mapping[str, Login]:
    """The secrets in the experiment's config file, by name of the host. Says so if it is gone."""
    if not config.logins_file:
        return {}
    from runtime import nni_config

    try:
        return nni_config.logins(Path(config.logins_file))
    except AnnotateError as error:
        terminal.say(f"The passwords of the machines are unknown: {error.message}")
        return {}


def of(hosts: Iterable[Host]) -> bytes:
    """The secrets of hosts for the standard input of a background driver; b"" for none."""
    logins = {host.name: asdict(host.login) for host in hosts if host.login != Login()}
    return json.dumps(logins).encode() if logins else b""


def read() -> dict[str, Login]:
    """The secrets on standard input, as made by `of`."""
    return {name: Login(**login) for name, login in json.load(sys.stdin).items()}


def asker() -> Callable[[str], str] | None:
    """Asks for a secret on the terminal; None if there is none."""
    return _ask if sys.stdin.isatty() and sys.stderr.isatty() else None


def _ask(prompt: str) -> str:
    """The user's answer, which is not shown; "" if there is none in time."""
    with _without_echo(sys.stdin.fileno()) as descriptor:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        text, until = b"", time.monotonic() + _PATIENCE
        while not text.endswith(b"\n") and (left := until - time.monotonic()) > 0:
            if select.select([descriptor], [], [], left)[0]:
                data = os.read(descriptor, 4096)
                text += data
                if not data:
                    break
    sys.stderr.write("\n")
    return os.fsdecode(text.rstrip(b"\r\n")) if text.endswith(b"\n") else ""


@contextmanager
def _without_echo(descriptor: int) -> Iterator[int]:
    before = termios.tcgetattr(descriptor)
    silent = termios.tcgetattr(descriptor)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, silent)
    try:
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
