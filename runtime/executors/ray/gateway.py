"""The process that speaks with Ray, for a driver: `main` is all of it.

Ray starts threads, prints, and ends a process that loses its cluster, so it is kept out of the
driver. Requests come on standard input as messages of `frames.py`: `do`, the name of a method
below; `id`; and the method's arguments, the last of which may be bytes. Answers have the `id` with
a `result` or an `error`; `gone` tells that the actor has ended. The first line that it prints says
whether it is connected.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from runtime.executors.ray import actor
from runtime.stage.agent.frames import Decoder, Message, encode

_NAMESPACE = "annotate"
_REACHABLE = 5.0  # seconds for the cluster's port to answer; Ray itself tries for minutes
_STORE = 80 << 20  # bytes of the object store of a cluster of our own, which we hardly use


def main(address: str) -> None:
    """Connect to a cluster and serve the driver until it closes our standard input."""
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    out = os.dup(1)
    os.dup2(2, 1)  # Ray prints
    try:
        _connect(address)
    except Exception as error:
        os.write(out, encode(_explain(error, address)))
        return
    os.write(out, encode({"connected": ray.__version__}))
    try:
        asyncio.run(_Gateway(out).serve())
    finally:
        ray.shutdown()


def _connect(address: str) -> None:
    options: dict[str, Any] = {"namespace": _NAMESPACE, "logging_level": "ERROR"}
    if address.startswith("ray://"):
        _check_port(address.removeprefix("ray://"))
        ray.init(address, **options)
        return
    options["log_to_driver"] = False
    if address == "local":
        ray.init(
            "local",
            include_dashboard=False,
            object_store_memory=_STORE,
            _node_ip_address="127.0.0.1",
            **options,
        )
        return
    if address != "auto":
        _check_port(address)
    ray.init(address, **options)


def _check_port(address: str) -> None:
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), _REACHABLE).close()


def _explain(error: Exception, address: str) -> Message:
    """The error for users: what it is, and what to do."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if "ersion mismatch" in str(error):
        hint = "run Annotate with the cluster's versions of Ray and Python"
        return {"error": " ".join(lines), "hint": hint}
    if isinstance(error, OSError) and error.errno is not None:
        hint = "check with: ray status --address HOST:PORT"
        return {"error": f"nothing answers at {address}: {error.strerror}", "hint": hint}
    if isinstance(error, ConnectionError) and address == "auto":
        hint = "start one with `ray start --head`, or name its address; --ray local starts one"
        return {"error": "no Ray cluster runs on this machine", "hint": hint}
    # Of a traceback, the last line says what went wrong.
    return {"error": " ".join(lines[:1] + lines[1:][-1:]) or type(error).__name__, "hint": ""}


