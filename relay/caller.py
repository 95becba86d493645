"""The caller as `serve` sees it: start, write, finish, gone. ASGI is one front door, others may come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from types import TracebackType
from typing import Any, Protocol, Self

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
HeaderList = Iterable[tuple[str, str]]


class Gone(Exception):
    """The caller has left."""


class Caller(Protocol):
    """Who gets the answer. Every method raises Gone once the caller has left."""

    started: bool
    """True once a status went out."""

    async def start(self, status: int, headers: HeaderList) -> None:
        """Send the status and the headers."""

    async def write(self, data: bytes) -> None:
        """Send a piece of the body; waits while the caller reads slowly."""

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece and end the answer."""

    async def gone(self) -> None:
        """Return when the caller has left; for ever waiting otherwise."""


class AsgiCaller:
    """A caller behind an ASGI server. Its request body has been read before ``gone`` is asked."""

    def __init__(self, receive: Receive, send: Send, headers: HeaderList = ()) -> None:
        self._receive = receive
        self._send = send
        self._headers = tuple(headers)
        self.started = False

    async def start(self, status: int, headers: HeaderList) -> None:
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*self._headers, *headers)]
        self.started = True
        await self._out({"type": "http.response.start", "status": status, "headers": pairs})

    async def write(self, data: bytes) -> None:
        if data:
            await self._out({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        await self._out({"type": "http.response.body", "body": data, "more_body": False})

    async def gone(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return

    async def _out(self, message: dict[str, Any]) -> None:
        try:
            await self._send(message)
        except Exception as error:  # servers differ in what they raise here
            raise Gone from error


class Presence:
    """``async with Presence(caller)``: the block is cancelled when the caller leaves, and raises Gone.

    Works as ``asyncio.timeout`` does: only its own cancellation is turned into Gone.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._left = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._watch = asyncio.ensure_future(self._look())
        return self

    async def _look(self) -> None:
        try:
            await self._caller.gone()
        except asyncio.CancelledError:
            raise
        except Exception:  # a connection that can't be read is a caller that has left
            pass
        self._left = True
        self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.cancel()
        if self._left and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise Gone from error
