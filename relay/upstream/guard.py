"""Which addresses a name may be called at: looked up and judged at the moment of each connection."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, zip_longest

from openopen8.core.rules.outbound import address_refused
from relay.upstream.failure import Blocked

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A name and a port to the addresses, the best first. Raises OSError."""

_NUMBER = re.compile(r"(?:0x[0-9a-f]*|\d+)", re.IGNORECASE)
"""A last label that is one makes the host an address in a spelling that resolvers know: 2852039166, 0xA9.254.169.254.

Source: https://url.spec.whatwg.org/#ends-in-a-number-checker
"""


class Guard:
    """Resolves and judges. Whoever connects uses what it returns, so that no second look-up can differ.

    Look-ups are shared while they are under way and never kept.
    """

    def __init__(self, allow_private: bool, resolve: Resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._asked: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where ``host`` may be called, IPv6 and IPv4 by turns. Raises Blocked, OSError and UnicodeError."""
        found = [host] if _literal(host) else await self._looked_up(host, port)
        allowed = [one for one in dict.fromkeys(found) if not address_refused(one, self._allow_private)]
        if not allowed:
            raise Blocked
        return by_turns(allowed)

    def refuses(self, host: str) -> bool:
        """True for an address in writing that may not be called, or in an odd spelling.

        Names are judged when somebody resolves them.
        """
        plain = host.removesuffix(".")
        if _literal(plain):
            return address_refused(plain, self._allow_private)
        return _NUMBER.fullmatch(plain.rpartition(".")[2]) is not None

    async def _looked_up(self, host: str, port: int) -> Sequence[str]:
        """Many who ask at once for the same name make one look-up."""
        place = (host, port)
        asked = self._asked.get(place)
        if asked is None:
            asked = self._asked[place] = asyncio.ensure_future(self._resolve(host, port))
            asked.add_done_callback(lambda done: self._forget(place, done))
        return await asyncio.shield(asked)

    def _forget(self, place: tuple[str, int], done: asyncio.Future[Sequence[str]]) -> None:
        self._asked.pop(place, None)
        if not done.cancelled():
            done.exception()  # somebody has to look at it, though all who waited may have left


async def system_resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says, in its order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def by_turns(addresses: Sequence[str]) -> list[str]:
    """Families by turns, beginning with that of the first address (RFC 8305, section 4)."""
    kind = ":" in addresses[0]
    first = [one for one in addresses if (":" in one) == kind]
    second = [one for one in addresses if (":" in one) != kind]
    return [one for one in chain.from_iterable(zip_longest(first, second)) if one is not None]


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
