"""The fast way to providers: HTTP/1.1 on asyncio and llhttp, pooled. What is rare and rich goes through httpx."""

from __future__ import annotations

import asyncio

from openopen8.core.config import Settings
from relay.upstream.answer import Answer, Upstream
from relay.upstream.dialer import Dialer
from relay.upstream.failure import Failure
from relay.upstream.guard import Guard, Resolve, system_resolve
from relay.upstream.http1 import Connection
from relay.upstream.outgoing import Origin, Outgoing
from relay.upstream.pool import IDLE_SECONDS, Pool, Shelf
from relay.upstream.tls import Sessions


class FastUpstream:
    """Providers over HTTP/1.1. No redirects, cookies or environment; nothing is retried but a stale connection.

    ``others`` takes what needs a proxy or HTTP/2.
    """

    def __init__(
        self,
        settings: Settings,
        others: Upstream | None = None,
        resolve: Resolve = system_resolve,
        authorities: str | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._others = others
        self._sessions = Sessions(authorities)
        self._pool = Pool(settings.max_requests_in_flight + 16, settings.streaming_timeout, idle_seconds)
        guard = Guard(settings.allow_private_upstreams, resolve)
        self._dialer = Dialer(guard, settings.connect_timeout, self._sessions)

    async def send(self, outgoing: Outgoing) -> Answer:
        origin = outgoing.template.origin
        shelf = self._pool.shelves.get(origin)
        if shelf is None:
            if self._others is not None and (origin.proxy or origin.http2):
                return await self._others.send(outgoing)
            shelf = self._pool.shelves.setdefault(origin, [])
        connection = self._pool.youngest(shelf)
        if connection is None:
            return await self._send_on_new(outgoing, origin, shelf)
        answer = connection.ask(outgoing)
        await answer.wait()
        if answer.stale:
            # The provider had closed a pooled connection: nothing was answered on it.
            return await self._send_on_new(outgoing, origin, shelf)
        if answer.status == 0:
            answer.raise_failure()
        return answer

    async def close(self) -> None:
        self._pool.close()
        for _ in range(3):  # transports close their sockets in the loop's next turns
            await asyncio.sleep(0)
        if self._others is not None:
            await self._others.close()

    async def _send_on_new(self, outgoing: Outgoing, origin: Origin, shelf: Shelf) -> Answer:
        connection = await self._connected(origin, shelf)
        answer = connection.ask(outgoing)
        if not answer.over:
            await answer.wait()
        if answer.status == 0:
            answer.raise_failure()
        if origin.scheme == "https":
            self._sessions.remember(origin.host, connection.transport.get_extra_info("ssl_object"))
        return answer

    async def _connected(self, origin: Origin, shelf: Shelf) -> Connection:
        """A new connection; raises Failure."""
        pool = self._pool
        if not pool.room():
            raise Failure("other", "Too many connections to providers are open.")
        pool.making += 1
        try:
            connection = await self._dialer.dial(origin, lambda: Connection(pool, shelf))
        finally:
            pool.making -= 1
        pool.add(connection)
        return connection
