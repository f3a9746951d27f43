"""`nni.dump` and `nni.load`: objects as JSON text."""

from __future__ import annotations

import json
from typing import Any

from nni import plain


def dump(obj: Any, fp: Any = None, **options: Any) -> str:
    """`obj` as JSON text, which is also written to the file `fp`.

    `options` are those of `json.dumps`; NNI's own are ignored.
    """
    for name in ("use_trace", "pickle_size_limit", "allow_nan", "primitives"):
        options.pop(name, None)
    options.setdefault("default", plain)
    text = json.dumps(obj, **options)
    if fp is not None:
        fp.write(text)
    return text


def load(string: str | None = None, *, fp: Any = None, **options: Any) -> Any:
    """The object of JSON text, or of the file `fp`."""
    for name in ("preserve_order", "ignore_comments"):
        options.pop(name, None)
    if string is None:
        string = fp.read()
    return json.loads(string, **options)
