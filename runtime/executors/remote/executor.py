"""Runs trials on other machines."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core.metrics import MetricsFile
from runtime.core.paths import TrialFolder
from runtime.executors.base import (
    Broke,
    Cleared,
    Ended,
    Event,
    Executor,
    Job,
    NewView,
    Reported,
    Started,
    Waiting,
)
from runtime.executors.remote.carrier import Carrier, Unreachable
from runtime.executors.remote.gpu_claims import GpuClaims, new_view
from runtime.executors.remote.machine import Machine, Owner
from runtime.executors.remote.plan import Plan
from runtime.executors.remote.run import End, Run
from runtime.stage.agent.frames import Message
from runtime.stage.agent.gpus.device import View

_STOP_LIMIT = 15.0  # seconds beyond the grace period for a stopped trial to end
_CLOSE_LIMIT = 15.0  # seconds for an agent to kill its trials and to end
_LEAVE_LIMIT = 5.0  # seconds for the connections to end
_OUTPUT = 100 << 20  # bytes of a trial's output folder that come home
_HANDLING = 60.0  # seconds for the loop to take a trial's reports


class RemoteExecutor(Executor, Owner):
    """Chooses a machine for each job: the one with the fewest trials for its slots."""

    lost_after = 300.0  # seconds without its machine after which a trial runs again elsewhere

    def __init__(
        self,
        post: Callable[[Event], None],
        carriers: Sequence[Carrier],
        plan: Plan,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(post)
        self._note = note
        self._runs: dict[int, Run] = {}
        self._by_name: dict[str, Run] = {}  # the same runs
        self._loop = asyncio.new_event_loop()
        self._plan = plan
        self._carriers = carriers
        self._tasks: dict[Machine, asyncio.Task[None]] = {}  # each keeps its machine connected
        self._settled = False  # whether all trials of an earlier driver have been taken up
        self._strays: dict[Machine, set[str]] = {}  # runs that nobody has taken up yet
        self._failed: dict[str, Unreachable] = {}
        self._heard: set[str] = set()  # machines that were ready or failed once
        self._gpus = GpuClaims(plan.folder.id)
        self._thread = threading.Thread(target=self._run, name="remote-executor", daemon=True)
        self._thread.start()

    # Called by the experiment

    def start(self, job: Job) -> None:
        name = f"{job.trial}-{secrets.token_hex(4)}"
        metrics = MetricsFile(job.folder.metrics)
        run = Run(job.trial, name, job.folder, job, metrics, gpus=job.gpus)
        run.clear()
        self._call(self._begin, run)

    def take_up(self, trial: int, folder: TrialFolder, place: Mapping[str, JSON] | None) -> bool:
        if place is None:
            return False
        taking = self._take_up(trial, folder, place)
        return asyncio.run_coroutine_threadsafe(taking, self._loop).result()

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
        self._open()
        self._loop.call_soon(self._tick)
        self._loop.run_forever()

    def _on_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        logging.error("%s", context.get("message"), exc_info=error)  # type: ignore[arg-type]
        if isinstance(error, Exception):
            self.post(Broke(error))

    def _open(self) -> None:
        for carrier in self._carriers:
            self._add(carrier)

    def _add(self, carrier: Carrier) -> Machine:
        """Use one more machine."""
        machine = Machine(carrier, self._plan, self)
        self._tasks[machine] = self._loop.create_task(self._keep(machine))
        return machine

    async def _keep(self, machine: Machine) -> None:
        try:
            await machine.run()
        except Exception as error:
            logging.exception("machine %s", machine.name)
            self.post(Broke(error))

    async def _close(self) -> None:
        machines = list(self._tasks)
        closed = await asyncio.gather(*(machine.close(_CLOSE_LIMIT) for machine in machines))
        for machine, is_closed in zip(machines, closed, strict=True):
            if not is_closed and machine.layout is not None:
                await self._on_open_end(machine)
        await asyncio.gather(*(self._remove(machine, _LEAVE_LIMIT) for machine in machines))
        for run in list(self._runs.values()):
            self._finish(run, End(-signal.SIGKILL))

    async def _on_open_end(self, machine: Machine) -> None:
        """The machine did not say that all its trials have ended."""
        self._note(f"{machine.name}: its trials could not be ended: no connection")

    async def _remove(self, machine: Machine, seconds: float = 0.0) -> None:
        """Use the machine no more; its connection may need `seconds` to end."""
        task = self._tasks.pop(machine, None)
        if task is not None:
            await asyncio.wait([task], timeout=seconds)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(machine.carrier.close(), _LEAVE_LIMIT)

    def _tick(self) -> None:
        """Give up runs whose machine is away, or that should have ended."""
        now = time.monotonic()
        for run in list(self._runs.values()):
            machine = run.machine
            since = None if machine is None else machine.down_since
            if run.give_up_at is not None and now >= run.give_up_at:
                where = machine.name if machine is not None else "its machine"
                self._finish(run, End(-signal.SIGKILL, f"{where} did not say whether it ended"))
            elif machine is not None and since is not None and now >= since + self.lost_after:
                cause = f"{machine.name} was out of reach for {self.lost_after:g} s"
                self._finish(run, End(-signal.SIGKILL, cause, lost=True))
        self._loop.call_later(1.0, self._tick)

    async def _take_up(self, trial: int, folder: TrialFolder, place: Mapping[str, JSON]) -> bool:
        machine = self._machine_at(place)
        if machine is None:
            return False
        metrics = MetricsFile(folder.metrics)
        name = str(place["run"])
        self._strays.get(machine, set()).discard(name)
        gpus = tuple(map(str, place.get("gpus", ())))
        self._begin(Run(trial, name, folder, None, metrics, machine, gpus=gpus))
        return True

    def _machine_at(self, place: Mapping[str, JSON]) -> Machine | None:
        """The machine of a trial that an earlier driver started; None if it is not ours."""
        return next((m for m in self._tasks if m.name == place.get("machine")), None)

    def _begin(self, run: Run) -> None:
        self._runs[run.trial] = self._by_name[run.name] = run
        if run.job is not None and not self._settled:
            self._settled = True
            self._end_strays()
        if run.job is not None and run.job.machine:
            self._pin(run, run.job)
        elif run.machine is not None and run.machine.ready:
            self._ask_for(run)
        self._assign()

    def _pin(self, run: Run, job: Job) -> None:
        """Send a run to the machine that leases its GPUs, once that is connected."""
        run.machine = next((m for m in self._tasks if m.name == job.machine), None)
        if run.machine is None:
            self._finish(run, End(-signal.SIGKILL, f"{job.machine} is no longer used", lost=True))
        elif run.machine.ready:
            self._send(run, job, run.machine)

    def _assign(self) -> None:
        """Send waiting runs to machines that have room; tell the others why they wait."""
        waiting = self._waiting()
        load = self._load() if waiting else {}
        for run in waiting:
            machine = self._choose(load)
            if machine is None or run.job is None:
                break
            run.machine = machine
            load[machine] += 1
            self._send(run, run.job, machine)
        why = self._why_waiting()
        for run in waiting:
            if run.machine is None and why is not None and why != run.why:
                run.why = why
                self.post(Waiting(run.trial, why))

    def _waiting(self) -> list[Run]:
        return [run for run in self._runs.values() if run.machine is None]

    def _why_waiting(self) -> str | None:
        """Why there is no machine for a run; None if that will soon change."""
        if any(machine.ready for machine in self._tasks):
            return None
        return "; ".join(f"{name}: {why}" for name, why in self._failed.items()) or None

    def _load(self) -> dict[Machine, int]:
        """How many runs each machine has."""
        load = dict.fromkeys(self._tasks, 0)
        for run in self._runs.values():
            if run.machine in load:
                load[run.machine] += 1
        return load

    def _choose(self, load: Mapping[Machine, int]) -> Machine | None:
        # One that is still connecting gets its share, too: it soon is ready or fails.
        there = [m for m in self._tasks if m.ready or m.name not in self._heard]
        free = [m for m in there if not m.draining and load[m] < (m.carrier.slots or 1 << 30)]
        best = min(free, key=lambda m: load[m] / (m.carrier.slots or 1), default=None)
        return best if best is not None and best.ready else None

    def _send(self, run: Run, job: Job, machine: Machine) -> None:
        assert machine.layout is not None
        task = machine.layout.task(job, f"{machine.layout.folder}/runs/{run.name}")
        files = run.files()
        sizes = {name: len(data) for name, data in files.items()}
        fields = {name: getattr(task, name) for name in task.__dataclass_fields__}
        fields["environment"] = dict(task.environment)
        about = {"do": "start", "run": run.name, "task": fields, "limit": _OUTPUT, "files": sizes}
        machine.send({**about, "gpus": run.gpus}, b"".join(files.values()))

    def _stop(self, trial: int, grace: float) -> None:
        run = self._runs.get(trial)
        if run is None:
            return
        if run.machine is None:
            self._finish(run, End(-signal.SIGTERM))
            return
        run.give_up_at = time.monotonic() + grace + _STOP_LIMIT
        run.machine.send({"do": "stop", "run": run.name, "grace": grace})

    def _finish(self, run: Run, end: End) -> None:
        if self._runs.get(run.trial) is run:
            del self._runs[run.trial], self._by_name[run.name]
            when = time.time() if end.when is None else end.when
            self.post(Ended(run.trial, when, end.code, end.cause, end.lost, end.cancelled))
            self.post(Cleared(run.trial))  # its folder here is written by nobody else
            self._assign()

    # From machines

    def on_ready(self, machine: Machine, runs: Sequence[Mapping[str, JSON]]) -> None:
        self._failed.pop(machine.name, None)
        self._heard.add(machine.name)
        if self._plan.gpus:
            self._gpus.send(machine)
        known = {str(run["run"]) for run in runs}
        ours = {run.name: run for run in self._runs.values() if run.machine is machine}
        self._strays[machine] = known - ours.keys()
        if self._settled:
            self._end_strays()
        for name, run in ours.items():
            if name in known:
                self._ask_for(run)
            elif run.job is not None and not run.folder.stdout.exists():
                self._send(run, run.job, machine)  # the request was lost with the connection
            else:
                cause = f"{machine.name} no longer knows it"
                self._finish(run, End(-signal.SIGKILL, cause, lost=True))
        self._assign()

    def _end_strays(self) -> None:
        """End the runs that agents know and we do not: they were given up."""
        for machine, names in self._strays.items():
            for name in names if machine.ready else ():
                machine.send({"do": "stop", "run": name, "grace": 0.0})
                machine.send({"do": "forget", "run": name, "keep": None})
        self._strays.clear()

    def _ask_for(self, run: Run) -> None:
        """Have the agent send what this side lacks."""
        assert run.machine is not None
        run.machine.send({"do": "have", "run": run.name, "offsets": run.offsets()})

    def on_down(self, machine: Machine, error: Unreachable) -> None:
        if machine.name not in self._failed:
            self._note(f"{machine.name}: {error}" + (f" ({error.hint})" if error.hint else ""))
        self._failed[machine.name] = error
        self._heard.add(machine.name)
        if self._plan.gpus:
            view, why = View(time.monotonic()), f"cannot be reached: {error}"
            self.post(NewView(view, machine.name, away=why, gone=error.final))
        if error.final:
            del self._tasks[machine]
        if not self._tasks:
            reasons = "; ".join(f"{name}: {why}" for name, why in self._failed.items())
            self.post(Broke(AnnotateError(f"no machine can be used: {reasons}", hint=error.hint)))
        self._assign()

    async def on_message(self, machine: Machine, message: Message, data: bytes) -> None:
        if message["event"] == "gpus" and not message["unusable"]:
            self.post(new_view(machine, message))
        elif message["event"] == "gpus":
            self._refuse(machine.name, Unreachable(message["unusable"], final=True))
        run = self._by_name.get(str(message.get("run")))
        if run is None or run.machine is not machine:
            return
        event = message["event"]
        if event == "started":
            place = self._place(run, machine)
            self.post(Started(run.trial, message["time"] - machine.clock, message["pid"], place))
        elif event == "out":
            await self._on_output(run, message, data)
        elif event == "ended":
            self._on_end(run, machine, message)
        elif event == "file":
            run.write_output(str(message["path"]), message["offset"], data)

    # GPUs

    def claim_gpus(self, machine: str, claims: Mapping[str, int], *, watch: bool) -> None:
        self._call(self._claim, machine, dict(claims), watch)

    def refuse(self, machine: str, reason: str, hint: str) -> None:
        self._call(self._refuse, machine, Unreachable(reason, hint, final=True))

    def _claim(self, name: str, claims: Mapping[str, int], watch: bool) -> None:
        self._gpus.set(name, claims, watch=watch)
        for machine in self._tasks:
            if machine.name == name and machine.ready:
                self._gpus.send(machine)

    def _refuse(self, name: str, error: Unreachable) -> None:
        for machine, task in list(self._tasks.items()):
            if machine.name == name:
                self.on_down(machine, error)
                self._loop.create_task(self._dismiss(machine, task))

    async def _dismiss(self, machine: Machine, task: asyncio.Task[None]) -> None:
        """End the agent of a machine that is used no more."""
        await machine.close(_CLOSE_LIMIT)
        await asyncio.wait([task], timeout=_LEAVE_LIMIT)
        task.cancel()
        await machine.carrier.close()

    def _place(self, run: Run, machine: Machine) -> dict[str, JSON]:
        """Where a later driver finds the run."""
        gpus = {"gpus": list(run.gpus)} if run.gpus else {}
        return {"machine": machine.name, "run": run.name, **gpus}

    async def _on_output(self, run: Run, message: Message, data: bytes) -> None:
        name = str(message["file"])
        if run.append(name, message["offset"], data) and name == run.folder.metrics.name:
            await self._read_metrics(run)

    async def _read_metrics(self, run: Run) -> None:
        """Post the new reports; waits while the experiment has not taken the last ones."""
        has_more = True
        while has_more:
            if run.handled is not None:
                await asyncio.to_thread(run.handled.wait, _HANDLING)
            batch = run.metrics.read()
            has_more = batch.has_more
            run.handled = threading.Event() if has_more else None
            if batch or has_more:
                self.post(Reported(run.trial, batch, run.handled))

    def _on_end(self, run: Run, machine: Machine, end: Message) -> None:
        left, keep = end["left"], None
        if left and machine.layout is not None:
            root, _, experiment = machine.layout.folder.rpartition("/experiments/")
            keep = f"{root}/outputs/{experiment}/{run.name}"
            shown = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")
            self._note(
                f"trial {run.trial}: too large to come home: {shown}; {machine.name} keeps all of"
                f" its output folder in {keep}"
            )
        machine.send({"do": "forget", "run": run.name, "keep": keep})
        when = None if end["time"] is None else end["time"] - machine.clock
        self._finish(run, End(end["code"], end["cause"], lost=bool(end["lost"]), when=when))
