"""What users ask Ray for: `auto,cpus=2,gpus=0.5`, or `ray://head:10001,slots=4`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from annotate.errors import AnnotateError
from runtime.system.units import size_in_bytes

LOCAL, AUTO = "local", "auto"
_NAMES = {
    **dict.fromkeys(("cpu", "cpus", "num_cpus"), "CPU"),
    **dict.fromkeys(("gpu", "gpus", "num_gpus"), "GPU"),
}
_ADDRESS = re.compile(r"(ray://)?(\[[0-9A-Fa-f:.%]+\]|[^\s:/@]+):(\d{1,5})")
_EXAMPLE = "write, for example, auto,cpus=2,gpus=1 or 10.0.0.1:6379"


@dataclass(frozen=True, slots=True)
class RayRequest:
    """A cluster, and what each trial needs of it.

    `address` is that of the cluster; LOCAL starts one, AUTO finds the one of this machine. `needs`
    are amounts by Ray's name of the resource; memory is bytes. `slots` is how many trials run on a
    node at a time, None for as many as fit.
    """

    address: str = AUTO
    needs: Mapping[str, float] = field(default_factory=lambda: {"CPU": 1.0})
    slots: int | None = None

    @property
    def cpus(self) -> float:
        return self.needs.get("CPU", 0.0)

    @property
    def gpus(self) -> float:
        return self.needs.get("GPU", 0.0)

    @property
    def shown(self) -> str:
        """What a trial needs, for users."""
        return ", ".join(f"{n:g} {name}" for name, n in self.needs.items() if n) or "nothing"


def parse_request(text: str, gpus: int | None = None) -> RayRequest:
    """Parse an address and `name=amount` with commas between them; raises AnnotateError.

    `gpus` is what a trial needs if the text does not say it.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    address = words.pop(0) if words and "=" not in words[0] else AUTO
    values = dict(_parse(word) for word in words)
    slots = values.pop("slots", None)
    needs = {"CPU": 1.0, **({"GPU": float(gpus)} if gpus else {})}
    needs.update((name, _amount(name, value)) for name, value in values.items())
    if needs.get("GPU", 0.0) > 1 and needs["GPU"] % 1:
        raise AnnotateError(
            f"--ray: gpus={needs['GPU']:g}: Ray shares no GPU beyond the first",
            hint="write a whole number, or a part of one GPU such as gpus=0.5",
        )
    return RayRequest(_address(address), needs, None if slots is None else _slots(slots))


def request_text(address: str, needs: Mapping[str, object]) -> str:
    """The text that `parse_request` reads."""
    return ",".join([address, *(f"{name}={amount}" for name, amount in needs.items())])


def _parse(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name.strip():
        raise AnnotateError(f"--ray: {word!r} is not name=amount", hint=_EXAMPLE)
    return _NAMES.get(name.strip().lower(), name.strip()), value.strip()


def _amount(name: str, text: str) -> float:
    if name == "memory" and not text.isdecimal():
        return float(size_in_bytes(text))
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise AnnotateError(f"--ray: {name}={text} is not an amount", hint=_EXAMPLE)
    return amount


def _slots(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10000:
        raise AnnotateError(f"--ray: slots={text} is not a whole number above 0", hint=_EXAMPLE)
    return int(text)


def _address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if text not in (LOCAL, AUTO) and (match is None or not 0 < int(match[3]) < 65536):
        raise AnnotateError(
            f"--ray: {text!r} is no address of a Ray cluster",
            hint="write auto, local, HOST:PORT or ray://HOST:PORT",
        )
    return text
