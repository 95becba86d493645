"""Servers inside the test's event loop, on a port or socket of their own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from openopen8.server import door


@asynccontextmanager
async def serving(app: Any, listener: socket.socket | None = None, **options: Any) -> AsyncIterator[str]:
    """Serve ``app`` as a relay worker would; gives its address. ``options`` are uvicorn's."""
    async with running(server_of(app, **options), listener) as (address, _):
        yield address


@asynccontextmanager
async def running(
    server: uvicorn.Server, listener: socket.socket | None = None
) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """The server and its address, until the end of the block."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0.01)
    name = listener.getsockname()
    try:
        yield (f"http://{name[0]}:{name[1]}" if isinstance(name, tuple) else name), server
    finally:
        server.should_exit = True
        await task


def server_of(app: Any, **options: Any) -> uvicorn.Server:
    """A server with a worker's options that leaves the process's signals alone."""
    server = uvicorn.Server(uvicorn.Config(app, **(door.options() | {"timeout_graceful_shutdown": 1} | options)))
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    return server


class _no_signals:
    """The test's process keeps its own signal handlers."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None
