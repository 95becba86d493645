"""The guard under httpx's pool, and the count of what came back."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpcore

from relay.upstream.guard import Guard


@dataclass(slots=True)
class Tally:
    """What one request has caused on the wire."""

    streams: list[httpcore.AsyncNetworkStream] = field(default_factory=list)
    """Connections that were made for it."""
    answered: bool = False


tally: ContextVar[Tally] = ContextVar("tally")
"""Of the request that the current task makes: httpcore reads and connects in the task that asks."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects only where the guard allows. Behind a proxy, the address that is judged is the proxy's."""

    def __init__(self, guard: Guard, inner: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._guard = guard
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._addresses(host, port, timeout)
        for address in addresses[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._connected(address, port, timeout)
        return await self._connected(addresses[-1], port, timeout)

    async def _connected(self, address: str, port: int, timeout: float | None) -> httpcore.AsyncNetworkStream:
        # a task of its own: one that is cancelled in the wrong moment would lose the socket
        making = asyncio.ensure_future(self._inner.connect_tcp(address, port, timeout))
        try:
            stream = CountedStream(await asyncio.shield(making), timeout)
        except asyncio.CancelledError:
            making.add_done_callback(_close_late)
            raise
        current = tally.get(None)
        if current is not None:
            current.streams.append(stream)
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            async with asyncio.timeout(timeout):
                return await self._guard.addresses(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError from None


class CountedStream(httpcore.AsyncNetworkStream):
    """A stream that notes whether anything was answered. ``patience`` is for reads that have no limit of their own:
    httpcore waits for SOCKS proxies without one."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, patience: float | None) -> None:
        self._inner = inner
        self._patience = patience

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._inner.read(max_bytes, self._patience if timeout is None else timeout)
        current = tally.get(None)
        if data and current is not None:
            current.answered = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, self._patience if timeout is None else timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return CountedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout), self._patience)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


_closing: set[asyncio.Future[None]] = set()
"""The loop itself keeps no task alive."""


def _close_late(making: asyncio.Future[httpcore.AsyncNetworkStream]) -> None:
    if not making.cancelled() and making.exception() is None:
        task = asyncio.ensure_future(making.result().aclose())
        _closing.add(task)
        task.add_done_callback(_closing.discard)
