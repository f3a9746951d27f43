"""The web application, and the loop that serves it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

import annotate
from annotate.errors import AnnotateError
from runtime.core import paths
from runtime.server import analysis, api
from runtime.server.finding import NotFound
from runtime.server.folder_changes import FolderChanges
from runtime.server.importances import ImportanceCache
from runtime.server.launch import LOOPBACK, Server, token
from runtime.server.nni import changes, rest, results
from runtime.server.security import Guard, Rules

STATIC = Path(__file__).parent / "static"
# Seconds between checks that ANNOTATE_HOME still exists: where the system does not tell, and else.
_INTERVAL, _LONGEST = 2.0, 60.0


def application(hosts: frozenset[str], secret: str, *, is_open: bool = False) -> ASGIApp:
    """The whole application.

    `hosts` are the accepted Host headers. Changes need the `secret`; so does reading, except for
    programs of our own user while the server is not open (`is_open`) to other machines.
    """
    app = FastAPI(
        title="Annotate",
        version=annotate.__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,  # FastAPI's pages load scripts from other sites
        redoc_url=None,
    )
    app.state.watches = {}
    app.state.importances = ImportanceCache()
    for router in (rest.router, results.router, changes.router, api.router, analysis.router):
        app.include_router(router)
    app.add_exception_handler(AnnotateError, _problem)
    app.add_exception_handler(sqlite3.Error, _unreadable)
    app.mount("/static", StaticFiles(directory=STATIC))

    @app.get("/", include_in_schema=False)
    @app.get("/e/{rest:path}", include_in_schema=False)
    @app.get("/compare/{rest:path}", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    return Guard(app, Rules(hosts, secret, is_open))


def _problem(request: Request, error: Exception) -> JSONResponse:
    hint = getattr(error, "hint", "")
    status = 404 if isinstance(error, NotFound) else 409
    return JSONResponse({"error": str(error), "hint": hint}, status)


def _unreadable(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": f"cannot read the experiment's file: {error}", "hint": ""}, 503)


def serve(listener: socket.socket, server: Server) -> None:
    """Serve on `listener` until a signal arrives or ANNOTATE_HOME is removed."""
    app = application(hosts_of(server), token(), is_open=server.host != LOOPBACK)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,  # never trust X-Forwarded-For: the peer's address decides who may read
        timeout_graceful_shutdown=1,
        date_header=False,  # `Guard` adds it
    )
    asyncio.run(_serve(Waiting(config), listener, paths.server().record(server.port)))


def hosts_of(server: Server) -> frozenset[str]:
    """All accepted Host headers, each with the port."""
    names = {name.lower() for name in server.names} | {LOOPBACK, "localhost"}
    return frozenset(f"{name}:{server.port}" for name in names)


class Waiting(uvicorn.Server):
    """Sleeps until it has to end; uvicorn's own loop looks ten times a second whether it has to."""

    async def main_loop(self) -> None:
        self._end = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if not await self.on_tick(0):
            await self._end.wait()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.end()

    def end(self) -> None:
        """End soon. May be called from a signal handler."""
        self.should_exit = True
        if hasattr(self, "_end"):
            self._loop.call_soon_threadsafe(self._end.set)


async def _serve(server: Waiting, listener: socket.socket, record: Path) -> None:
    async with _watching(server, record):
        await server.serve(sockets=[listener])


@contextlib.asynccontextmanager
async def _watching(server: Waiting, record: Path) -> AsyncIterator[None]:
    """Stop the server if its home is removed."""

    async def watch() -> None:
        with FolderChanges(record.parent, _INTERVAL) as changes:
            while await asyncio.to_thread(record.parent.is_dir):
                # The system does not tell of the folder's own end while our log in it is open, so
                # look again soon after its files have changed.
                await changes.wait(_INTERVAL if changes.take() else _LONGEST)
        server.end()

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        record.unlink(missing_ok=True)
