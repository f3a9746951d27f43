"""TensorBoard for the event files that trials wrote to NNI_OUTPUT_DIR."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import annotate_hpo
from annotate.errors import AnnotateError
from runtime.cli import options, selection, terminal
from runtime.system.private import keep_private, users_umask

if TYPE_CHECKING:
    import psutil

    from runtime.core.paths import ExperimentFolder

_PATIENCE = 60.0  # seconds; its imports take long


@dataclass(frozen=True, slots=True)
class Start:
    """The command that starts TensorBoard."""

    doc: str = """Start TensorBoard for the event files that trials wrote to NNI_OUTPUT_DIR.

It keeps running; stop it with `annotate tensorboard stop`. Needs
pip install 'annotate-hpo[tensorboard]'."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        selection.argument(parser)
        parser.add_argument(
            "-T",
            "--trial_id",
            "--trial",
            action="append",
            default=[],
            metavar="TRIAL",
            help="show only this trial, by number or id; may be repeated",
        )
        parser.add_argument("-p", "--port", type=options.port, default=6006, metavar="P")

    def run(self, args: argparse.Namespace) -> int:
        folder = selection.experiment(args.id)
        if (running := _running(folder)) is not None:
            raise AnnotateError(
                f"TensorBoard is already running for experiment {folder.id} (pid {running.pid})",
                hint=f"stop it with: annotate tensorboard stop {folder.id}",
            )
        process = _start(folder, _logs(folder, args.trial_id), args.port)
        _wait_until_it_listens(process, folder, args.port)
        terminal.show(f"http://127.0.0.1:{args.port}")
        return 0


@dataclass(frozen=True, slots=True)
class Stop:
    """The command that stops TensorBoard."""

    doc: str = "Stop the TensorBoard that `annotate tensorboard start` started."

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        selection.argument(parser)

    def run(self, args: argparse.Namespace) -> int:
        import psutil

        folder = selection.experiment(args.id)
        running = _running(folder)
        if running is None:
            raise AnnotateError(f"no TensorBoard is running for experiment {folder.id}")
        running.terminate()
        try:
            running.wait(10)
        except psutil.TimeoutExpired:
            running.kill()
        folder.tensorboard.unlink(missing_ok=True)
        terminal.show(f"Stopped TensorBoard for experiment {folder.id}.")
        return 0


def _logs(folder: ExperimentFolder, trials: list[str]) -> list[str]:
    """TensorBoard's options for the folders to show."""
    from runtime.store import Store

    if not trials:
        return ["--logdir", str(folder.trials)]
    with Store.open(folder.store) as store:
        selected = [selection.trial(store, name) for name in trials]
    parts = [f"{t.number}:{folder.trial(t.number).output}" for t in selected]
    return ["--logdir_spec", ",".join(parts)]


def _start(folder: ExperimentFolder, logs: list[str], port: int) -> subprocess.Popen[bytes]:
    import psutil

    keep_private()
    program = Path(sys.executable).with_name("tensorboard")
    is_ours = program.is_file()  # installed beside Annotate, so the user's modules stay out of it
    path = str(program) if is_ours else shutil.which("tensorboard")
    if path is None:
        raise AnnotateError(
            "TensorBoard is not installed",
            hint="install it with: pip install 'annotate-hpo[tensorboard]'",
        )
    with folder.tensorboard.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [path, *logs, "--host", "127.0.0.1", "--port", str(port)],
            env=annotate_hpo.environment(os.environ) if is_ours else None,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            umask=users_umask(),
        )
    # Process ids are reused; the start time identifies the process.
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
    raise AnnotateError("TensorBoard did not start:\n" + "\n".join(last), hint=f"see {log}")


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
