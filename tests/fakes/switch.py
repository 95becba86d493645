"""Stands for the load balancer in front of several machines: passes connections on to the one that it points to."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Self


class Switch:
    """`with Switch(port) as switch`: listens on loopback; :meth:`to` cuts what is open and turns to another port."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def to(self, port: int) -> None:
        asyncio.run_coroutine_threadsafe(self._turn(port), self._loop).result(10)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        starting = asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self.to(0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _turn(self, port: int) -> None:
        self._target = port
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                await asyncio.wait(
                    [asyncio.create_task(_pump(reader, far_writer)), asyncio.create_task(_pump(far_reader, writer))],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                far_writer.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
