"""The caller as `serve` sees it: start, write, finish, gone. ASGI is one front door, `hot.py` the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Pairs = Sequence[tuple[bytes, bytes]]
"""Header names in lower case with their values."""

AHEAD = 64 * 1024
"""Bytes that wait for a slow caller before the upstream has to wait, too."""


class Gone(Exception):
    """The caller has left."""


class Caller(Protocol):
    """Who gets the answer. Nothing here waits: what is written is sent as fast as the caller reads.

    What is written to a caller that has left is dropped.
    """

    started: bool
    """True once a status went out."""
    left: bool
    """True once the caller hung up before the end of its answer."""
    on_slow: Callable[[bool], None] | None
    """Told True when more than AHEAD bytes wait, False when they are gone."""
    task: asyncio.Task[None] | None
    """The task that answers, where it is known; else the current one."""

    def attend(self, on_left: Callable[[], None] | None) -> None:
        """``on_left`` is called when the caller leaves before the end of its answer; None: nobody asks any more."""

    def start(self, status: int, pairs: Pairs) -> None:
        """Send the status and the headers."""

    def write(self, data: bytes) -> None:
        """Send a piece of the body."""

    def finish(self, data: bytes = b"") -> None:
        """Send the last piece and end the answer."""


class Presence:
    """Cancels the request's own task when the caller leaves or the time is over, and tells which it was."""

    __slots__ = ("_deadline", "_task", "gone", "late")

    def __init__(self, caller: Caller, deadline: float) -> None:
        """``deadline`` as ``loop.time()``; raises Gone when the caller has left already."""
        if caller.left:
            raise Gone
        self.gone = False
        self.late = False
        self._deadline = deadline
        self._task = caller.task or asyncio.current_task()
        caller.attend(self.leave)

    def leave(self) -> None:
        """The caller hung up."""
        if not self.gone:
            self.gone = True
            if not self.late:
                self._cancel()

    def tick(self, now: float) -> None:
        """See ``Ticking``."""
        if now >= self._deadline and not (self.late or self.gone):
            self.late = True
            self._cancel()

    def owns(self) -> bool:
        """True when the cancellation that was just caught is ours; it is taken back then."""
        if not (self.gone or self.late) or self._task is None:
            return False
        return self._task.uncancel() == 0

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


class AsgiCaller:
    """A caller behind an ASGI server. Its request body has been read before ``attend`` is called."""

    def __init__(self, receive: Receive, send: Send, pairs: Pairs = ()) -> None:
        self.started = False
        self.left = False
        self.on_slow: Callable[[bool], None] | None = None
        self.task: asyncio.Task[None] | None = None
        self._receive = receive
        self._send = send
        self._pairs = list(pairs)
        self._on_left: Callable[[], None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._outbox: list[dict[str, Any]] = []
        self._waiting = 0
        self._slow = False
        self._sender: asyncio.Task[None] | None = None

    def attend(self, on_left: Callable[[], None] | None) -> None:
        self._on_left = on_left
        if on_left is not None and self._watch is None:
            self._watch = asyncio.ensure_future(self._look())
        elif on_left is None and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def start(self, status: int, pairs: Pairs) -> None:
        self.started = True
        self._out({"type": "http.response.start", "status": status, "headers": [*self._pairs, *pairs]}, 0)

    def write(self, data: bytes) -> None:
        if data:
            self._out({"type": "http.response.body", "body": data, "more_body": True}, len(data))

    def finish(self, data: bytes = b"") -> None:
        self._out({"type": "http.response.body", "body": data, "more_body": False}, len(data))

    async def close(self) -> None:
        """Return when all has been handed to the server; at once when this is cancelled or the caller has left."""
        self.attend(None)
        if self._sender is not None and not self._sender.done():
            await self._sender

    def _out(self, message: dict[str, Any], size: int) -> None:
        if self.left:
            return
        self._outbox.append(message)
        self._waiting += size
        if self._sender is None or self._sender.done():
            self._sender = asyncio.ensure_future(self._send_all())
        if self._waiting > AHEAD and not self._slow:
            self._tell_slow(True)

    async def _send_all(self) -> None:
        try:
            while self._outbox:
                message = self._outbox.pop(0)
                await self._send(message)
                self._waiting -= len(message.get("body", b""))
                if self._slow and self._waiting <= AHEAD // 2:
                    self._tell_slow(False)
        except Exception:  # servers differ in what they raise here
            self._has_left()

    async def _look(self) -> None:
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except Exception:  # a connection that can't be read is a caller that has left
            pass
        self._has_left()

    def _has_left(self) -> None:
        if self.left:
            return
        self.left = True
        self._outbox.clear()
        if self._on_left is not None:
            self._on_left()

    def _tell_slow(self, slow: bool) -> None:
        self._slow = slow
        if self.on_slow is not None:
            self.on_slow(slow)
