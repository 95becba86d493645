"""New connections: one of the very addresses that the guard has allowed is called, then TLS where it belongs."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence

from relay.upstream.failure import Failure, failure_of
from relay.upstream.guard import Guard
from relay.upstream.http1 import Connection
from relay.upstream.outgoing import Origin
from relay.upstream.tls import Sessions

HEAD_START = 0.25
"""Seconds that an address has before the next one is tried beside it (RFC 8305)."""


class Dialer:
    """Makes connections within the time limit."""

    def __init__(self, guard: Guard, timeout: float, sessions: Sessions) -> None:
        self._guard = guard
        self._timeout = timeout
        self._sessions = sessions

    async def dial(self, origin: Origin, connection: Connection) -> None:
        """Connect ``connection`` to its origin; raises Failure."""
        try:
            async with asyncio.timeout(self._timeout):
                addresses = await self._guard.addresses(origin.host, origin.port)
                opened = await first_open(addresses, origin.port)
                await self._join(origin, opened, connection)
        except ssl.SSLCertVerificationError:
            raise Failure("unreachable", "The provider's certificate could not be verified.") from None
        except TimeoutError as error:
            raise failure_of(error) from None
        except (OSError, UnicodeError):
            raise Failure("unreachable", "The provider could not be reached.") from None
        except Exception as error:
            raise failure_of(error) from None

    async def _join(self, origin: Origin, opened: socket.socket, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        tls, name = None, None
        try:
            if origin.scheme == "https":
                tls, name = self._sessions.context, origin.host.rstrip(".")
            await loop.create_connection(lambda: connection, sock=opened, ssl=tls, server_hostname=name)
        except BaseException:
            opened.close()
            raise


async def first_open(addresses: Sequence[str], port: int, head_start: float = HEAD_START) -> socket.socket:
    """A socket to the address that answers first; each gets a head start over the next. Raises OSError."""
    if len(addresses) == 1:
        return await _open(addresses[0], port)
    waiting, running = list(addresses), set[asyncio.Task[socket.socket]]()
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(_open(waiting.pop(0), port)))
            patience = head_start if waiting else None
            done, running = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            while done:
                task = done.pop()
                if task.exception() is None:
                    running |= done  # another one may have been as fast
                    return task.result()
        raise OSError("no address answers")
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_close_late)


async def _open(address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        await asyncio.get_running_loop().sock_connect(opened, (address, port))
    except BaseException:
        opened.close()
        raise
    return opened


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
