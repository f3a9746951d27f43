"""The agent: one process per experiment and machine, which runs trials for a driver elsewhere.

It outlives the driver's connection. Whoever attaches is told what runs, and gets what it lacks of
the runs' files from the offsets that it names. Requests, as messages of `frames.py`:

    hello   protocol
    trees   trees: by name, lists of entries as in `bundles.py`
    blob    sha256, offset, last, and bytes
    build   names of trees to build; files: small files of the experiment, by path
    serve   cwd: the trials' working folder; umask; command: of the fork server, null for none
    start   run, task, limit: bytes of its output folder that come home; files: by name their
            sizes, and bytes; gpus: UUIDs of the GPUs that it leases
    have    run, offsets: what the driver has of each file
    stop    run, grace
    forget  run: remove its folder; keep: a folder to which its output folder is moved, or null
    gpus    experiment; claims: GPUs to lock, by UUID the claim's token; watch: whether to look on
    tidy    names: folders of other agents of this experiment, whose jobs are over
    ping
    close   kill all trials, and end

and answers:

    welcome protocol, facts, runs
    need    hashes
    built
    started run, time, pid
    out     run, file, offset, and bytes
    file    run, path, offset, size, and bytes: of the output folder, before `ended`
    ended   run, time, code, cause, lost; left: names of files beyond the limit
    gpus    what `gpus/desk.py` posts
    pong
    warned  the process that leads to the driver was ended, as an engine does before it ends the job
    broke   reason: a bug of ours, or a damaged request; the agent ends the connection
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import shutil
import signal
import socket
import threading
import time
from typing import Any, Dict, List, Optional, Set, Tuple

from runtime.stage.agent import outputs
from runtime.stage.agent.bundles import Bundles
from runtime.stage.agent.facts import facts_of
from runtime.stage.agent.follower import Follower, describe
from runtime.stage.agent.fork_server import ServerCommand
from runtime.stage.agent.frames import Message
from runtime.stage.agent.gpus.desk import Desk
from runtime.stage.agent.link import Link, take_over
from runtime.stage.agent.runner import Runner
from runtime.stage.agent.runs import FILES, Run, Runs
from runtime.stage.agent.task import CannotStart, Task

PROTOCOL = 1
SOCKET = "agent.sock"
_IDLE = 600.0  # seconds without driver and running trial after which the agent ends
_UNUSED = 5.0  # the same, if it keeps nothing that a driver could want
_DOUBT = 1.0  # seconds for an engine's SIGTERM to reach the agent after its trials
_TERMINATED = (-signal.SIGTERM, 128 + signal.SIGTERM)
_TREES = {"stage": "stage", "snapshot": "snapshot", "code": "code"}  # folders of the experiment


class Agent:
    """Serves the experiment's folder, the current folder, until it is closed or not needed.

    With `holds`, it belongs to a job of an engine, which ends it and its trials by SIGTERM, or by
    closing the other end of the descriptor `lifeline`. The trials' ends then say nothing, and are
    not told. Nobody takes up its folder.
    """

    def __init__(self, *, holds: bool = False, lifeline: Optional[int] = None) -> None:
        self._holds = holds
        self._revoked = False  # whether the engine has ended the job
        self._doubtful: List[Tuple[float, Run, Dict[str, Any]]] = []  # ends, and when to believe
        self._folder = os.getcwd()
        self._runs = Runs(os.path.join(self._folder, "runs"))
        self._runs.recover()
        self._bundles = Bundles(os.path.join(self._folder, "..", "..", "contents"))
        self._trees: Dict[str, List[Any]] = {}
        self._environment = dict(os.environ)
        self._follower = Follower()
        self._runner: Optional[Runner] = None
        self._desk = Desk(self._wake)
        self._listening = _listen()
        self._link: Optional[Link] = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._wake_read, self._wake_write = os.pipe()
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._lifeline = lifeline
        if lifeline is not None:
            os.set_inheritable(lifeline, False)
            self._selector.register(lifeline, selectors.EVENT_READ)
        self._busy_at = time.monotonic()
        self._closing = False

    def serve(self) -> None:
        if self._holds:
            signal.signal(signal.SIGTERM, self._on_term)
        while not (self._closing or self._revoked or self._is_idle()):
            self._wait()
            if self._revoked:
                break
            self._take_news()
            if self._link is not None:
                self._exchange(self._link)
        if self._revoked and self._link is not None:
            self._drop(self._link)
        if self._runner is not None:
            self._runner.end()
            self._runner.run()
            self._runner.close()
        self._desk.close()
        self._runs.close()
        if self._closing or self._holds or not self._runs.by_name:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._say_closed()

    def _wait(self) -> None:
        """Wait until there is something to do, and let the runner do its part."""
        now, patience = time.monotonic(), self._patience()
        due = None if self._runner is None else self._runner.timeout()
        ready = self._selector.select(patience if due is None else min(due, patience))
        sources = [key.fileobj for key, _ in ready]
        if self._wake_read in sources:
            os.read(self._wake_read, 4096)
        self._revoked |= self._lifeline in sources
        if self._listening in sources:
            self._accept()
        elif self._link is not None and self._link.channel in sources:
            self._selector.unregister(self._link.channel)
            self._link.send({"event": "warned"})
        is_due = due is not None and time.monotonic() >= now + due
        if self._runner is not None and (is_due or self._runner in sources):
            self._runner.step()

    def _patience(self) -> float:
        """Seconds until the agent looks whether it is still needed, and what it may believe."""
        if self._doubtful:
            return _DOUBT
        return _UNUSED if self._link is None else _IDLE / 10

    def _on_term(self, number: int, frame: Any) -> None:
        self._revoked = True
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b".")

    def _take_news(self) -> None:
        """Record what the runner says; an end waits until all that came before it is sent."""
        while self._follower.news:
            key, event, fields = self._follower.news.popleft()
            run = self._runs.by_key(key)
            if run is None:
                continue
            run.has_news = True
            if event == "ended":
                self._end(run, fields)
            elif event == "cleared":
                self._runs.clear(run)
            elif event == "started":
                run.started = fields
                if self._link is not None:
                    self._link.send({"event": "started", "run": run.name, **fields})
        while self._doubtful and time.monotonic() >= self._doubtful[0][0]:
            self._believe(*self._doubtful.pop(0)[1:])

    def _end(self, run: Run, fields: Dict[str, Any]) -> None:
        """Record an end, unless SIGTERM may be about to reach this agent too."""
        if self._holds and fields["code"] in _TERMINATED and not run.stopping:
            self._doubtful.append((time.monotonic() + _DOUBT, run, fields))
        else:
            self._believe(run, fields)

    def _believe(self, run: Run, fields: Dict[str, Any]) -> None:
        run.end, run.has_news = fields, True
        if self._link is None:
            run.keep_end()
            self._desk.keep(self._busy_gpus())

    def _is_idle(self) -> bool:
        if self._link is not None or any(run.end is None for run in self._runs):
            self._busy_at = time.monotonic()
        limit = _IDLE if self._runs.by_name or self._holds else _UNUSED
        return time.monotonic() > self._busy_at + limit or not os.path.exists(SOCKET)

    # The driver

    def _accept(self) -> None:
        try:
            channel, _ = self._listening.accept()
        except BlockingIOError:
            return
        try:
            driver = take_over(channel)
        except OSError:
            logging.exception("a connection failed")
            channel.close()
            return
        if self._link is not None:  # its connection broke, and we have not noticed
            self._drop(self._link)
        self._link = driver
        self._selector.register(driver.source, selectors.EVENT_READ)
        if self._holds:
            self._selector.register(driver.channel, selectors.EVENT_READ)

    def _drop(self, old: Link) -> None:
        for descriptor in (old.source, old.goal, old.channel):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(descriptor)
        old.close()
        self._link = None
        for run in self._runs:
            run.have, run.end_sent = None, False
            if run.end is not None:
                run.keep_end()
        self._desk.keep(self._busy_gpus())

    def _exchange(self, driver: Link) -> None:
        try:
            for message, data in driver.read():
                self._handle(driver, message, data)
            self._send_news(driver)
            driver.flush()
        except Exception as error:
            logging.exception("a request failed")
            driver.send({"event": "broke", "reason": describe(error)})
            driver.flush()
            self._drop(driver)
            return
        if driver.closed:
            self._drop(driver)
            return
        registered = driver.goal in self._selector.get_map()
        if driver.has_waiting and not registered:
            self._selector.register(driver.goal, selectors.EVENT_WRITE)
        elif registered and not driver.has_waiting:
            self._selector.unregister(driver.goal)

    def _send_news(self, driver: Link) -> None:
        """Send what the driver lacks of the runs, fairly, and ends after all that came before."""
        news = self._desk.take_news()
        if news is not None:
            driver.send({"event": "gpus", **news})
        runs = [run for run in self._runs if run.has_news and run.have is not None]
        while runs and not driver.is_full and not driver.closed:
            runs = [run for run in runs if self._send_next(driver, run)]

    def _send_next(self, driver: Link, run: Run) -> bool:
        """Send the next piece of a run; False if there is none."""
        run.has_news, end = False, run.end
        chunk = run.next_chunk()
        if chunk is not None:
            name, offset, data = chunk
            driver.send({"event": "out", "run": run.name, "file": name, "offset": offset}, data)
            run.has_news = True
            return True
        if end is not None and not run.end_sent:
            left = outputs.send(driver, run)
            driver.send({"event": "ended", "run": run.name, "left": left, **end})
            run.end_sent = True
        return False

    def _handle(self, driver: Link, message: Message, data: bytes) -> None:
        handler = getattr(self, "_do_" + str(message.get("do")), None)
        if handler is None:
            raise ValueError("unknown request %r" % (message.get("do"),))
        handler(driver, message, data)

    def _do_hello(self, driver: Link, message: Message, data: bytes) -> None:
        driver.send(
            {
                "event": "welcome",
                "protocol": PROTOCOL,
                "facts": facts_of(self._folder),
                "serving": self._runner is not None,
                "runs": [run.summary() for run in self._runs],
            }
        )

    def _do_ping(self, driver: Link, message: Message, data: bytes) -> None:
        driver.send({"event": "pong"})

    def _do_trees(self, driver: Link, message: Message, data: bytes) -> None:
        self._trees = message["trees"]
        entries = [entry for tree in self._trees.values() for entry in tree]
        driver.send({"event": "need", "hashes": self._bundles.missing(entries)})

    def _do_blob(self, driver: Link, message: Message, data: bytes) -> None:
        self._bundles.add(message["sha256"], message["offset"], data, last=message["last"])

    def _do_build(self, driver: Link, message: Message, data: bytes) -> None:
        for name in message["names"]:
            self._bundles.build(self._trees[name], os.path.join(self._folder, _TREES[name]))
        for path, text in message["files"].items():
            with open(os.path.join(self._folder, path), "w", errors="surrogateescape") as file:
                file.write(text)
        driver.send({"event": "built"})

    def _do_serve(self, driver: Link, message: Message, data: bytes) -> None:
        if self._runner is not None:
            return
        command = message["command"]
        if command is not None:
            environment = self._inherit(command["environment"])
            command = ServerCommand(**dict(command, environment=environment))
        os.makedirs(message["cwd"], exist_ok=True)  # nothing of it may have been sent
        stage = os.path.join(self._folder, "stage")
        umask = int(message["umask"])
        self._runner = Runner(self._follower, umask, stage, command, outputs=True)
        self._selector.register(self._runner, selectors.EVENT_READ)

    def _inherit(self, variables: Dict[str, str]) -> Dict[str, str]:
        """The machine's environment with a trial's variables, and both of Python's paths."""
        joined = {**self._environment, **variables}
        own = self._environment.get("PYTHONPATH")
        if own and "PYTHONPATH" in variables:
            joined["PYTHONPATH"] = os.pathsep.join([variables["PYTHONPATH"], own])
        return joined

    # Runs

    def _do_start(self, driver: Link, message: Message, data: bytes) -> None:
        assert self._runner is not None
        name = message["run"]
        if name in self._runs.by_name:
            return  # the connection broke after the request had come
        run = self._runs.make(name)
        run.gpus = tuple(message["gpus"])
        run.have, run.limit = dict.fromkeys(FILES, 0), int(message["limit"])
        offset = 0
        for path, size in message["files"].items():
            goal = os.path.join(run.folder, path)
            os.makedirs(os.path.dirname(goal), exist_ok=True)
            with open(goal, "wb") as file:
                file.write(data[offset : offset + size])
            offset += size
        fields = dict(message["task"])
        for key in ("command", "argv"):
            fields[key] = None if fields[key] is None else tuple(fields[key])
        fields["environment"] = self._inherit(fields["environment"])
        task = Task(**dict(fields, trial=run.key))
        self._follower.watch(task.trial, run.folder)
        try:
            if not self._desk.holds(run.gpus):
                self._refuse(run, "its GPU was leased to another experiment meanwhile", lost=True)
                return
            self._runner.start(task)
        except (CannotStart, OSError) as error:
            self._refuse(run, str(error))

    def _refuse(self, run: Run, cause: str, *, lost: bool = False) -> None:
        run.cleared = True
        self._believe(run, {"time": time.time(), "code": 1, "cause": cause, "lost": lost})

    def _do_have(self, driver: Link, message: Message, data: bytes) -> None:
        run = self._runs.by_name.get(message["run"])
        if run is None:
            return
        run.have = {name: int(message["offsets"].get(name, 0)) for name in FILES}
        run.has_news = True
        if run.started is not None:
            driver.send({"event": "started", "run": run.name, **run.started})

    def _do_stop(self, driver: Link, message: Message, data: bytes) -> None:
        run = self._runs.by_name.get(message["run"])
        if run is not None and run.end is None and self._runner is not None:
            run.stopping = True
            self._runner.stop(run.key, float(message["grace"]))

    def _do_forget(self, driver: Link, message: Message, data: bytes) -> None:
        run = self._runs.by_name.get(message["run"])
        if run is not None and message["keep"] is not None:
            with contextlib.suppress(OSError):  # the trial has removed it
                os.renames(os.path.join(run.folder, "output"), message["keep"])
        self._runs.forget(message["run"])

    def _do_tidy(self, driver: Link, message: Message, data: bytes) -> None:
        for name in message["names"]:
            folder = os.path.join(os.path.dirname(self._folder), os.path.basename(name))
            threading.Thread(target=shutil.rmtree, args=(folder, True)).start()

    # GPUs

    def _do_gpus(self, driver: Link, message: Message, data: bytes) -> None:
        watch, busy = message["watch"], self._busy_gpus()
        self._desk.serve(message["experiment"], message["claims"], watch=watch, busy=busy)

    def _busy_gpus(self) -> Set[str]:
        """The GPUs of trials that run; without a driver, only they stay leased."""
        return {uuid for run in self._runs if run.end is None for uuid in run.gpus}

    def _do_close(self, driver: Link, message: Message, data: bytes) -> None:
        self._closing = True

    def _say_closed(self) -> None:
        if self._link is not None:
            self._link.send({"event": "closed"})
            self._link.flush()
            self._link.close()


def _listen() -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(SOCKET)
    listening.listen(8)
    listening.setblocking(False)
    return listening
