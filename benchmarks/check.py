"""Measure how fast annotations are read: `python benchmarks/check.py` prints five results.

1. Lines per second when checking annotated files, compared to libcst's parse of the same files.
2. Seconds to read a project of 200,000 lines with ten annotated files, in addition to libcst's
   parse of those ten.
3. Milliseconds of `annotate check` on a small script, from start to exit.
4. Seconds to read a file with an annotation on every line, at 1,000 and 10,000 lines, for each
   kind of file. The ratio of the two is 10 if the time is linear in the length.
5. Milliseconds to read an annotated file with a deep expression, at 1,000 and 2,000 operations
   (twice the time if it is linear), and to refuse one in the annotated statement.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import libcst

from annotate import formats
from annotate.errors import Mistakes
from annotate.instrument import expand
from annotate.project import read_project

ROOT = Path(__file__).parent.parent
LINE = "\ntuned = 1  # @nni.choice(1, 2)\n"
#: A file name, the text around its lines, and a line with a number in it.
ANNOTATED_LINES = {
    "python": ("f.py", "", "", "k{} = 0.1  # @nni.uniform(0, 1)\n"),
    "notebook": ("f.ipynb", "", "", "k{} = 0.1  # @nni.uniform(0, 1)\n"),
    "YAML": ("f.yaml", "", "", "k{}: 0.1  # @nni.uniform(0, 1)\n"),
    "TOML": ("f.toml", "", "", "k{} = 0.1  # @nni.uniform(0, 1)\n"),
    "JSON": ("f.json5", "{{\n", '"end": 0}}\n', '"k{}": 0.1,  // @nni.uniform(0, 1)\n'),
}
#: A value of so many operations.
DEEP = {
    "a sum": lambda count: "1" + " + 1" * count,
    "calls of attributes": lambda count: "a" + ".b()" * (count // 2),
    "subscripts": lambda count: "a" + "[0]" * count,
}
SCRIPT = "lr = 0.1  # @nni.loguniform(1e-5, 1)\n# @nni.report_final_result(lr)\n"


def main() -> None:
    files = _library(200_000)
    annotated = [text + LINE for text in files[:60]]
    lines = sum(text.count("\n") for text in annotated)
    parse, check = _seconds(lambda: _parse(annotated)), _seconds(lambda: _check(annotated))
    print(f"check: {lines / check:,.0f} lines/s on {lines:,} lines in {len(annotated)} files")
    print(f"libcst's bare parse: {lines / parse:,.0f} lines/s; check takes {check / parse:.2f} x")
    _project(files)
    print(f"annotate check, start to end: {_start_to_end():.0f} ms (median of 9)")
    for kind in ANNOTATED_LINES:
        short, long = _read_lines(kind, 1_000), _read_lines(kind, 10_000)
        times = f"{short:.2f} s for 1,000 annotated lines, {long:.2f} s for 10,000"
        print(f"{kind}: {times} ({long / short:.1f} x)")
    for shape, text in DEEP.items():
        short, long = (_read_deep(f"x = {text(count)}{LINE}") for count in (1_000, 2_000))
        refused = _read_deep(f"x = {text(2_000)}  # @nni.choice(1, 2)")
        print(f"{shape}: {short:.0f} ms for 1,000 operations, {long:.0f} for 2,000", end="; ")
        print(f"{refused:.0f} ms to refuse 2,000 in an annotated statement")


def _library(lines: int) -> list[str]:
    """Files of the standard library with at least `lines` lines in total."""
    texts: list[str] = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if lines > 0 and "lib2to3/tests" not in path.as_posix() and "bad" not in path.name:
            try:
                text = path.read_text(encoding="utf-8")
                libcst.parse_module(text) if len(texts) < 60 else compile(text, "x", "exec")
            except (ValueError, SyntaxError, RecursionError, libcst.ParserSyntaxError):
                continue
            texts.append(text)
            lines -= text.count("\n")
    return texts


def _parse(texts: list[str]) -> None:
    for text in texts:
        libcst.parse_module(text)


def _check(texts: list[str]) -> None:
    for text in texts:
        expand(text.encode(), path="m.py", module="m")


def _seconds(work: Callable[[], None]) -> float:
    """CPU seconds of `work` in this process; the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def _project(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        step = len(texts) // 10
        chosen = range(0, step * 10, step)
        for number, text in enumerate(texts):
            tail = LINE if number in chosen else "\n"
            path = root / f"part{number % 7}" / f"m{number}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text + tail, encoding="utf-8")
        calls = "".join(f"import part{n % 7}.m{n}\n" for n in range(len(texts)))
        (root / "train.py").write_text(calls)
        parse = _seconds(lambda: _parse([texts[n] + LINE for n in chosen]))
        read = _seconds(lambda: _read(root))
        lines = sum(text.count("\n") for text in texts)
        print(
            f"a project of {lines:,} lines in {len(texts)} files, ten of them annotated: "
            f"{read:.2f} s, {read - parse:.2f} s beyond libcst's parse of the ten ({parse:.2f} s)"
        )


def _read(root: Path) -> None:
    assert len(read_project(root / "train.py", root).space) == 10


def _read_lines(kind: str, count: int) -> float:
    name, before, after, line = ANNOTATED_LINES[kind]
    lines = [line.format(number) for number in range(count)]
    text = before.format() + "".join(lines) + after.format()
    if kind == "notebook":
        cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        document = {"cells": [cell | {"source": lines}], "metadata": {}}
        text = json.dumps(document | {"nbformat": 4, "nbformat_minor": 5})
    start = time.process_time()
    expansion = formats.expand(text.encode(), name, PurePosixPath(name))
    assert len(expansion.parameters) == count
    return time.process_time() - start


def _read_deep(text: str) -> float:
    """Milliseconds to expand a file, or to refuse it: the median of nine."""
    times = []
    for _ in range(9):
        start = time.process_time()
        with contextlib.suppress(Mistakes):
            expand(text.encode(), path="m.py", module="m")
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def _start_to_end() -> float:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "train.py"
        script.write_text(SCRIPT)
        command = [sys.executable, "-m", "annotate", "check", str(script)]
        times = []
        for _ in range(9):
            start = time.perf_counter()
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        return 1000 * statistics.median(times)


if __name__ == "__main__":
    main()
