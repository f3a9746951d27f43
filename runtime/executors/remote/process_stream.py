"""A stream through a program on this machine, such as `srun`, that leads to another."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Mapping, Sequence

from runtime.executors.remote.carrier import Stream, Unreachable

_END_LIMIT = 5.0  # seconds for the program to end
_SHOWN = 2000  # bytes of its standard error


class ProcessStream(Stream):
    """The standard input and output of a child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input, self._output = process.stdin, process.stdout
        self._errors = asyncio.create_task(self._read_errors())

    async def read(self, size: int) -> bytes:
        return await self._output.read(size)

    async def write(self, data: bytes) -> None:
        self._input.write(data)
        await self._input.drain()

    async def close(self) -> str:
        self._input.close()
        kill = asyncio.get_running_loop().call_later(_END_LIMIT, self._kill)
        try:
            while await self._output.read(1 << 16):  # to the end, or the pipe would stay open
                pass
            await self._process.wait()
            return (await self._errors).decode(errors="replace")
        finally:
            kill.cancel()
            self._kill()
            self._errors.cancel()

    def terminate(self) -> None:
        """Ask the program to end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _read_errors(self) -> bytes:
        assert self._process.stderr is not None
        text = b""
        while data := await self._process.stderr.read(4096):
            text = (text + data)[-_SHOWN:]
        return text


async def open_process(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> ProcessStream:
    """Start a program, in our own environment or another; raises Unreachable if there is none."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=environment,
        )
    except OSError as error:
        reason = f"{shlex.join(command[:1])}: {error.strerror or error}"
        raise Unreachable(reason, final=True) from None
    return ProcessStream(process)
