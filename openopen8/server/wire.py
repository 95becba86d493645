"""The line between the supervisor and a child: a pair of sockets over which each says short words."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

READY = "ready"
"""The child serves; said by it."""
FAILED = "failed"
"""It can't, and why; said by the child."""
LEAVE = "leave"
"""Accept nothing more, end what was begun, then go; said to a relay worker whose successor serves."""
CLOSE_TABS = "close-tabs"
"""Send the dashboard's tabs to another worker; said to one that leaves."""
RECOVER = "recover"
"""Another worker has died: settle what it held; said to a relay worker."""


class Wire:
    """The child's end."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._heard = b""

    def say(self, word: str, text: str = "") -> None:
        """Tell the supervisor; without effect when that is gone."""
        with contextlib.suppress(OSError):
            self._socket.send(" ".join(f"{word} {text}".split()).encode() + b"\n")

    def listen(self, hear: Callable[[str], None]) -> None:
        """Call ``hear`` in the running loop with each word that the supervisor says."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket.fileno(), self._read, loop, hear)

    def _read(self, loop: asyncio.AbstractEventLoop, hear: Callable[[str], None]) -> None:
        try:
            data = self._socket.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:  # the supervisor is gone; the lifeline ends this process
            loop.remove_reader(self._socket.fileno())
            return
        *words, self._heard = (self._heard + data).split(b"\n")
        for word in words:
            hear(word.decode())
