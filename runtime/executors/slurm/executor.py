"""Runs trials in jobs of Slurm: each in one of its own, or in pilots that stay."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import signal
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from annotate.errors import AnnotateError
from annotate.json_value import JSON
from runtime.core.paths import TrialFolder
from runtime.core.slurm_request import SlurmRequest
from runtime.executors.base import Broke, Event, Job
from runtime.executors.remote.carrier import Unreachable
from runtime.executors.remote.executor import RemoteExecutor
from runtime.executors.remote.machine import Machine
from runtime.executors.remote.patience import Patience
from runtime.executors.remote.plan import Plan
from runtime.executors.remote.run import End, Run
from runtime.executors.slurm import commands
from runtime.executors.slurm.carrier import JobCarrier, batch_script, job_in
from runtime.executors.slurm.commands import SlurmFailed, Status
from runtime.executors.slurm.forecast import Forecast, Pilot
from runtime.executors.slurm.jobs import SlurmJob
from runtime.stage.agent.frames import Message

_TICK = 1.0  # seconds between two looks at our own jobs
_FIRST_LOOK, _LONGEST_LOOK = 0.1, 10.0  # seconds between two calls of squeue while a job waits
_CALM_LOOK = 60.0  # the same, while all jobs are connected
_RETRY = 5.0  # seconds until Slurm is asked again after it failed
_SILENT = 120.0  # seconds without its agent after which a running job is cancelled
_MOST_DUDS = 3  # jobs in a row that may end before their agent answered
_END_LIMIT = 5.0  # seconds for an agent to end


class SlurmExecutor(RemoteExecutor):
    """Submits jobs, and uses each as a machine while it runs.

    A trial ends by its agent's word, or when Slurm says that its job is over: as long as Slurm does
    not answer, jobs run on.
    """

    lost_after = math.inf

    def __init__(
        self,
        post: Callable[[Event], None],
        request: SlurmRequest,
        plan: Plan,
        note: Callable[[str], None] = lambda text: None,
        python: str = "",
    ) -> None:
        self._request, self._python = request, python
        self._name = f"annotate-{plan.folder.id}"
        self._script = batch_script(plan.folder.id, python)
        self._jobs: dict[str, SlurmJob] = {}
        self._done: set[str] = set()  # jobs that matter no more
        self._left: list[str] = []  # folders of agents that may have been killed
        self._forecast = Forecast()
        self._pause, self._look_at = _FIRST_LOOK, 0.0
        self._trouble: str | None = None  # what Slurm said when it last failed
        self._patience = Patience(note)
        self._duds, self._ending = 0, False
        self._ends: set[asyncio.Task[None]] = set()
        super().__init__(post, [], plan, note)

    # What the other machines do too

    def _open(self) -> None:
        self._wake = asyncio.Event()
        self._supplying = self._loop.create_task(self._supply())

    async def _close(self) -> None:
        self._ending = True
        self._wake.set()
        await self._supplying
        await super()._close()
        await asyncio.gather(*self._ends)
        left = [job.id for job in self._jobs.values() if not _has_closed(job)]
        try:
            await commands.cancel(left)
        except SlurmFailed as error:
            words = " ".join(left)
            self._note(f"Slurm jobs could not be cancelled: {error}; try: scancel {words}")

    async def _on_open_end(self, machine: Machine) -> None:
        return  # its job is cancelled

    def _machine_at(self, place: Mapping[str, JSON]) -> Machine | None:
        number = job_in(str(place.get("machine")))
        if number is None:
            return None
        job = self._jobs.get(number)
        if job is None:
            job = self._jobs[number] = SlurmJob(number, Status(number, "UNKNOWN"), given=True)
        self._connect(job)
        return job.machine

    def _begin(self, run: Run) -> None:
        super()._begin(run)
        if run.job is None:
            self._forecast.begin(run.trial)
        self._wake.set()

    def _assign(self) -> None:
        self._drain()
        super()._assign()

    def _send(self, run: Run, job: Job, machine: Machine) -> None:
        used = self._job_of(machine)
        gpus = None
        if used is not None:
            gpus = used.gpus_of(used.take(run.trial), self._request.slots)
            used.given = True
        if gpus is not None:
            job = replace(job, variables={**job.variables, "CUDA_VISIBLE_DEVICES": gpus})
        super()._send(run, job, machine)
        self._forecast.begin(run.trial)
        if used is not None:
            machine.draining = machine.draining or not self._request.pilots

    def _place(self, run: Run, machine: Machine) -> dict[str, JSON]:
        job = self._job_of(machine)
        slots = {} if job is None else {trial: slot for slot, trial in job.used.items()}
        return {**super()._place(run, machine), "slot": slots.get(run.trial)}

    async def _take_up(self, trial: int, folder: TrialFolder, place: Mapping[str, JSON]) -> bool:
        is_taken = await super()._take_up(trial, folder, place)
        job = self._jobs.get(job_in(str(place.get("machine"))) or "")
        if is_taken and job is not None:
            job.take(trial, place.get("slot"))
        return is_taken

    def _finish(self, run: Run, end: End) -> None:
        job = None if run.machine is None else self._job_of(run.machine)
        if self._runs.get(run.trial) is run:
            self._forecast.end(run.trial)
            if job is not None:
                job.give_back(run.trial)
        super()._finish(run, end)
        if job is not None and not self._request.pilots:
            self._retire(job)
        self._wake.set()

    def on_ready(self, machine: Machine, runs: Sequence[Mapping[str, JSON]]) -> None:
        self._duds = 0
        job = self._job_of(machine)
        if job is not None:
            job.measure()
            if job.submitted is not None:
                self._forecast.add_wait(time.monotonic() - job.submitted)
                job.submitted = None
        super().on_ready(machine, runs)
        self._tidy(machine)

    def _tidy(self, machine: Machine) -> None:
        """Have an agent remove what those of lost jobs left, if it is on the same machine."""
        if self._left and machine.ready:
            machine.send({"do": "tidy", "names": self._left})

    async def on_message(self, machine: Machine, message: Message, data: bytes) -> None:
        if message["event"] == "warned":  # of a pre-emption, most likely
            self._look_at, self._pause = 0.0, _FIRST_LOOK
            self._wake.set()
        await super().on_message(machine, message, data)

    def on_down(self, machine: Machine, error: Unreachable) -> None:
        self._failed[machine.name] = error
        job = self._job_of(machine)
        if error.final and job is not None:
            if machine.layout is None and not job.retired:
                self._on_dud(f"{machine.name}: {error}", error.hint)
            self._retire(job)
        self._look_at, self._pause = 0.0, _FIRST_LOOK
        self._wake.set()

    def _why_waiting(self) -> str | None:
        if self._trouble is not None:
            return f"Slurm: {self._trouble}"
        pending = [job.status for job in self._jobs.values() if job.status.state == "PENDING"]
        if not pending:
            return None
        reason = pending[0].reason
        if reason in ("", "None"):
            return "Slurm has not looked at its job yet"
        return f"Slurm job {pending[0].job} waits: {reason}"

    # Jobs

    def _job_of(self, machine: Machine) -> SlurmJob | None:
        return self._jobs.get(job_in(machine.name) or "")

    async def _supply(self) -> None:
        """Keep as many jobs as are needed, and follow them."""
        while not self._ending:
            try:
                await self._step()
            except SlurmFailed as error:
                self._trouble, self._look_at = str(error), time.monotonic() + _RETRY
            except Exception as error:
                logging.exception("jobs of Slurm")
                self.post(Broke(error))
                return
            self._assign()
            self._patience.wait(self._why_waiting() if self._waiting() else None)
            with contextlib.suppress(asyncio.TimeoutError):
                until_look = max(0.01, self._look_at - time.monotonic())
                await asyncio.wait_for(self._wake.wait(), min(_TICK, until_look))
            self._wake.clear()

    async def _step(self) -> None:
        now = time.monotonic()
        if now < self._look_at and self._trouble is not None:
            return
        if now >= self._look_at:
            await self._look()
        self._retire_needless()
        for _ in range(self._missing()):
            number = await commands.submit(self._request.options, self._name, self._script)
            pending = Status(number, "PENDING")
            self._jobs[number] = SlurmJob(number, pending, submitted=time.monotonic())
            self._pause, self._look_at = _FIRST_LOOK, time.monotonic() + _FIRST_LOOK

    def _missing(self) -> int:
        """How many more jobs are needed; negative if some are needed no more."""
        if not self._settled:
            return 0
        if self._request.pilots:
            waiting = bool(self._waiting())
            due = [self._forecast.is_due(pilot, waiting=waiting) for pilot in self._pilots()]
            return self._request.pilots - due.count(False)
        usable = [job for job in self._jobs.values() if job.takes_trials]
        return len(self._waiting()) - sum(not job.given for job in usable)

    def _retire_needless(self) -> None:
        """End jobs that no trial waits for any more, those first that do not run yet."""
        jobs = [job for job in self._jobs.values() if job.takes_trials and not job.given]
        jobs.sort(key=lambda job: job.machine is not None)
        for job in jobs[: max(0, -self._missing())]:
            self._retire(job)

    async def _look(self) -> None:
        """Ask Slurm about all jobs."""
        jobs = list(self._jobs.values())
        statuses = {status.job: status for status in await commands.jobs_named(self._name)}
        self._trouble = None
        for number, status in statuses.items():
            if self._settled and status.is_usable and number not in self._done:
                self._jobs.setdefault(number, SlurmJob(number, status))  # an earlier driver's
            if number in self._jobs:
                self._jobs[number].update(status)
        for job in jobs:
            if job.id not in statuses:
                job.absent += 1
                job.status = Status(job.id, "") if job.absent > 1 else job.status
        for job in list(self._jobs.values()):
            self._follow(job)
        calm = all(job.machine is not None and job.machine.ready for job in self._jobs.values())
        self._look_at = time.monotonic() + (_CALM_LOOK if calm else self._pause)
        self._pause = min(self._pause * 1.25, _LONGEST_LOOK)

    def _follow(self, job: SlurmJob) -> None:
        """Act on what Slurm says about a job."""
        machine = job.machine
        if job.status.is_over or not job.status.state:
            if machine is None or not machine.ready:
                self._lose(job)
            else:
                machine.draining = True  # its agent is about to say so
        elif job.status.is_running and machine is None and not job.retired:
            self._connect(job)
        elif job.status.is_running and machine is not None and not job.retired:
            since = machine.down_since
            if since is not None and time.monotonic() > since + _SILENT:
                self._note(f"{machine.name} is cancelled: {self._failed.get(machine.name)}")
                self._retire(job)

    def _connect(self, job: SlurmJob) -> None:
        if job.machine is None:
            job.machine = self._add(JobCarrier(job.id, self._request.slots, self._python))
            self._heard.add(job.machine.name)  # trials do not wait for it

    def _lose(self, job: SlurmJob) -> None:
        """The job is over, and with it everything that ran there."""
        del self._jobs[job.id]
        self._done.add(job.id)
        machine, state = job.machine, job.status.state
        chosen = state in ("CANCELLED", "PREEMPTED") and not job.retired
        for run in [run for run in self._runs.values() if machine and run.machine is machine]:
            again = bool(self._request.pilots) or state != "CANCELLED" or job.retired
            short = state == "TIMEOUT" and not self._forecast.had_most(run.trial, job)
            self._finish(run, End(-signal.SIGKILL, job.cause(), again, chosen or short))
        if machine is not None:
            self._end(self._remove(machine))
            self._left.append(f"{self._plan.folder.id}-{job.id}")
            for other in self._tasks:
                self._tidy(other)
        if not (job.retired or chosen) and (machine is None or machine.layout is None):
            why = None if machine is None else self._failed.get(machine.name)
            self._on_dud(job.cause() + (f": {why}" if why else ""))

    def _on_dud(self, reason: str, hint: str = "") -> None:
        """A job was of no use; several in a row end the experiment."""
        self._duds += 1
        if self._duds >= _MOST_DUDS:
            text = f"{self._duds} Slurm jobs ended before a trial could start: {reason}"
            self.post(Broke(AnnotateError(text, hint=hint)))

    def _pilots(self) -> list[Pilot]:
        """The pilots that have not been told to end."""
        trials: dict[str, list[int]] = {job.id: [] for job in self._jobs.values()}
        for run in self._runs.values():
            job = None if run.machine is None else self._job_of(run.machine)
            if job is not None:
                trials[job.id].append(run.trial)
        slots = self._request.slots
        return [
            Pilot(job, trials[job.id], is_full=len(trials[job.id]) >= slots)
            for job in self._jobs.values()
            if not job.retired
        ]

    def _drain(self) -> None:
        """Give no more trials to pilots whose time ends, and end those that have none."""
        if not self._request.pilots:
            return
        pilots, waiting = self._pilots(), bool(self._waiting())
        for job in self._forecast.to_drain(pilots, self._request.pilots, waiting=waiting):
            if job.machine is not None:
                job.machine.draining = True
        for pilot in pilots:
            machine = pilot.job.machine
            if machine is not None and machine.draining and not pilot.trials:
                self._retire(pilot.job)

    def _retire(self, job: SlurmJob) -> None:
        """End a job in which nothing runs that is needed."""
        if job.retired or self._ending:
            return
        job.retired = True
        if job.machine is not None:
            job.machine.draining = True
        self._end(self._end_job(job))

    async def _end_job(self, job: SlurmJob) -> None:
        machine = job.machine
        if machine is not None:
            await machine.close(_END_LIMIT)
            await self._remove(machine, 1.0)
        if not _has_closed(job):
            try:
                await commands.cancel([job.id])
            except SlurmFailed as error:
                logging.warning("scancel %s: %s", job.id, error)
                return
        if self._jobs.get(job.id) is job and not any(
            run.machine is machine for run in self._runs.values() if machine
        ):
            del self._jobs[job.id]
        self._done.add(job.id)

    def _end(self, ending: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(ending)
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)


def _has_closed(job: SlurmJob) -> bool:
    return job.machine is not None and job.machine.closed.is_set()
