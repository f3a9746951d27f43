"""What `import nni` finds in a user's own tuner: NNI's base classes and helpers, of our making."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

#: From NNI's module to ours.
_MODULES = {
    "nni.tuner": "runtime.custom.sdk.tuner",
    "nni.assessor": "runtime.custom.sdk.assessor",
    "nni.recoverable": "runtime.custom.sdk.recoverable",
    "nni.utils": "runtime.custom.sdk.utils",
    "nni.parameter_expressions": "runtime.custom.sdk.parameter_expressions",
    "nni.runtime.protocol": "runtime.custom.sdk.protocol",
    "nni.runtime.tuner_command_channel": "runtime.custom.sdk.protocol",
    "nni.runtime.msg_dispatcher_base": "runtime.custom.sdk.msg_dispatcher_base",
    "nni.runtime.common": "runtime.custom.sdk.common",
}


def install() -> None:
    """Let `import nni` and its submodules mean ours from now on in this process.

    The trial's module `nni` is another one: it is never imported here.
    """
    if getattr(sys.modules.get("nni"), "_is_facade", False):
        return
    sdk = import_module("runtime.custom.sdk")
    nni = _package("nni", _is_facade=True)
    for name in ("NoMoreTrialError", "ClassArgsValidator"):
        setattr(nni, name, getattr(sdk, name))
    nni.runtime = _package("nni.runtime")  # type: ignore[attr-defined]
    for name, ours in _MODULES.items():
        module = import_module(ours)
        sys.modules[name] = module
        above, _, last = name.rpartition(".")
        setattr(sys.modules[above], last, module)


def _package(name: str, **attributes: Any) -> ModuleType:
    package = ModuleType(name, "NNI's names, for tuners written for it.")
    package.__path__ = []
    vars(package).update(attributes)
    sys.modules[name] = package
    return package
