"""TensorBoard over what the trials of an experiment wrote below NNI_OUTPUT_DIR."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.errors import AnnotateError
from runtime.cli import chosen, options

if TYPE_CHECKING:
    import psutil

    from runtime.core.paths import ExperimentFolder

_PATIENCE = 60.0  # seconds; it imports a lot before it listens


@dataclass(frozen=True, slots=True)
class Start:
    """The command that starts it."""

    doc: str = """Start TensorBoard over what the trials wrote to NNI_OUTPUT_DIR.

It lives on after this command; `annotate tensorboard stop` ends it. It needs
pip install 'annotate-hpo[tensorboard]'."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        chosen.argument(parser)
        parser.add_argument(
            "-T",
            "--trial_id",
            "--trial",
            action="append",
            default=[],
            metavar="TRIAL",
            help="that trial's alone, by number or id; may be repeated",
        )
        parser.add_argument("-p", "--port", type=options.port, default=6006, metavar="P")

    def run(self, args: argparse.Namespace) -> int:
        folder = chosen.experiment(args.id)
        if (running := _running(folder)) is not None:
            raise AnnotateError(
                f"TensorBoard runs for experiment {folder.id} (pid {running.pid})",
                hint=f"annotate tensorboard stop {folder.id}",
            )
        process = _start(folder, _logs(folder, args.trial_id), args.port)
        _wait_until_it_listens(process, folder, args.port)
        print(f"http://127.0.0.1:{args.port}")
        return 0


@dataclass(frozen=True, slots=True)
class Stop:
    """The command that ends it."""

    doc: str = "End the TensorBoard that `annotate tensorboard start` has started."

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        chosen.argument(parser)

    def run(self, args: argparse.Namespace) -> int:
        import psutil

        folder = chosen.experiment(args.id)
        running = _running(folder)
        if running is None:
            raise AnnotateError(f"no TensorBoard runs for experiment {folder.id}")
        running.terminate()
        try:
            running.wait(10)
        except psutil.TimeoutExpired:
            running.kill()
        folder.tensorboard.unlink(missing_ok=True)
        print(f"TensorBoard of experiment {folder.id} has ended.")
        return 0


def _logs(folder: ExperimentFolder, trials: list[str]) -> list[str]:
    """The options that say what it shows."""
    from runtime.store import Store

    if not trials:
        return ["--logdir", str(folder.trials)]
    with Store.open(folder.store) as store:
        found = [chosen.trial(store, given) for given in trials]
    parts = [f"{t.number}:{folder.trial(t.number).output}" for t in found]
    return ["--logdir_spec", ",".join(parts)]


def _start(folder: ExperimentFolder, logs: list[str], port: int) -> subprocess.Popen[bytes]:
    import psutil

    program = Path(sys.executable).with_name("tensorboard")
    found = str(program) if program.is_file() else shutil.which("tensorboard")
    if found is None:
        raise AnnotateError(
            "TensorBoard is not installed", hint="pip install 'annotate-hpo[tensorboard]'"
        )
    with folder.tensorboard.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [found, *logs, "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # Numbers of processes are used again: the time says whether it is still this one.
    record = {"pid": process.pid, "time": psutil.Process(process.pid).create_time()}
    folder.tensorboard.write_text(json.dumps(record))
    return process


def _wait_until_it_listens(
    process: subprocess.Popen[bytes], folder: ExperimentFolder, port: int
) -> None:
    import socket

    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    process.kill()
    folder.tensorboard.unlink(missing_ok=True)
    log = folder.tensorboard.with_suffix(".log")
    last = log.read_text(errors="replace").strip().splitlines()[-3:]
    raise AnnotateError("TensorBoard did not start:\n" + "\n".join(last), hint=f"all of it: {log}")


def _running(folder: ExperimentFolder) -> psutil.Process | None:
    import psutil

    try:
        record = json.loads(folder.tensorboard.read_text())
        process = psutil.Process(record["pid"])
        same = abs(process.create_time() - record["time"]) < 1.0
    except (OSError, ValueError, psutil.Error):
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None


start = Start()
stop = Stop()
