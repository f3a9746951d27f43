"""Serves the machine's GPUs to a driver elsewhere: holds locks for it, and reads the GPUs."""

from __future__ import annotations

import getpass
import os
import threading
import time
from dataclasses import asdict, dataclass
from queue import SimpleQueue
from typing import Any, Callable, Collection, Dict, Mapping, Optional

from runtime.stage.agent.gpus.device import GIB, View
from runtime.stage.agent.gpus.locks import AlreadyHeld, CannotLease, Holder, Lock, Locks
from runtime.stage.agent.gpus.nvml import NoNvml, Nvml
from runtime.stage.agent.gpus.polling import Poller

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass
class _Held:
    """A lock that we hold. `token` is the driver's name for its last claim, which came at `time`.

    `time` is in monotonic seconds, `since` in seconds since the epoch.
    """

    lock: Lock
    token: int
    time: float
    since: float


class Desk:
    """The GPUs that one experiment leases. Opens nothing until a driver asks.

    Calls `wake`, in another thread, when there is something for the driver.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._news: SimpleQueue[Dict[str, Any]] = SimpleQueue()
        self._experiment = ""
        self._mutex = threading.Lock()
        self._held: Dict[str, _Held] = {}
        self._others: Dict[str, Holder] = {}
        self._unusable = ""
        self._nvml: Optional[Nvml] = None
        self._locks: Optional[Locks] = None
        self._poller: Optional[Poller] = None

    def serve(
        self, experiment: str, claims: Mapping[str, int], *, watch: bool, busy: Collection[str]
    ) -> None:
        """Hold the locks of the GPUs in `claims`, by UUID its token, and of those in `busy`.

        Then there are news with a view, and more of them while `watch` is set.
        """
        poller = self._open(experiment)
        with self._mutex:
            self._release_except({*claims, *busy})
            for uuid, token in claims.items():
                self._claim(uuid, token)
        poller.watching = watch
        poller.request()

    def keep(self, busy: Collection[str]) -> None:
        """Hold no lock but those of the GPUs in `busy`, as no driver is there."""
        with self._mutex:
            self._release_except(busy)
        if self._poller is not None:
            self._poller.watching = False

    def holds(self, uuids: Collection[str]) -> bool:
        """Whether all these GPUs are locked for the experiment."""
        with self._mutex:
            return all(uuid in self._held for uuid in uuids)

    def take_news(self) -> Optional[Dict[str, Any]]:
        """What the driver is to know, if there is something new.

        That is `view`, the GPUs; `held`, the locks that we hold by UUID, each with the claim's
        token and when it came; `others`, by UUID who else holds the lock of a claimed or used GPU;
        `visible`, our own CUDA_VISIBLE_DEVICES; `unusable`, why no GPU here can be leased.
        """
        news: Optional[Dict[str, Any]] = None
        while not self._news.empty():
            former, news = news, self._news.get()
            if former is not None:  # only its errors are not in the newer view
                news["view"]["xids"] = (*former["view"]["xids"], *news["view"]["xids"])
        return news

    def close(self) -> None:
        self.keep(())
        if self._poller is not None:
            self._poller.close()

    def _open(self, experiment: str) -> Poller:
        if self._poller is None:
            self._experiment = experiment
            try:
                self._locks = Locks()
            except CannotLease as error:
                self._unusable = f"{error} ({error.hint})"
            self._poller = Poller(self._read, self._tell)
        return self._poller

    def _release_except(self, wanted: Collection[str]) -> None:
        for uuid in [uuid for uuid in self._held if uuid not in wanted]:
            self._held.pop(uuid).lock.release()

    def _claim(self, uuid: str, token: int) -> None:
        held = self._held.get(uuid)
        if held is None:
            self._lock(uuid, token)
        elif held.token != token:
            held.token, held.time = token, time.monotonic()

    def _lock(self, uuid: str, token: int) -> None:
        if self._locks is None:
            return
        try:
            lock = self._locks.take(uuid)
        except AlreadyHeld as taken:
            self._others[uuid] = taken.holder
        except CannotLease as error:
            self._unusable = f"{error} ({error.hint})"
        else:
            self._others.pop(uuid, None)
            self._held[uuid] = _Held(lock, token, time.monotonic(), time.time())

    # In the thread of the poller

    def _read(self) -> View:
        if self._nvml is not None:
            return self._nvml.view()
        began = time.monotonic()
        try:
            self._nvml = Nvml()
        except NoNvml as error:
            self._unusable = str(error)
            return View(began, trouble=self._unusable)
        return self._nvml.first_view()

    def _tell(self, view: View) -> None:
        with self._mutex:
            self._look_at_others(view)
            for held in self._held.values():
                held.lock.sign(Holder(os.getpid(), user(), self._experiment, held.since))
            fields = {
                "view": view.to_json(),
                "held": {uuid: (held.token, held.time) for uuid, held in self._held.items()},
                "others": {uuid: asdict(holder) for uuid, holder in self._others.items()},
                "visible": os.environ.get(VISIBLE),
                "unusable": self._unusable,
            }
        self._news.put(fields)
        self._wake()

    def _look_at_others(self, view: View) -> None:
        """Find out who else holds the locks that were claimed in vain, and those of GPUs in use."""
        in_use = {d.uuid for d in view.devices if d.processes or d.used >= GIB}
        for uuid in {*self._others, *in_use} - self._held.keys():
            self._others.pop(uuid, None)
            try:
                if self._locks is not None:
                    self._locks.take(uuid).release()
            except AlreadyHeld as taken:
                self._others[uuid] = taken.holder
            except CannotLease as error:
                self._unusable = f"{error} ({error.hint})"


def user() -> str:
    """This process's user, as shown to others."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
