"""Who may ask the server what: checked before anything else sees a request.

A page of somebody else that is open in the same browser can send requests here. It can't choose
the Host that the browser sends with them (a name of its own that points here is not on the list),
can't read what comes back (no CORS), and can't make changes: these need the token in a header of
our own, our own Origin, and a content type that no plain form can send.

Another user of the same machine can open sockets to loopback, too. So whatever tells of an
experiment takes the token, or a connection by a program of our own user's; what everybody may see
are the pages without their data.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.server.peer import is_own

TOKEN_HEADER = "X-Annotate-Token"
MAX_BODY = 1 << 20  # bytes
_SECRET = f"the secret of the link from `annotate webui url`, in the header {TOKEN_HEADER}"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    error: str


@dataclass(frozen=True, slots=True)
class Rules:
    """`hosts` are the values of Host that are ours, each with its port. Where others than this
    machine's users can reach us, we are `open`, and everybody needs the token to read."""

    hosts: frozenset[str]
    token: str
    open: bool = False

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why a request is not served; None where it is."""
        headers = Headers(scope=scope)
        given = headers.getlist("host")
        if len(given) != 1 or given[0].lower() not in self.hosts:
            return Refusal(403, "this server is not called by that name: see the Host header")
        if scope["method"] not in ("GET", "HEAD"):
            return self._change(headers)
        return self._read(headers, scope) if scope["path"].startswith("/api/") else None

    def _read(self, headers: Headers, scope: Scope) -> Refusal | None:
        if self._knows(headers.get(TOKEN_HEADER) or _password(headers.get("authorization", ""))):
            return None
        if not self.open and is_own(scope["client"], scope["server"]):
            return None
        return Refusal(401, f"reading takes {_SECRET}")

    def _knows(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _change(self, headers: Headers) -> Refusal | None:
        if headers.get("origin", "").lower() not in {f"http://{host}" for host in self.hosts}:
            return Refusal(403, "changes are taken from this server's own pages: see Origin")
        # Not by a password: a browser would send that along with what others make it ask.
        if not self._knows(headers.get(TOKEN_HEADER, "")):
            return Refusal(401, f"changes take {_SECRET}")
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return Refusal(415, "the content type must be application/json")
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal():
            return Refusal(411, "a body needs a Content-Length")
        return Refusal(413, "the body is too long") if int(length) > MAX_BODY else None


def _password(authorization: str) -> str:
    """The password of HTTP's basic authentication, whoever the user is; "" where there is none."""
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


class Guard:
    """The rules as the outermost layer of the application."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # there is none here
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        refused = self._rules.refusal(scope)
        if refused is None:
            await self._app(scope, receive, guarded)
        else:
            answer = JSONResponse({"error": refused.error}, refused.status)
            await answer(scope, receive, guarded)
