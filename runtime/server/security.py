"""Access rules, checked before anything else sees a request.

Another site that is open in the same browser can send requests here. It cannot choose the Host
header (a name of its own that points here is not on the list), cannot read the answers (no CORS),
and cannot change anything: a change needs the token in our own header, our own Origin, and a
content type that no plain form can send.

Other users of the same machine can connect to loopback, too. So everything about experiments needs
the token, or a connection by a program of our own user. Anyone may load the pages without data.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from email.utils import formatdate

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.server.peer import is_own

TOKEN_HEADER = "X-Annotate-Token"
MAX_BODY = 1 << 20  # bytes
_SECRET = f"the secret in the link from `annotate webui url`, as the header {TOKEN_HEADER}"

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
    """`hosts` are the accepted Host headers, each with its port.

    If the server is `open` to other machines, everyone needs the token to read.
    """

    hosts: frozenset[str]
    token: str
    open: bool = False

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why the request is refused; None if it is served."""
        headers = Headers(scope=scope)
        names = headers.getlist("host")
        if len(names) != 1 or names[0].lower() not in self.hosts:
            return Refusal(403, "the Host header does not name this server")
        if scope["method"] not in ("GET", "HEAD"):
            return self._change(headers)
        return self._read(headers, scope) if scope["path"].startswith("/api/") else None

    def _read(self, headers: Headers, scope: Scope) -> Refusal | None:
        if self._knows(headers.get(TOKEN_HEADER) or _password(headers.get("authorization", ""))):
            return None
        if not self.open and is_own(scope["client"], scope["server"]):
            return None
        return Refusal(401, f"reading needs {_SECRET}")

    def _knows(self, secret: str) -> bool:
        return hmac.compare_digest(secret.encode(), self.token.encode())

    def _change(self, headers: Headers) -> Refusal | None:
        if headers.get("origin", "").lower() not in {f"http://{host}" for host in self.hosts}:
            return Refusal(403, "changes need this server's own address in the Origin header")
        # No password here: a browser would also send it with requests that other sites make.
        if not self._knows(headers.get(TOKEN_HEADER, "")):
            return Refusal(401, f"changes need {_SECRET}")
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return Refusal(415, "the content type must be application/json")
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal():
            return Refusal(411, "the Content-Length header is missing")
        return Refusal(413, "the body is too large") if int(length) > MAX_BODY else None


def _password(authorization: str) -> str:
    """The password of HTTP basic authentication, with any user name; "" if there is none."""
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


class Guard:
    """Applies the rules as the outermost layer of the application."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # there are no websockets
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-cache")
                headers["Date"] = formatdate(usegmt=True)
            await send(message)

        refused = self._rules.refusal(scope)
        if refused is None:
            await self._app(scope, receive, guarded)
        else:
            answer = JSONResponse({"error": refused.error}, refused.status)
            await answer(scope, receive, guarded)
