"""Lets trials start once they have leased GPUs, on whichever machine has them first."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from annotate.errors import AnnotateError
from runtime.core.config import Config
from runtime.core.failures import Failure
from runtime.core.options import AUTO
from runtime.core.trial import GpuUse, Trial, TrialState
from runtime.executors.base import Executor, NewView
from runtime.gpus.leases import Lease, Leases
from runtime.gpus.packing import out_of_memory
from runtime.gpus.waiting import Key, Wait
from runtime.loop.gpu_site import DistantSite, Site
from runtime.loop.trials import Trials

_START = 120.0  # seconds; a trial that fails sooner, without a report, failed at its start
_MOST_FAULTS = 3  # GPUs lost under one trial; after more, the trial may be the cause
_PATIENCE = 3.0  # seconds that a trial may wait before the user is told
_KEEP = 10.0  # seconds between two writes of values that keep changing


@dataclass(slots=True)
class _Waiting:
    """A waiting trial, in monotonic seconds.

    `began` is when it began to wait, `since` when the current reason began, and `stored` when
    its waiting was last stored. `answers` are what each machine said last.
    """

    began: float
    since: float
    stored: float
    wait: Wait
    answers: dict[str, Wait] = field(default_factory=dict)


class GpuGate:
    """A gate for trials that lease GPUs. Passes messages for the user to `note`.

    Machines of `executor` are known from their first view on.
    """

    def __init__(
        self,
        config: Config,
        experiment: str,
        trials: Trials,
        executor: Executor,
        note: Callable[[str], None],
    ) -> None:
        self._config, self._experiment, self._executor = config, experiment, executor
        self._asked = config.gpus or 0
        self._auto = config.concurrency == AUTO
        self._trials = trials
        self._note = note
        self._sites: dict[str, Site] = {}
        self._unused: dict[Key, float] = {}  # why a GPU is unused, and since when
        self._waiting: dict[int, _Waiting] = {}
        self._running: dict[int, float] = {}  # when each trial's use was last stored
        self._faults: Counter[int] = Counter()  # lost GPUs, by trial
        self._said: set[object] = set()

    def add(self, site: Site) -> Site:
        """Use one more machine."""
        site.asked = set(self._waiting)
        self._sites[site.name] = site
        return site

    def _distant(self, name: str) -> Site:
        """The site of another machine, made when it is first heard of."""
        if name in self._sites:
            return self._sites[name]
        config = self._config.on_machine(name)
        return self.add(DistantSite(name, config, self._experiment, self._executor))

    def _site_of(self, trial: int) -> Site | None:
        """The machine on which the trial has or claims GPUs."""
        return next((site for site in self._sites.values() if trial in site.trials), None)

    def take(self, trial: int) -> Lease | None:
        sites = self._choices(trial)
        untried = [site for site in sites if trial not in site.tried]
        if sites and not untried:
            return None
        before, waiting = self._before(trial), self._waiting.get(trial)
        answers = {} if waiting is None else dict(waiting.answers)
        for site in untried:
            answer = site.take(trial, before, self._asked)
            site.flush()
            if isinstance(answer, Lease):
                self._on_lease(trial, answer, before)
                return answer
            answers[site.name] = answer
            if trial in site.trials:  # it claims GPUs there, and no others
                self._on_wait(trial, answer)
                return None
        self._on_wait(trial, self._combined(answers))
        self._waiting[trial].answers = answers
        return None

    def _choices(self, trial: int) -> list[Site]:
        """The machines that the trial may ask, those with the most room first."""
        for site in self._sites.values():
            site.asked.add(trial)
        claimed = self._site_of(trial)
        if claimed is not None:
            return [claimed]
        return sorted(self._sites.values(), key=lambda s: len(s.trials) / max(1, s.room))

    def _combined(self, answers: Mapping[str, Wait]) -> Wait:
        """Why a trial waits, on all machines; without blocks if it only waits for a view."""
        names = [name for name in self._sites if name in answers]
        return Wait(self._asked, tuple(block for n in names for block in answers[n].blocks))

    def adopt(self, trial: Trial) -> None:
        """The trial runs already, on another machine: an earlier driver let it start."""
        self._distant(str((trial.place or {}).get("machine"))).adopt(trial)
        self._running[trial.number] = time.monotonic()

    def _before(self, trial: int) -> GpuUse:
        """The trial's use of GPUs and its waiting time so far, without a lease."""
        had, waiting = self._trials[trial].gpu or GpuUse(), self._waiting.get(trial)
        use = GpuUse(seconds=had.seconds, waited=had.waited, waited_for=had.waited_for)
        if waiting is None or not waiting.wait.blocks:
            return use
        waited = round(had.waited + time.monotonic() - waiting.began, 3)
        texts = tuple(str(block) for block in waiting.wait.blocks)
        return replace(use, waited=waited, waited_for=texts)

    def _on_lease(self, trial: int, lease: Lease, before: GpuUse) -> None:
        self._waiting.pop(trial, None)
        self._running[trial] = time.monotonic()
        self._trials.set_wait(trial, None, replace(before, gpus=lease.gpus))

    def _on_wait(self, trial: int, wait: Wait) -> None:
        now = time.monotonic()
        waiting = self._waiting.setdefault(trial, _Waiting(now, now, -_KEEP, wait))
        if not wait.blocks:
            return  # it waits only for the next view of the GPUs
        changed = wait.key != waiting.wait.key or now - waiting.stored >= _KEEP
        if changed and (str(wait) != self._trials[trial].reason):
            waiting.stored = now
            before = self._trials[trial].gpu or GpuUse()
            blocks = tuple(block.to_json() for block in wait.blocks)
            self._trials.set_wait(trial, str(wait), replace(before, waits=blocks))
        if wait.reason != waiting.wait.reason:
            waiting.since = now
        waiting.wait = wait
        if now - waiting.since >= _PATIENCE:
            self._report(trial, wait)

    def _report(self, trial: int, wait: Wait) -> None:
        """Report each reason once, whichever trial is waiting."""
        if wait.reason not in self._said:
            self._said.add(wait.reason)
            self._note(f"trial {trial} {wait}")

    def take_view(self, message: NewView) -> None:
        if message.gone:
            self._sites.pop(message.machine, None)
            return
        site = self._sites[""] if not message.machine else self._distant(message.machine)
        self._forget(site)
        try:
            self._report_all(site.see(message))
        except AnnotateError as error:
            del self._sites[site.name]
            self._executor.refuse(site.name, error.message, error.hint)
            return
        if message.away:
            self._leave(site)
        for trial in site.trials & self._running.keys():
            self._keep_use(site, trial)
            if self._trials[trial].reports and site.leases is not None:
                site.leases.worked(trial)
        site.watch.watching = bool(site.trials or self._waiting)
        if not self._waiting:
            self._said.clear()
        if self._auto:
            self._report_unused()
        site.flush()

    def _report_all(self, messages: list[str]) -> None:
        for text in messages:
            self._note(text)

    def _forget(self, site: Site) -> None:
        """Drop trials that have not asked since the site's last view: killed, or without a slot."""
        for trial in [t for t in self._waiting if t not in site.asked]:
            before = self._before(trial)
            del self._waiting[trial]
            for each in self._sites.values():
                each.give_back(trial)
                each.flush()
            if self._trials[trial].state is TrialState.WAITING:
                self._trials.set_wait(trial, None, before)

    def _leave(self, site: Site) -> None:
        """Waiting trials do not insist on GPUs of a machine that cannot be reached."""
        for trial in site.trials & self._waiting.keys():
            site.give_back(trial)

    def _report_unused(self) -> None:
        """Report why GPUs stay unused: with --concurrency auto, no trial waits for them."""
        now = time.monotonic()
        unused = {block.key: block for site in self._sites.values() for block in site.unused()}
        self._unused = {key: self._unused.get(key, now) for key in unused}
        for key, since in self._unused.items():
            if now - since >= _PATIENCE:
                self._unused[key] = math.inf
                block = unused[key]
                self._note(f"GPU {block.gpu_text} is unused: {block}")

    def _keep_use(self, site: Site, trial: int) -> None:
        use = None if site.leases is None else site.leases.use(trial)
        now = time.monotonic()
        if use is not None:
            keep = now - self._running[trial] >= _KEEP
            self._running[trial] = now if keep else self._running[trial]
            self._trials.set_gpu_use(trial, use, keep=keep)

    def started(self, trial: int, pid: int) -> None:
        site = self._site_of(trial)
        if site is not None:
            site.started(trial, pid)

    def ended(self, trial: Trial, failure: Failure | None) -> bool:
        number, site = trial.number, self._site_of(trial.number)
        self._running.pop(number, None)
        if site is None:
            return False
        use = None if site.leases is None else site.leases.use(number)
        if use is not None:
            self._trials.set_gpu_use(number, replace(use, memory=None), keep=True)
        reruns = site.leases is not None and self._judge(site.leases, trial, failure)
        site.give_back(number)
        site.flush()
        self._report_all([] if site.leases is None else site.leases.take_messages())
        return reruns

    def _judge(self, leases: Leases, trial: Trial, failure: Failure | None) -> bool:
        number = trial.number
        if failure is None:
            if trial.state is TrialState.SUCCEEDED or trial.reports:
                leases.worked(number)
            return False
        fault = leases.fault(number)
        if fault is not None and self._faults[number] < _MOST_FAULTS:
            self._faults[number] += 1
            self._note(f"trial {number} was interrupted because {fault}; it will run again")
            return True
        if out_of_memory(failure.text):
            beside = leases.crowded(number)
            if beside is not None:
                self._note(
                    f"trial {number} ran out of GPU memory {beside}: it will run again, alone"
                )
                return True
        elif not trial.reports and (trial.seconds(time.time()) or 0.0) < _START:
            leases.failed(number, failure.kind)
        return False

    def slots(self, config: Config) -> int:
        self._auto = config.concurrency == AUTO  # a request may change it
        if isinstance(config.concurrency, int):
            return config.concurrency
        return max(1, sum(site.room for site in self._sites.values()))

    def close(self) -> None:
        for trial in self._waiting:
            if self._trials[trial].state is TrialState.WAITING:
                self._trials.set_wait(trial, None, self._before(trial))
        for site in self._sites.values():
            site.close()
