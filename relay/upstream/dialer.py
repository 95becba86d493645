"""New connections: one of the very addresses that the guard has allowed is called, with TLS where it belongs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from relay.upstream.failure import Failure, failure_of
from relay.upstream.guard import Guard
from relay.upstream.http1 import Connection
from relay.upstream.outgoing import Origin
from relay.upstream.tls import Sessions

HEAD_START = 0.25
"""Seconds that an address has before the next one is tried beside it (RFC 8305)."""


class Closable(Protocol):
    """What an attempt makes."""

    def cut(self) -> None: ...


T = TypeVar("T", bound=Closable)


class Dialer:
    """Makes connections within the time limit."""

    def __init__(self, guard: Guard, timeout: float, sessions: Sessions) -> None:
        self._guard = guard
        self._timeout = timeout
        self._sessions = sessions

    async def dial(self, origin: Origin, factory: Callable[[], Connection]) -> Connection:
        """A connection to the origin; raises Failure."""
        try:
            async with asyncio.timeout(self._timeout):
                addresses = await self._guard.addresses(origin.host, origin.port)
                return await first(addresses, lambda address: self._called(origin, address, factory))
        except ssl.SSLCertVerificationError:
            raise Failure("unreachable", "The provider's certificate could not be verified.") from None
        except TimeoutError as error:
            raise failure_of(error) from None
        except (OSError, UnicodeError):
            raise Failure("unreachable", "The provider could not be reached.") from None
        except Exception as error:
            raise failure_of(error) from None

    async def _called(self, origin: Origin, address: str, factory: Callable[[], Connection]) -> Connection:
        # The loop gets an address in writing, so it looks nothing up. It makes the socket itself: uvloop and asyncio
        # disagree on who closes one that was handed to a connection which was then given up.
        more: dict[str, Any] = {}
        if origin.scheme == "https":
            more = {"ssl": self._sessions.context, "server_hostname": origin.host.rstrip(".")}
        connection = factory()
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, address, origin.port, **more)
        except BaseException:
            connection.cut()  # uvloop may hand over a transport after the making was given up
            raise
        return connection


async def first(addresses: Sequence[str], attempt: Callable[[str], Awaitable[T]], head_start: float = HEAD_START) -> T:
    """What the first attempt that succeeds makes; each has a head start over the next. Raises the last one's error."""
    if len(addresses) == 1:
        return await attempt(addresses[0])
    waiting, running, error = list(addresses), set[asyncio.Future[T]](), OSError("no address")
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(attempt(waiting.pop(0))))
            patience = head_start if waiting else None
            done, running = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            while done:
                task = done.pop()
                problem = task.exception()
                if problem is None:
                    running |= done  # another one may have been as fast
                    return task.result()
                error = problem if isinstance(problem, OSError) else error
        raise error
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_cut_late)


def _cut_late(task: asyncio.Future[Any]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().cut()
