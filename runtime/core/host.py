"""Hosts as users name them: `user@host:port*slots`, or an entry of NNI's `machineList`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from annotate.errors import AnnotateError
from annotate.json_value import JSON

_HOST = re.compile(
    r"(?:(?P<user>[^@\s]+)@)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^@:*\s\[\]]+)"
    r"(?::(?P<port>\d{1,5}))?(?:\*(?P<slots>\d{1,4}))?"
)


@dataclass(frozen=True, slots=True)
class Login:
    """The secrets of a host. They are in memory only, and never shown."""

    passphrase: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that SSH reaches; what is None comes from the user's SSH config.

    `slots` is how many trials it runs at a time. `python` is the interpreter there. `folder` comes
    first on the PATH there, and `before` runs in the shell before anything else. `key` is the file
    of a private key here.
    """

    address: str
    user: str | None = None
    port: int | None = None
    slots: int | None = None
    python: str = ""
    folder: str = ""
    before: str = ""
    key: str | None = None
    login: Login = Login()

    @property
    def name(self) -> str:
        """What users call it."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        login = f"{self.user}@{address}" if self.user else address
        return f"{login}:{self.port}" if self.port else login

    @property
    def ssh_words(self) -> str:
        """The arguments with which `ssh` connects to it."""
        port = f"-p {self.port} " if self.port else ""
        return port + (f"{self.user}@{self.address}" if self.user else self.address)


def parse_hosts(text: str) -> tuple[Host, ...]:
    """Parse hosts with commas between them; raises AnnotateError."""
    hosts = tuple(_parse(word.strip()) for word in text.split(",") if word.strip())
    names = [host.name for host in hosts]
    for name in names:
        if names.count(name) > 1:
            raise AnnotateError(f"{name} is named twice", hint=f"write {name}*2 for two trials")
    if not hosts:
        raise AnnotateError("no host is named", hint="write, for example, user@host or a,b:2222*2")
    return hosts


def with_details(
    hosts: tuple[Host, ...], details: Mapping[str, Mapping[str, JSON]], logins: Mapping[str, Login]
) -> tuple[Host, ...]:
    """The hosts with what a config file says about each, and with their secrets; both by name."""
    return tuple(
        replace(
            host,
            key=details.get(host.name, {}).get("key"),
            folder=details.get(host.name, {}).get("folder", ""),
            before=details.get(host.name, {}).get("before", ""),
            login=logins.get(host.name, Login()),
        )
        for host in hosts
    )


def _parse(word: str) -> Host:
    match = _HOST.fullmatch(word)
    port = int(match["port"] or 22) if match else 0
    slots = int(match["slots"] or 1) if match else 0
    if match is None or not 0 < port < 65536 or slots < 1:
        raise AnnotateError(
            f"{word!r} is not a host", hint="write user@host:port*slots; all but host may be absent"
        )
    return Host(
        match["host"].strip("[]"),
        match["user"],
        int(match["port"]) if match["port"] else None,
        int(match["slots"]) if match["slots"] else None,
    )
