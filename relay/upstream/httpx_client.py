"""Providers through httpx: for what is rare and rich, behind the same contract as the fast client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpcore
import httpx

from openopen8.core.config import Settings
from relay.upstream.answer import Answer, Sink
from relay.upstream.coding import Inflater, inflater
from relay.upstream.failure import Failure, failure_of, too_large
from relay.upstream.guard import GuardedBackend
from relay.upstream.outgoing import Outgoing

log = logging.getLogger("openopen8.relay")


class HttpxUpstream:
    """Providers with httpx's pool. The transport is used bare: no redirects, cookies or environment."""

    def __init__(self, settings: Settings) -> None:
        limits = httpx.Limits(
            max_connections=settings.max_requests_in_flight + 16, max_keepalive_connections=256, keepalive_expiry=20
        )
        self._transport = httpx.AsyncHTTPTransport(trust_env=False, limits=limits)
        # httpx takes no network backend of ours, the pool below it does
        self._transport._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=GuardedBackend(settings.allow_private_upstreams),
        )
        self._timeouts = {
            "connect": settings.connect_timeout,
            "read": settings.streaming_timeout,
            "write": settings.streaming_timeout,
            "pool": settings.connect_timeout,
        }
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, outgoing: Outgoing) -> Answer:
        fresh = False

        async def trace(event: str, _info: Any) -> None:
            nonlocal fresh
            fresh = fresh or event == "connection.connect_tcp.started"

        try:
            return await self._once(outgoing, trace)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            if fresh:
                raise failure_of(error) from None
        except Exception as error:
            raise failure_of(error) from None
        # A pooled connection that the provider had closed meanwhile: nothing was answered on it.
        try:
            return await self._once(outgoing, trace)
        except Exception as error:
            raise failure_of(error) from None

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.aclose()

    async def _once(self, outgoing: Outgoing, trace: Any) -> Answer:
        template = outgoing.template
        request = httpx.Request(
            template.method,
            template.url,
            headers=template.headers,
            content=outgoing.body or None,
            extensions={"timeout": self._timeouts, "trace": trace},
        )
        response = await self._transport.handle_async_request(request)
        try:
            return HttpxAnswer(response, inflater(response.headers.get("content-encoding")), self._tasks)
        except Failure:
            await response.aclose()
            raise


class HttpxAnswer:
    """An answer of :class:`HttpxUpstream`. ``tasks`` keeps what runs on after ``close``."""

    def __init__(self, response: httpx.Response, inflater: Inflater | None, tasks: set[asyncio.Task[None]]) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._inflater = inflater
        self._tasks = tasks
        self._pump: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    async def read(self, limit: int) -> bytes:
        parts, size = [], 0
        async for data in self._pieces():
            size += len(data)
            if size > limit:
                raise too_large()
            parts.append(data)
        return b"".join(parts)

    def flow(self, sink: Sink) -> None:
        if self._pump is None and not self._closed:
            self._pump = self._started(self._pumped(sink))

    def pause(self) -> None:
        self._room.clear()

    def resume(self) -> None:
        self._room.set()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._pump is not None:
            self._pump.cancel()
        self._started(self._close())

    def _started(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _close(self) -> None:
        if self._pump is not None:
            await asyncio.gather(self._pump, return_exceptions=True)
        with contextlib.suppress(httpx.HTTPError, OSError):
            await self._response.aclose()

    async def _pumped(self, sink: Sink) -> None:
        failure = None
        try:
            async for data in self._pieces():
                if self._closed:  # by the sink itself, in the middle of a piece
                    return
                sink.data(data)
                if not self._room.is_set():
                    await self._room.wait()
        except Failure as error:
            failure = error
        if not self._closed:
            sink.end(failure)

    async def _pieces(self) -> AsyncIterator[bytes]:
        """The body, unpacked; raises Failure."""
        try:
            async for piece in self._response.aiter_raw():
                data = self._inflater.feed(piece) if self._inflater else piece
                if data:
                    yield data
        except Failure:
            raise
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise failure_of(error) from None
        if self._inflater:
            self._inflater.close()
