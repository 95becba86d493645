"""Calls to providers: pooled, without proxies or redirects, never to forbidden addresses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import httpcore
import httpx

from openopen8.core.config import Settings
from openopen8.core.rules.outbound import address_refused

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of a whole answer; more is a broken upstream."""

LARGEST_ERROR = 64 * 1024
"""Bytes of an error body that are read."""

FailureKind = Literal["unreachable", "timeout", "broken", "status", "limited", "key", "other"]


class Failure(Exception):
    """An attempt that failed. ``message`` may be shown to callers: no keys, no addresses.

    Kinds: ``unreachable``, ``timeout``, ``broken`` (cut, garbage, too large), ``status`` (5xx), ``limited``
    (429), ``key`` (the provider refuses the key), ``other`` (says nothing about the channel's health).
    """

    def __init__(self, kind: FailureKind, message: str, status: int = 0, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after


class Blocked(Exception):
    """The host resolves to addresses only that the gateway must not call."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request to a provider. Its repr has neither headers (keys) nor body."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    method: str = "POST"


class Answer(Protocol):
    """A provider's answer, whose head is there."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises Failure."""

    async def read(self, limit: int) -> bytes:
        """The whole body, if it has at most ``limit`` bytes; raises Failure."""

    async def close(self) -> None:
        """Give the connection back, or cut it when the body was not read to its end."""


class Upstream(Protocol):
    """How providers are called."""

    async def send(self, outgoing: Outgoing) -> Answer:
        """The answer's head; raises Failure."""

    async def close(self) -> None: ...


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to what a name resolves to, checked at that moment, so that no second look-up can differ."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host, port, timeout)
        allowed = [a for a in addresses if not address_refused(a, self._allow_private)]
        if not allowed:
            raise Blocked
        for address in allowed[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(allowed[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise Blocked

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _resolve(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError from None
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class HttpxUpstream:
    """Providers over HTTP/1.1 with a pool. The transport is used bare: no redirects, cookies or environment."""

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

    async def _once(self, outgoing: Outgoing, trace: Any) -> Answer:
        request = httpx.Request(
            outgoing.method,
            outgoing.url,
            headers=dict(outgoing.headers),
            content=outgoing.body or None,
            extensions={"timeout": self._timeouts, "trace": trace},
        )
        return HttpxAnswer(await self._transport.handle_async_request(request))

    async def close(self) -> None:
        await self._transport.aclose()


class HttpxAnswer:
    """An answer of :class:`HttpxUpstream`."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_bytes():
                yield chunk
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise failure_of(error) from None

    async def read(self, limit: int) -> bytes:
        parts, size = [], 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                raise Failure("broken", "The provider's answer is too large.")
            parts.append(chunk)
        return b"".join(parts)

    async def close(self) -> None:
        with contextlib.suppress(httpx.HTTPError, OSError):
            await self._response.aclose()


def failure_of(error: Exception) -> Failure:
    """What went wrong, in words that tell no address."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, Blocked):
        return Failure("unreachable", "The provider's address may not be called.")
    if isinstance(error, httpx.PoolTimeout):
        return Failure("other", "Too many connections to providers are open.")
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return Failure("timeout", "The provider did not answer in time.")
    if isinstance(error, httpx.ConnectError):
        return Failure("unreachable", "The provider could not be reached.")
    if isinstance(error, httpx.HTTPError | httpx.StreamError | OSError):
        return Failure("broken", "The connection to the provider broke.")
    if isinstance(error, httpx.InvalidURL | ValueError):
        return Failure("unreachable", "The channel's base URL or headers are malformed.")
    raise error
