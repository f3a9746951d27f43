"""Runs trials in actors of Ray, each of which holds an agent on a node."""

from __future__ import annotations

import asyncio
import base64
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
from runtime.executors.base import Broke, Event, Job
from runtime.executors.ray import placing
from runtime.executors.ray.carrier import ActorCarrier
from runtime.executors.ray.connection import Gone, RayConnection
from runtime.executors.ray.holdings import Holding, machine_name, new_name, prefix
from runtime.executors.ray.placing import Demand, Node
from runtime.executors.ray.request import RayRequest
from runtime.executors.remote import code
from runtime.executors.remote.carrier import Unreachable
from runtime.executors.remote.executor import RemoteExecutor
from runtime.executors.remote.machine import Machine
from runtime.executors.remote.patience import Patience
from runtime.executors.remote.plan import Plan
from runtime.executors.remote.run import End, Run

_TICK = 1.0  # seconds between two looks at our own actors
_LOOK = 0.5  # seconds between two looks at the cluster while trials wait
_RETRY = 5.0  # seconds until Ray is asked again after it failed
_PLACED = 120.0  # seconds for an actor to start where its resources were free
_ASKED = 4  # actors that wait for Ray to find them a place, which may start nodes for them
_IDLE = 60.0  # seconds without trials after which an actor gives its resources back
_MOST_DUDS = 3  # times in a row that actors may end before their agent answered
_STARTING = "Ray starts an actor for it"
_END_LIMIT = 5.0  # seconds for an agent to end
_KILL_LIMIT = 10.0  # seconds for Ray to end actors, at the experiment's end