class _Gateway:
    def __init__(self, out: int) -> None:
        self._out = out
        self._actors: dict[str, Any] = {}
        self._is_client = ray.util.client.ray.is_connected()
        self._lock = asyncio.Lock()  # a name is looked up only after its actor was created
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        decoder = Decoder()
        while data := await reader.read(1 << 18):
            for message, content in decoder.feed(data):
                task = loop.create_task(self._answer(message, content))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Message, data: bytes) -> None:
        number, method = message.pop("id"), getattr(self, message.pop("do"))
        message.pop("bytes", None)
        if data:
            message["data"] = data
        try:
            result = await method(**message)
        except ray.exceptions.RayActorError as error:
            gone = not isinstance(error, ray.exceptions.ActorUnavailableError)
            answer, content = {"error": _cause(error), "gone": gone}, b""
        except Exception as error:
            answer, content = {"error": f"{type(error).__name__}: {error}"}, b""
        else:
            content = result if isinstance(result, bytes) else b""
            answer = {"result": None if content else result}
        _write(self._out, encode({"id": number, **answer}, content))

    # Requests

    async def nodes(self) -> list[dict[str, Any]]:
        """The nodes that are alive."""
        free = await self._free()
        return [
            {
                "id": node["NodeID"],
                "host": node["NodeManagerHostname"],
                "ip": node["NodeManagerAddress"],
                "total": node["Resources"],
                "free": free.get(node["NodeID"], {}),
            }
            for node in await asyncio.to_thread(ray.nodes)
            if node["Alive"]
        ]

    async def _free(self) -> Mapping[str, Mapping[str, float]]:
        if self._is_client:
            free: Mapping[str, Mapping[str, float]] = await ray.remote(num_cpus=0)(_free).remote()
            return free
        return await asyncio.to_thread(_free)

    async def kept(self, prefix: str) -> list[str]:
        """The names of our actors that begin so."""
        named = await asyncio.to_thread(ray.util.list_named_actors, True)
        names = [each["name"] for each in named if each["namespace"] == _NAMESPACE]
        return [name for name in names if name.startswith(prefix)]

    async def ask(
        self, name: str, needs: dict[str, float], node: str | None, detached: bool
    ) -> None:
        """Create an actor with these resources, on a node or wherever they are free."""
        needs = dict(needs)
        options: dict[str, Any] = {
            "num_cpus": needs.pop("CPU", 0),
            "num_gpus": needs.pop("GPU", 0),
            "memory": needs.pop("memory", None),
            "resources": needs,
            "name": name,
            "max_restarts": 0,
            "lifetime": "detached" if detached else None,
        }
        if node is not None:
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
        ray.cloudpickle.register_pickle_by_value(actor)
        create: Callable[..., Any] = ray.remote(actor.Holder).options(**options).remote
        async with self._lock:
            self._actors[name] = await asyncio.to_thread(create)

    async def about(self, name: str) -> Any:
        """What the actor says about itself, once it has a place."""
        return await (await self._actor(name)).about.remote()

    async def hold(
        self, name: str, command: list[str], threads: int, kept: dict[str, Any], data: bytes = b""
    ) -> None:
        """Have the actor start its agent."""
        holder = await self._actor(name)
        await holder.prepare.remote(threads)
        if command:
            await holder.hold.remote(command, data, kept)
            holder.until_end.remote()

    async def listen(self, name: str, command: list[str], token: str) -> Any:
        return list(await (await self._actor(name)).listen.remote(command, bytes.fromhex(token)))

    async def open(self, name: str, command: list[str]) -> Any:
        return await (await self._actor(name)).open.remote(command)

    async def read(self, name: str, stream: int, size: int) -> Any:
        return await (await self._actor(name)).read.remote(stream, size)

    async def write(self, name: str, stream: int, data: bytes) -> Any:
        return await (await self._actor(name)).write.remote(stream, data)

    async def close(self, name: str, stream: int) -> Any:
        return await (await self._actor(name)).close.remote(stream)

    async def kill(self, name: str) -> None:
        await asyncio.to_thread(ray.kill, await self._actor(name))
        self._actors.pop(name, None)

    async def _actor(self, name: str) -> Any:
        async with self._lock:
            if name not in self._actors:
                try:
                    self._actors[name] = await asyncio.to_thread(ray.get_actor, name, _NAMESPACE)
                except ValueError:
                    raise ray.exceptions.ActorDiedError from None
            return self._actors[name]


def _free() -> dict[str, dict[str, float]]:
    """The resources of each node that nobody uses."""
    free: dict[str, dict[str, float]]
    try:
        import ray._private.state

        free = ray._private.state.available_resources_per_node()
    except (ImportError, AttributeError):  # it is no public name; Ray sorts out what does not fit
        free = {node["NodeID"]: node["Resources"] for node in ray.nodes()}
    return free


def _cause(error: Exception) -> str:
    """Why an actor is gone, in few words."""
    for line in str(error).splitlines():
        name, _, text = line.strip().partition(": ")
        if name in ("cause", "The actor died because of an error raised in its creation task"):
            return text
    if "node" in str(error) and "died" in str(error):
        return "its node died"
    return "Ray ended its actor"


def _write(descriptor: int, data: bytes) -> None:
    """Write all of it; the driver reads all the time."""
    while data:
        data = data[os.write(descriptor, data) :]


def run(arguments: str) -> None:
    """Called by the command line that `connection.py` makes."""
    main(**json.loads(arguments))
