"""Providers through httpx: what is rare and rich (proxies, HTTP/2), behind the same contract as the fast client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import ssl
from collections.abc import AsyncIterator

import certifi
import httpcore
import httpx

from openopen8.core.config import Settings
from relay.upstream.answer import Answer
from relay.upstream.backend import GuardedBackend, Tally, tally
from relay.upstream.body import Body, Unsent
from relay.upstream.coding import inflater
from relay.upstream.failure import Blocked, Failure, failure_of, garbage
from relay.upstream.guard import Guard, Resolve, system_resolve
from relay.upstream.httpx_answer import HttpxAnswer
from relay.upstream.outgoing import Origin, Outgoing

SLICE = 64 * 1024
"""Bytes of a body that is not in memory which are read at once."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

log = logging.getLogger("openopen8.relay")


class HttpxUpstream:
    """Providers with httpx's pools. Its transports are used bare: no redirects, cookies or environment."""

    def __init__(self, settings: Settings, resolve: Resolve = system_resolve, authorities: str | None = None) -> None:
        self._settings = settings
        self._guard = Guard(settings.allow_private_upstreams, resolve)
        self._authorities = authorities
        self._transports: dict[tuple[str, bool, bool], httpx.AsyncHTTPTransport] = {}
        self._timeouts = {
            "connect": settings.connect_timeout,
            "read": settings.streaming_timeout,
            "write": settings.streaming_timeout,
            "pool": settings.connect_timeout,
        }
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, outgoing: Outgoing) -> Answer:
        origin = outgoing.template.origin
        if origin.proxy and self._guard.refuses(origin.host):  # names are resolved by the proxy
            raise failure_of(Blocked())
        count = Tally()
        tally.set(count)
        try:
            return await self._tried(outgoing, count)
        except BaseException:
            if not origin.http2:  # where others may share them
                self._cut(count)
            raise

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in self._transports.values():
            await transport.aclose()

    async def _tried(self, outgoing: Outgoing, count: Tally) -> Answer:
        try:
            return await self._once(outgoing)
        except Exception as error:
            failure = _failure(error)
            # A pooled connection that the provider had closed meanwhile: nothing was answered on it.
            if not _cut(error) or count.streams or count.answered or outgoing.template.origin.http2:
                raise failure from None
        try:
            return await self._once(outgoing)
        except Exception as error:
            raise _failure(error) from None

    def _cut(self, count: Tally) -> None:
        """httpcore forgets connections whose making fails half-way: SOCKS proxies that refuse, requests given up."""
        for stream in count.streams:
            task = asyncio.ensure_future(_closed(stream))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _once(self, outgoing: Outgoing) -> Answer:
        template = outgoing.template
        request = httpx.Request(
            template.method,
            template.url,
            headers=(*template.headers, *_length(outgoing.body)),
            content=_content(outgoing.body),
            extensions={"timeout": self._timeouts},
        )
        response = await self._transport(template.origin).handle_async_request(request)
        try:
            _check(response)
            return HttpxAnswer(response, inflater(response.headers.get("content-encoding")), self._tasks)
        except Failure:
            await response.aclose()
            raise

    def _transport(self, origin: Origin) -> httpx.AsyncHTTPTransport:
        """One pool for each way, made when it is first needed: each reads all certificates."""
        # where nothing negotiates, HTTP/2 is spoken without asking
        way = (origin.proxy, origin.http2, origin.http2 and origin.scheme == "http")
        if way not in self._transports:
            self._transports[way] = self._made(*way)
        return self._transports[way]

    def _made(self, proxy: str, http2: bool, unasked: bool) -> httpx.AsyncHTTPTransport:
        context = self._context()
        transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
        # httpx takes no network backend of ours, the pool below it does
        transport._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            proxy=_proxy(proxy, context),
            max_connections=self._settings.max_requests_in_flight + 16,
            max_keepalive_connections=256,
            keepalive_expiry=20,
            http1=not unasked,
            http2=http2,
            network_backend=GuardedBackend(self._guard),
        )
        return transport

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self._authorities or certifi.where())
        return context


def _content(body: bytes | Body) -> bytes | AsyncIterator[bytes] | None:
    return (body or None) if isinstance(body, bytes) else _pieces(body)


async def _pieces(body: Body) -> AsyncIterator[bytes]:
    unsent = Unsent(body)
    while unsent:
        yield bytes(unsent.take(SLICE))


def _length(body: bytes | Body) -> tuple[tuple[str, str], ...]:
    """httpx counts what is in memory by itself."""
    return () if isinstance(body, bytes) else (("content-length", str(len(body))),)


async def _closed(stream: httpcore.AsyncNetworkStream) -> None:
    with contextlib.suppress(Exception):
        await stream.aclose()


def _check(response: httpx.Response) -> None:
    """What h11 lets through although nobody means it."""
    headers = response.headers
    chunked = "transfer-encoding" in headers
    odd = any(_CONTROL.search(value) for value in headers.values())
    old = not response.extensions.get("http_version", b"").startswith((b"HTTP/1.1", b"HTTP/2"))
    if odd or (chunked and ("content-length" in headers or old)):
        raise garbage()


def _proxy(text: str, context: ssl.SSLContext) -> httpcore.Proxy | None:
    if not text:
        return None
    url = httpx.Proxy(text)
    place = httpcore.URL(scheme=url.url.raw_scheme, host=url.url.raw_host, port=url.url.port, target=b"/")
    tls = context if url.url.scheme == "https" else None
    return httpcore.Proxy(place, auth=url.raw_auth, ssl_context=tls)


def _cut(error: Exception) -> bool:
    return isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError)


def _failure(error: Exception) -> Failure:
    try:
        return failure_of(error)
    except Exception:  # the libraries below let some of their own through
        log.warning("a provider could not be called: %s", type(error).__name__)
        return Failure("broken", "The connection to the provider broke.")
