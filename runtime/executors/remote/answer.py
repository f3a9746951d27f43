"""The first words of our programs on a machine, where other programs may have spoken before."""

from __future__ import annotations

from runtime.executors.remote.carrier import Stream, Unreachable
from runtime.stage.agent.frames import Damaged, Decoder, Message


async def answer(stream: Stream) -> Message:
    """Read a line of JSON, and not a byte more.

    Closes the stream and raises Unreachable if it is anything else, or has an `error`.
    """
    line = b""
    while not line.endswith(b"\n"):
        data = await stream.read(1)
        if not data:
            reason = (await stream.close()).strip() or "it closed the connection"
            raise Unreachable(reason, "log in there and look whether its shell starts")
        line += data
    try:
        ((message, _),) = Decoder().feed(line)
    except (Damaged, ValueError):
        await stream.close()
        text = line.decode(errors="replace").strip()
        raise Unreachable(
            f"its shell prints {text!r}", "a login file there must print nothing", final=True
        ) from None
    if "error" in message:
        await stream.close()
        hint = str(message.get("hint", "name a Python with --python"))
        raise Unreachable(str(message["error"]), hint, final=True)
    return message
