"""NNI's `machineList`: the machines that SSH reaches, and how to log in there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from annotate.errors import AnnotateError, Mistake
from annotate.json_value import JSON
from runtime.core.config import OPTIONS
from runtime.core.host import Host, Login, parse_hosts
from runtime.nni_config import ray_cluster
from runtime.nni_config.checking import value_at
from runtime.nni_config.document import Document, Field, load
from runtime.nni_config.fields import GPU_FIELDS, MACHINES, PLATFORM, PLATFORMS
from runtime.system.home_folder import expanded


def executor(data: Mapping[str, Any]) -> str | None:
    """The executor that the file's platform means, or None if it names none of ours."""
    names = (value_at(data, name) for name in PLATFORM)
    return next((PLATFORMS.get(str(name)) for name in names if name is not None), None)


def mistakes(document: Document) -> Iterator[Mistake]:
    """What is wrong in a machineList whose fields have the right types, and in its platform."""
    field, entries = _list(document.data)
    platform = next(name for name in (*PLATFORM, "") if value_at(document.data, name) or not name)
    is_remote = executor(document.data) == "ssh"
    if is_remote and not entries:
        hint = "write machineList:, and below it - ip: HOST for each machine"
        yield _mistake(document, tuple(platform.split(".")), "no machine is named", hint)
    elif entries and not is_remote:
        message = f"{'.'.join(map(str, field))} has no effect without the platform remote"
        hint = "write trainingServicePlatform: remote, or remove it"
        yield _mistake(document, field, message, hint)
    yield from _wrong_entries(document, field, entries)
    yield from ray_cluster.mistakes(document, executor(document.data))


def _wrong_entries(document: Document, field: Field, entries: list[Any]) -> Iterator[Mistake]:
    names = set()
    for number, entry in enumerate(entries):
        place = (*field, number)
        address = _first(entry, "ip", "host")
        if address is None:
            hint = "write ip: HOST"
            yield _mistake(document, place, f"machine {number + 1} has no ip", hint)
            continue
        try:
            host = _host(entry)
            (named,) = parse_hosts(host.name)
        except (AnnotateError, ValueError):
            yield _mistake(document, place, f"{address!r} is not a host with user and port")
            continue
        if named.name in names:
            yield _mistake(document, place, f"{host.name} is named twice")
        names.add(named.name)


def settings(document: Document) -> dict[str, Any]:
    """The settings of Config that the file's platform and machines give."""
    kind = executor(document.data)
    if kind == "ray":
        return {"executor": kind, **ray_cluster.settings(document)}
    if kind != "ssh":
        return {} if kind is None else {"executor": kind}
    _, entries = _list(document.data)
    hosts = [_host(entry) for entry in entries]
    folder = Path(os.path.abspath(document.path)).parent  # noqa: PTH100  links stay links
    found: dict[str, Any] = {"executor": kind, "hosts": ",".join(host.name for host in hosts)}
    details = {
        host.name: _details(entry, folder) for host, entry in zip(hosts, entries, strict=True)
    }
    found["machines"] = {name: about for name, about in details.items() if about}
    if any(login != Login() for login in _logins(entries).values()):
        found["logins_file"] = os.path.abspath(document.path)  # noqa: PTH100
    return found


def logins(path: Path) -> dict[str, Login]:
    """The secrets in the file's machineList, by the name of the host. Raises AnnotateError."""
    entries = _list(load(path).data)[1]
    return _logins([entry for entry in entries if isinstance(entry, dict)])


def _logins(entries: list[Any]) -> dict[str, Login]:
    return {
        _host(entry).name: Login(
            _first(entry, "passphrase", "sshPassphrase"), _first(entry, "passwd", "password")
        )
        for entry in entries
    }


def _details(entry: Mapping[str, Any], folder: Path) -> dict[str, JSON]:
    """What the name of a host does not say: by field of Host or of Config."""
    key = _first(entry, "sshKeyPath", "sshKeyFile")
    about = {
        "key": key and os.path.normpath(folder / expanded(key)),
        "folder": _first(entry, "pythonPath"),
        "before": _first(entry, "preCommand"),
    }
    return {**{name: value for name, value in about.items() if value}, **_gpu_settings(entry)}


def _gpu_settings(entry: Mapping[str, Any]) -> dict[str, JSON]:
    """The settings of the machine's GPUs, by field of Config."""
    return {
        setting: OPTIONS[setting].load(entry[name], name)
        for setting, names in GPU_FIELDS.items()
        for name in names
        if entry.get(name) is not None
    }


def _host(entry: Mapping[str, Any]) -> Host:
    port = _first(entry, "port")
    return Host(
        _first(entry, "ip", "host") or "",
        _first(entry, "username", "user"),
        None if port is None else int(port),
    )


def _first(entry: Mapping[str, Any], *names: str) -> str | None:
    value = next((entry[name] for name in names if entry.get(name) is not None), None)
    return None if value is None else str(value)


def _list(data: Mapping[str, Any]) -> tuple[Field, list[Any]]:
    for name in MACHINES:
        if value := value_at(data, name):
            return tuple(name.split(".")), value if isinstance(value, list) else []
    return ("machineList",), []


def _mistake(document: Document, field: Field, message: str, hint: str = "") -> Mistake:
    return document.mistake(field, message, hint, code="C401")
