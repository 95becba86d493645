"""The guard under httpx's pool, and the count of what came back."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore

from relay.upstream.guard import Guard


@dataclass(slots=True)
class Tally:
    """What one request has caused on the wire."""

    connected: bool = False
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
        current = tally.get(None)
        if current is not None:
            current.connected = True
        addresses = await self._addresses(host, port, timeout)
        for address in addresses[:-1]:
            try:
                inner = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
                return CountedStream(inner, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        inner = await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)
        return CountedStream(inner, timeout)

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
