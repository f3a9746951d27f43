"""An executor that starts nothing: its trials start, report and end by a clock that skips waits."""

import heapq
import random
import threading
import time
from queue import Empty, SimpleQueue

from runtime.core.metrics import Batch
from runtime.core.trial import Report
from runtime.executors.base import Cleared, Ended, Executor, Reported, Started

REPORTS = 10  # of each trial
_AHEAD = 500  # reports that may wait to be handled before the clock stops
_SPREAD = 1.0  # of the logarithm of trials' lengths: one in six takes 2.7 times the median


class Simulated(Executor):
    """Trials of log-normal lengths, in seconds, with the mean `length`; each reports ten times.

    The clock is real time while a slot is free, so everything that the driver does before it fills
    the slot takes as long as it really does. While all `slots` have trials, the clock jumps to the
    next event. With a `length` of 0, every event is due at once.

    The loss of a trial falls towards a value that `seed` and its number choose.
    """

    def __init__(self, post, *, slots, trials, length, seed):
        super().__init__(post)
        self.events = 0
        self.filled = None  # seconds until every slot had its first trial
        self.idle = 0.0  # seconds of free slots from then on, until the last trial starts
        self.busy = 0.0  # seconds of slots with trials in the same time
        self._inbox = post.__self__  # the driver's queue of messages
        self._slots, self._trials, self._length, self._seed = slots, trials, length, seed
        self._jobs = SimpleQueue()
        self._started = 0
        self._running = {}  # the final loss of each trial
        self._due = []  # heap of (time, trial, step)
        self._skipped = 0.0
        self._began = self._seen = time.time()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated", daemon=True)
        self._thread.start()

    def start(self, job):
        self._jobs.put(("start", job.trial))

    def stop(self, trial, *, grace):
        self._jobs.put(("stop", trial))

    def close(self):
        self._closing.set()
        self._thread.join()

    def _run(self):
        while not self._closing.is_set():
            self._take_jobs()
            backlog = self._inbox.qsize() > _AHEAD
            if self._due and self._due[0][0] <= self._now() and not backlog:
                self._step(*heapq.heappop(self._due))
            elif self._due and self._full() and not backlog:
                self._skipped += max(0.0, self._due[0][0] - self._now())
            else:
                self._take_jobs(wait=0.001)

    def _take_jobs(self, wait=None):
        try:
            while True:
                kind, trial = self._jobs.get(wait is not None, wait)
                wait = None
                (self._begin if kind == "start" else self._cut)(trial)
        except Empty:
            pass

    def _full(self):
        return len(self._running) == self._slots or self._started == self._trials

    def _now(self):
        return time.time() + self._skipped

    def _count_slots(self):
        now = self._now()
        if self.filled is not None and self._started < self._trials:
            self.busy += len(self._running) * (now - self._seen)
            self.idle += (self._slots - len(self._running)) * (now - self._seen)
        self._seen = now

    def _begin(self, trial):
        self._count_slots()
        self._started += 1
        rng = random.Random(f"{self._seed} {trial}")
        length = self._length * rng.lognormvariate(-(_SPREAD**2) / 2, _SPREAD)
        self._running[trial] = rng.random(), length / (REPORTS + 2)
        if self.filled is None and self._full():
            self.filled = self._now() - self._began
            self._seen = self._now()
        heapq.heappush(self._due, (self._now(), trial, 0))

    def _cut(self, trial):
        if trial in self._running:
            self._end(trial, self._now(), -15)

    def _step(self, due, trial, step):
        if trial not in self._running:
            return  # it was stopped
        loss, pause = self._running[trial]
        if step == REPORTS + 2:
            self._end(trial, due, 0)
            return
        if step == 0:
            self._post(Started(trial, due, 0))
        else:
            kind, value = ("intermediate", loss + 1 / step) if step <= REPORTS else ("final", loss)
            self._post(Reported(trial, Batch([Report(kind, value, due)])))
        heapq.heappush(self._due, (due + pause, trial, step + 1))

    def _end(self, trial, when, code):
        self._count_slots()
        del self._running[trial]
        self._post(Ended(trial, when, code))
        self.post(Cleared(trial))

    def _post(self, event):
        self.events += 1
        self.post(event)