class RayExecutor(RemoteExecutor):
    """Takes resources for as many trials as run at a time, and uses each actor as a machine.

    Actors outlive this driver, so that their resources stay taken while their trials run on.
    """

    def __init__(
        self,
        post: Callable[[Event], None],
        request: RayRequest,
        plan: Plan,
        demand: Demand,
        note: Callable[[str], None] = lambda text: None,
        python: str = "",
    ) -> None:
        self._request, self._python, self._demand = request, python, demand
        self._id = plan.folder.id
        self._holdings: dict[str, Holding] = {}
        self._nodes: list[Node] = []
        self._look_at = 0.0
        self._trouble: str | None = None  # what Ray said when it last failed
        self._patience = Patience(note)
        self._duds, self._dud_at, self._adopted = 0, -math.inf, False
        self._others: set[asyncio.Task[None]] = set()
        super().__init__(post, [], plan, note)
        self.room = 1  # until the cluster is known

    # What the other machines do too

    def _open(self) -> None:
        self._ray = RayConnection(self._request.address)
        self._wake = asyncio.Event()
        self._supplying = self._loop.create_task(self._supply())

    async def _close(self) -> None:
        self._supplying.cancel()  # Ray may not answer
        await super()._close()
        for task in list(self._others):
            task.cancel()
        await asyncio.gather(self._supplying, *self._others, return_exceptions=True)
        ends = [self._end_actor(holding) for holding in list(self._holdings.values())]
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(*ends), _KILL_LIMIT)
        if self._holdings:
            self._note("Ray did not end its actors; without a driver they end after ten minutes")
        await self._ray.close()

    async def _on_open_end(self, machine: Machine) -> None:
        return  # its actor is killed

    async def _take_up(self, trial: int, folder: TrialFolder, place: Mapping[str, JSON]) -> bool:
        actor, slot = place.get("actor"), place.get("slot")
        if actor is None:
            return False
        holding = self._holdings.get(actor) or await self._adopt(actor)
        if holding is not None:
            holding.take(trial, slot)
        return await super()._take_up(trial, folder, place)

    def _begin(self, run: Run) -> None:
        super()._begin(run)
        self._wake.set()

    def _send(self, run: Run, job: Job, machine: Machine) -> None:
        holding = self._holding_of(machine)
        assert holding is not None
        slot = holding.slot_of(run.trial)
        if slot is None:
            slot = holding.take(run.trial)
        variables = {**job.variables, **holding.variables(slot, self._request)}
        super()._send(run, replace(job, variables=variables), machine)

    def _place(self, run: Run, machine: Machine) -> dict[str, JSON]:
        holding = self._holding_of(machine)
        assert holding is not None
        about = {"actor": holding.actor, "slot": holding.slot_of(run.trial)}
        return {**super()._place(run, machine), **about}

    def _finish(self, run: Run, end: End) -> None:
        holding = None if run.machine is None else self._holding_of(run.machine)
        if holding is not None and self._runs.get(run.trial) is run:
            holding.give_back(run.trial)
        super()._finish(run, end)
        self._wake.set()

    def on_ready(self, machine: Machine, runs: Sequence[Mapping[str, JSON]]) -> None:
        self._duds = 0
        super().on_ready(machine, runs)

    def on_down(self, machine: Machine, error: Unreachable) -> None:
        self._failed[machine.name] = error
        holding = self._holding_of(machine)
        if error.final and holding is not None:
            self._lose(holding, error)
        self._wake.set()

    def _why_waiting(self) -> str | None:
        if self._trouble is not None:
            return f"Ray: {self._trouble}"
        if any(h.machine is None and h.node is not None for h in self._holdings.values()):
            return _STARTING
        if any(h.machine is None for h in self._holdings.values()):
            return placing.why_waiting(self._nodes, self._request)
        return None if self._nodes else _STARTING

    # Actors

    def _holding_of(self, machine: Machine) -> Holding | None:
        return next((h for h in self._holdings.values() if h.machine is machine), None)

    async def _supply(self) -> None:
        """Keep as many actors as are needed, and follow them."""
        while True:
            pause = _TICK
            try:
                await self._step()
                self._trouble = None
            except Unreachable as error:
                self._trouble, pause = str(error), _RETRY
            except Exception as error:
                logging.exception("actors of Ray")
                self.post(Broke(error))
                return
            self._assign()
            why = self._why_waiting() if self._waiting() else None
            self._patience.wait(None if why == _STARTING else why)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()

    async def _step(self) -> None:
        await self._ray.connect()
        if not self._settled:
            return
        if not self._adopted:
            for actor in await self._ray.call("kept", prefix=prefix(self._id)):
                if actor not in self._holdings:
                    await self._adopt(actor)
            self._adopted = True
        self._retire_idle()
        if self._waiting() and time.monotonic() >= self._look_at:
            await self._look()
            self._ask()

    async def _look(self) -> None:
        """See which nodes there are, and what is free there."""
        self._nodes = [Node.from_json(node) for node in await self._ray.call("nodes")]
        self._look_at = time.monotonic() + _LOOK
        self.room = placing.room(self._nodes, self._request)

    def _missing(self) -> int:
        """How many more slots are needed."""
        slots = sum(h.slots for h in self._holdings.values() if not h.retired)
        return max(len(self._runs), self._demand.slots(self.room or 1)) - slots

    def _ask(self) -> None:
        """Ask for actors: where resources are free, else wherever Ray finds some."""
        taken: dict[str, int] = {}
        for holding in self._holdings.values():
            if holding.node is not None:
                taken[holding.node] = taken.get(holding.node, 0) + holding.slots
        waiting = [h for h in self._holdings.values() if h.node is None and h.machine is None]
        missing = self._missing()
        if not waiting:
            for node, slots in placing.spread(self._nodes, self._request, missing, taken):
                self._add_actor(slots, node)
                missing -= slots
        full = self._request.slots is not None and all(
            taken.get(node.id, 0) >= self._request.slots for node in self._nodes
        )
        if not full:
            for _ in range(min(missing, _ASKED - len(waiting))):
                self._add_actor(1, None)

    def _add_actor(self, slots: int, node: str | None) -> None:
        holding = Holding(new_name(self._id), slots, node=node)
        self._holdings[holding.actor] = holding
        self._run_beside(self._start(holding))

    async def _start(self, holding: Holding) -> None:
        """Create the actor, and use it once Ray has placed it."""
        limit = None if holding.node is None else _PLACED
        needs = placing.resources_for(self._request, holding.slots)
        try:
            await self._ray.call(
                "ask", name=holding.actor, needs=needs, node=holding.node, detached=True
            )
            placed = await self._ray.call("about", limit=limit, name=holding.actor)
            holding.name = machine_name(placed, [h.name for h in self._holdings.values()])
            await self._hold(holding, placed)
        except Gone as error:
            self._forget(holding)
            if not holding.retired:
                self._on_dud(str(error))
        except Unreachable as error:
            logging.warning("actor %s: %s", holding.actor, error)
            await self._end_actor(holding)
        else:
            self._use(holding, placed)

    async def _hold(self, holding: Holding, placed: Mapping[str, Any]) -> None:
        """Have the actor start its agent."""
        python = self._python or placed["python"]
        command = code.start_command(f"{self._id}-{_instance(holding)}", python, "hold")
        await self._ray.call(
            "hold",
            base64.encodebytes(code.archive()),
            name=holding.actor,
            command=command,
            threads=max(1, int(self._request.cpus)),
            kept=holding.kept(),
        )

    def _use(self, holding: Holding, placed: Mapping[str, Any]) -> None:
        holding.node, holding.gpus = placed["node"], tuple(placed["gpus"])
        python = self._python or placed["python"]
        carrier = ActorCarrier(self._ray, holding.actor, holding.name, holding.slots, python)
        holding.machine = self._add(carrier)
        self._heard.add(holding.name)  # trials do not wait for it
        self._wake.set()

    async def _adopt(self, actor: str) -> Holding | None:
        """Use an actor of an earlier driver; None if it has ended."""
        try:
            placed = await self._ray.call("about", name=actor)
        except Unreachable:
            return None
        kept = placed["kept"]
        holding = self._holdings[actor] = Holding(actor, kept.get("slots", 0))
        if kept:
            holding.name = kept["machine"]
            self._use(holding, placed)
            return holding
        await self._end_actor(holding)  # its driver died before it had an agent
        return None

    def _lose(self, holding: Holding, error: Unreachable) -> None:
        """The actor has ended, and with it everything that ran there."""
        machine = holding.machine
        assert machine is not None
        self._forget(holding)
        self._failed.pop(machine.name, None)
        runs = [run for run in self._runs.values() if run.machine is machine]
        for run in runs:
            self._finish(run, End(-signal.SIGKILL, f"{machine.name}: {error}", lost=True))
        if runs and not holding.retired:
            self._note(f"{machine.name}: {error}")
        if machine.layout is None and not holding.retired:
            self._on_dud(f"{machine.name}: {error}", error.hint)
        self._run_beside(self._remove(machine))

    def _forget(self, holding: Holding) -> None:
        self._holdings.pop(holding.actor, None)
        self._wake.set()

    def _on_dud(self, reason: str, hint: str = "") -> None:
        """Actors were of no use; several times in a row, that ends the experiment."""
        now = time.monotonic()
        if now < self._dud_at + _RETRY:
            return  # a node may lose many at once
        self._duds, self._dud_at = self._duds + 1, now
        if self._duds >= _MOST_DUDS:
            text = f"actors of Ray end before a trial can start: {reason}"
            self.post(Broke(AnnotateError(text, hint=hint)))

    def _retire_idle(self) -> None:
        """Give back the resources of actors that have been without a trial for long."""
        now = time.monotonic()
        if self._waiting():
            return
        for holding in list(self._holdings.values()):
            is_idle = not holding.used and now >= holding.idle_since + _IDLE
            if is_idle and not holding.retired:
                holding.retired = True
                if holding.machine is not None:
                    holding.machine.draining = True
                self._run_beside(self._end_actor(holding))

    async def _end_actor(self, holding: Holding) -> None:
        machine = holding.machine
        if machine is not None:
            await machine.close(_END_LIMIT)
            await self._remove(machine, 1.0)
        if machine is None or not machine.closed.is_set():
            with contextlib.suppress(Unreachable):
                await self._ray.call("kill", name=holding.actor)
        self._forget(holding)

    def _run_beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)


def _instance(holding: Holding) -> str:
    return holding.actor.rpartition("-")[2]
