"""Shared by the compiler's tests: run a source as a trial does, with the trial's own `nni`."""

import json
from dataclasses import dataclass

import pytest

from annotate.instrument import expand


@dataclass
class Ran:
    """The outcome of a run: its globals, the values recorded as written, and its reports."""

    names: dict
    written: dict
    reports: list

    @property
    def out(self):
        return self.names.get("out")


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """`ran(source, values)`: expand a source, module `m`, and run it with a trial's values."""
    import nni

    folder = tmp_path / "trial"
    folder.mkdir()
    monkeypatch.setenv("NNI_SYS_DIR", str(folder))

    def run(source, values=None):
        data = source if isinstance(source, bytes) else source.encode()
        code = expand(data, path="m.py", module="m").code
        metrics = folder / "metrics.jsonl"
        metrics.unlink(missing_ok=True)
        monkeypatch.setattr(nni, "_values", values or {})
        monkeypatch.setattr(nni, "_recorded", set())
        names = {"__name__": "m"}
        exec(compile(code, "m.py", "exec", dont_inherit=True), names)
        lines = metrics.read_text().splitlines() if metrics.exists() else []
        events = [json.loads(line) for line in lines]
        written = {e["key"]: e["value"] for e in events if e["type"] == "written"}
        reports = [(e["type"], e["value"]) for e in events if e["type"] != "written"]
        return Ran(names, written, reports)

    return run
