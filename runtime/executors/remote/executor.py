"""Runs trials on other machines."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core.metrics import MetricsFile
from runtime.core.paths import TrialFolder
from runtime.executors.base import Broke, Cleared, Ended, Event, Executor, Job, Reported, Started
from runtime.executors.remote.carrier import Carrier, Unreachable
from runtime.executors.remote.machine import Machine, Owner
from runtime.executors.remote.plan import Plan
from runtime.stage.agent.frames import Message
from runtime.stage.agent.runs import FILES

_LOST = 300.0  # seconds without its machine after which a trial runs again elsewhere
_STOP_LIMIT = 15.0  # seconds beyond the grace period for a stopped trial to end
_CLOSE_LIMIT = 15.0  # seconds for an agent to kill its trials and to end
_LEAVE_LIMIT = 5.0  # seconds for the connections to end
_OUTPUT = 100 << 20  # bytes of a trial's output folder that come home
_HANDLING = 60.0  # seconds for the loop to take a trial's reports


@dataclass(slots=True)
class _Run:
    """One run of a trial. `machine` is None until one is chosen for it."""

    trial: int
    name: str
    folder: TrialFolder
    job: Job | None  # None if an earlier driver started it
    metrics: MetricsFile
    machine: Machine | None = None
    give_up_at: float | None = None  # monotonic seconds
    handled: threading.Event | None = None


class RemoteExecutor(Executor, Owner):
    """Chooses a machine for each job: the one with the fewest trials for its slots."""

    def __init__(
        self,
        post: Callable[[Event], None],
        carriers: Sequence[Carrier],
        plan: Plan,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(post)
        self._note = note
        self._runs: dict[int, _Run] = {}
        self._loop = asyncio.new_event_loop()
        self._machines = [Machine(carrier, plan, self) for carrier in carriers]
        self._failed: dict[str, Unreachable] = {}
        self._heard: set[str] = set()  # machines that were ready or failed once
        self._thread = threading.Thread(target=self._run, name="remote-executor", daemon=True)
        self._thread.start()

    # Called by the experiment

    def start(self, job: Job) -> None:
        name = f"{job.trial}-{secrets.token_hex(4)}"
        run = _Run(job.trial, name, job.folder, job, MetricsFile(job.folder.metrics))
        for file in FILES:
            (job.folder.path / file).unlink(missing_ok=True)
        self._call(self._begin, run)

    def take_up(self, trial: int, folder: TrialFolder, place: Mapping[str, JSON] | None) -> bool:
        name = None if place is None else place.get("machine")
        machine = next((m for m in self._machines if m.name == name), None)
        if machine is None or place is None:
            return False
        run = _Run(trial, str(place["run"]), folder, None, MetricsFile(folder.metrics), machine)
        self._call(self._begin, run)
        return True

    def stop(self, trial: int, *, grace: float) -> None:
        self._call(self._stop, trial, grace)

    def close(self) -> None:
        closing: Future[None] = asyncio.run_coroutine_threadsafe(self._close(), self._loop)
        closing.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    # In the thread of the event loop

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._on_error)
        self._tasks = [self._loop.create_task(self._keep(machine)) for machine in self._machines]
        self._loop.call_soon(self._tick)
        self._loop.run_forever()

    def _on_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        logging.error("%s", context.get("message"), exc_info=error)  # type: ignore[arg-type]
        if isinstance(error, Exception):
            self.post(Broke(error))

    async def _keep(self, machine: Machine) -> None:
        try:
            await machine.run()
        except Exception as error:
            logging.exception("machine %s", machine.name)
            self.post(Broke(error))

    async def _close(self) -> None:
        closing = [machine.close(_CLOSE_LIMIT) for machine in self._machines]
        for machine, closed in zip(self._machines, await asyncio.gather(*closing), strict=True):
            if not closed and machine.layout is not None:
                self._note(f"{machine.name}: its trials could not be ended: no connection")
        _, pending = await asyncio.wait(self._tasks, timeout=_LEAVE_LIMIT)
        for task in pending:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        leaving = [machine.carrier.close() for machine in self._machines]
        await asyncio.wait_for(asyncio.gather(*leaving), _LEAVE_LIMIT)
        for run in list(self._runs.values()):
            self._finish(run, -signal.SIGKILL)

    def _tick(self) -> None:
        """Give up runs whose machine is away, or that should have ended."""
        now = time.monotonic()
        for run in list(self._runs.values()):
            machine = run.machine
            since = None if machine is None else machine.down_since
            if run.give_up_at is not None and now >= run.give_up_at:
                where = machine.name if machine is not None else "its machine"
                self._finish(run, -signal.SIGKILL, f"{where} did not say whether it ended")
            elif machine is not None and since is not None and now >= since + _LOST:
                cause = f"{machine.name} was out of reach for {_LOST:g} s"
                self._finish(run, -signal.SIGKILL, cause, lost=True)
        self._loop.call_later(1.0, self._tick)

    def _begin(self, run: _Run) -> None:
        self._runs[run.trial] = run
        if run.machine is not None and run.machine.ready:
            self._ask_for(run)
        self._assign()

    def _assign(self) -> None:
        for run in list(self._runs.values()):
            if run.machine is not None or run.job is None:
                continue
            machine = self._choose()
            if machine is None:
                return
            run.machine = machine
            self._send(run, run.job, machine)

    def _choose(self) -> Machine | None:
        load = Counter(run.machine for run in self._runs.values())
        # One that is still connecting gets its share, too: it soon is ready or fails.
        there = [m for m in self._machines if m.ready or m.name not in self._heard]
        free = [m for m in there if load[m] < (m.carrier.slots or 1 << 30)]
        best = min(free, key=lambda m: load[m] / (m.carrier.slots or 1), default=None)
        return best if best is not None and best.ready else None

    def _send(self, run: _Run, job: Job, machine: Machine) -> None:
        assert machine.layout is not None
        task = machine.layout.task(job, f"{machine.layout.folder}/runs/{run.name}")
        files = {}
        for path in sorted(job.folder.path.rglob("*")):
            name = path.relative_to(job.folder.path).as_posix()
            if path.is_file() and name not in FILES and not name.startswith("output/"):
                files[name] = path.read_bytes()
        sizes = {name: len(data) for name, data in files.items()}
        fields = {name: getattr(task, name) for name in task.__dataclass_fields__}
        fields["environment"] = dict(task.environment)
        about = {"do": "start", "run": run.name, "task": fields, "limit": _OUTPUT, "files": sizes}
        machine.send(about, b"".join(files.values()))

    def _stop(self, trial: int, grace: float) -> None:
        run = self._runs.get(trial)
        if run is None:
            return
        if run.machine is None:
            self._finish(run, -signal.SIGTERM)
            return
        run.give_up_at = time.monotonic() + grace + _STOP_LIMIT
        run.machine.send({"do": "stop", "run": run.name, "grace": grace})

    def _finish(
        self, run: _Run, code: int, cause: str | None = None, *, lost: bool = False, when: float = 0
    ) -> None:
        if self._runs.get(run.trial) is run:
            del self._runs[run.trial]
            self.post(Ended(run.trial, when or time.time(), code, cause, lost))
            self.post(Cleared(run.trial))  # its folder here is written by nobody else
            self._assign()

    # From machines

    def on_ready(self, machine: Machine, runs: Sequence[Mapping[str, JSON]]) -> None:
        self._failed.pop(machine.name, None)
        self._heard.add(machine.name)
        # Runs that the agent knows and we do not were given up: nothing of them is needed.
        known = {str(run["run"]) for run in runs}
        ours = {run.name: run for run in self._runs.values() if run.machine is machine}
        for name in known - ours.keys():
            machine.send({"do": "stop", "run": name, "grace": 0.0})
            machine.send({"do": "forget", "run": name, "keep": None})
        for name, run in ours.items():
            if name in known:
                self._ask_for(run)
            elif run.job is not None and not run.folder.stdout.exists():
                self._send(run, run.job, machine)  # the request was lost with the connection
            else:
                cause = f"{machine.name} no longer knows it"
                self._finish(run, -signal.SIGKILL, cause, lost=True)
        self._assign()

    def _ask_for(self, run: _Run) -> None:
        """Have the agent send what this side lacks."""
        assert run.machine is not None
        offsets = {}
        for name in FILES:
            path = run.folder.path / name
            offsets[name] = path.stat().st_size if path.exists() else 0
        run.machine.send({"do": "have", "run": run.name, "offsets": offsets})

    def on_down(self, machine: Machine, error: Unreachable) -> None:
        if machine.name not in self._failed:
            self._note(f"{machine.name}: {error}" + (f" ({error.hint})" if error.hint else ""))
        self._failed[machine.name] = error
        self._heard.add(machine.name)
        if error.final:
            self._machines.remove(machine)
        if not self._machines:
            reasons = "; ".join(f"{name}: {why}" for name, why in self._failed.items())
            self.post(Broke(AnnotateError(f"no machine can be used: {reasons}", hint=error.hint)))
        self._assign()

    async def on_message(self, machine: Machine, message: Message, data: bytes) -> None:
        name = str(message.get("run"))
        run = next((r for r in self._runs.values() if r.name == name), None)
        if run is None or run.machine is not machine:
            return
        event = message["event"]
        if event == "started":
            place = {"machine": machine.name, "run": run.name}
            self.post(Started(run.trial, message["time"] - machine.clock, message["pid"], place))
        elif event == "out":
            await self._on_output(run, message, data)
        elif event == "ended":
            self._on_end(run, machine, message)
        elif event == "file":
            _write(run.folder, str(message["path"]), message["offset"], data)
        elif event == "refused":
            with run.folder.stderr.open("a") as file:
                file.write(f"{message['reason']}\n")
            self._finish(run, 1, str(message["reason"]))

    async def _on_output(self, run: _Run, message: Message, data: bytes) -> None:
        """Append to our copy, at the offset that it has."""
        path = run.folder.path / str(message["file"])
        have = path.stat().st_size if path.exists() else 0
        new = data[max(0, have - message["offset"]) :]
        if message["offset"] > have or not new:
            return
        with path.open("ab") as file:
            file.write(new)
        if path == run.folder.metrics:
            await self._read_metrics(run)

    async def _read_metrics(self, run: _Run) -> None:
        """Post the new reports; waits while the experiment has not taken the last ones."""
        more = True
        while more:
            if run.handled is not None:
                await asyncio.to_thread(run.handled.wait, _HANDLING)
            batch = run.metrics.read()
            more = batch.has_more
            run.handled = threading.Event() if more else None
            if batch or more:
                self.post(Reported(run.trial, batch, run.handled))

    def _on_end(self, run: _Run, machine: Machine, end: Message) -> None:
        left, keep = end["left"], None
        if left and machine.layout is not None:
            root, _, experiment = machine.layout.folder.rpartition("/experiments/")
            keep = f"{root}/outputs/{experiment}/{run.trial}"
            shown = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")
            self._note(
                f"trial {run.trial}: too large to come home: {shown}; {machine.name} keeps all of"
                f" its output folder in {keep}"
            )
        machine.send({"do": "forget", "run": run.name, "keep": keep})
        when = time.time() if end["time"] is None else end["time"] - machine.clock
        self._finish(run, end["code"], end["cause"], lost=bool(end["lost"]), when=when)


def _write(folder: TrialFolder, name: str, offset: int, data: bytes) -> None:
    """Write a part of a file of the output folder."""
    path = (folder.path / name).resolve()
    if not path.is_relative_to(folder.output.resolve()):
        raise ValueError(f"{name} leaves the output folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if offset else "wb") as file:
        file.seek(offset)
        file.write(data)
