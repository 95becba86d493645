"""One session: events both ways, unchanged but for the model's name; a response is charged before its end is told."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from openopen8.core.errors import Problem
from relay.caller import Receive, Send
from relay.realtime.account import Account
from relay.realtime.events import (
    error_event,
    from_caller,
    kind_of,
    to_caller,
    transcribed,
    transcriber_of,
    usage_of,
)
from relay.tab import LEFT

LAST_WORD = 3.0
"""Seconds that a provider has to say what a response came to that its caller did not wait for."""
REFUSED, LATER = 1008, 1013
_SESSIONS = ("session.created", "session.updated", "transcription_session.created", "transcription_session.updated")
_TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
_CANCEL = '{"type":"response.cancel"}'
_UNSENDABLE = {1005: 1000, 1006: 1011, 1015: 1011}
"""Close codes that only say what happened, and what may be sent for them (RFC 6455, section 7.4.1)."""


class Session:
    """Runs until either side leaves, or until the caller may go on no longer."""

    def __init__(self, receive: Receive, send: Send, provider: ClientConnection, account: Account) -> None:
        self._receive = receive
        self._send = send
        self._provider = provider
        self._account = account
        self._name, self._upstream_name = account.ask.model, account.upstream_model
        self._said: list[str] = []
        """Texts of responses that are under way, in case nobody tells what they came to."""
        self._running = 0

    async def run(self) -> None:
        """Return when all is over and paid."""
        up, down = asyncio.create_task(self._up()), asyncio.create_task(self._down())
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            if down.done():
                await self._end(down.result())
            else:
                await self._left(down, *up.result())
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _up(self) -> tuple[int, str]:
        """The caller's events; returns how it left."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or 1005), str(message.get("reason") or "")
            text = message.get("text")
            if text is None:
                text = bytes(message["bytes"]).decode("utf-8", "replace")
            try:
                await self._provider.send(from_caller(text, self._upstream_name))
            except ConnectionClosed:
                pass  # the other direction tells how
            except Problem as problem:
                await self._tell(error_event(problem, "refused"))

    async def _down(self) -> Problem | None:
        """The provider's events; returns why the session has to end, None when the provider ended it."""
        try:
            async for message in self._provider:
                if problem := await self._heard(message):
                    return problem
        except ConnectionClosed:
            pass
        return None

    async def _heard(self, message: str | bytes) -> Problem | None:
        if isinstance(message, bytes):
            await self._send({"type": "websocket.send", "bytes": message})
            return None
        kind, said = kind_of(message)
        ended: Problem | None = None
        try:
            await self._counted(kind, said, message)
        except Problem as problem:
            ended = problem
        await self._tell(to_caller(message, self._name))
        return ended

    async def _counted(self, kind: str, said: str, message: str) -> None:
        """Paid before the caller hears of it; raises what speaks against going on."""
        if said:
            self._said.append(said)
        elif kind == "response.created":
            self._running += 1
            await self._account.cover(self._running)
        elif kind == "response.done":
            texts, self._said = self._said, []
            try:
                await self._account.charge(usage_of(message), texts, self._running - 1)
            finally:  # not before: it is under way until it is paid
                self._running = max(0, self._running - 1)
        elif kind in _SESSIONS:
            await self._account.transcribes(transcriber_of(message))
        elif kind == _TRANSCRIBED:
            await self._account.charge_transcript(transcribed(message), self._running)

    async def _end(self, problem: Problem | None) -> None:
        """The provider has closed, or the caller may not go on."""
        if problem is not None:
            await self._account.close(self._said, 200, None)
            await self._close(REFUSED if problem.status != 429 else LATER, problem.code, error_event(problem, "ended"))
            await self._provider.close()
            return
        code, reason = self._provider.close_code or 1006, self._provider.close_reason or ""
        problem = Problem(502, "upstream_error", "The provider closed the session.")
        await self._account.close(self._said, 200, None if code in (1000, 1001) else problem)
        await self._close(_UNSENDABLE.get(code, code), reason)

    async def _left(self, down: asyncio.Task[Problem | None], code: int, reason: str) -> None:
        """The caller has left; what is under way is stopped, and paid as far as it came."""
        if self._running:
            with contextlib.suppress(ConnectionClosed, TimeoutError):
                await self._provider.send(_CANCEL)
                async with asyncio.timeout(LAST_WORD):
                    while self._running and not down.done():
                        await asyncio.wait((down,), timeout=0.02)
        left = Problem(LEFT, "caller_left", "The caller left before the end of its answer.") if self._said else None
        await self._account.close(self._said, LEFT if left else 200, left)
        code = _UNSENDABLE.get(code, code)
        await self._provider.close(code if 1000 <= code < 5000 else 1000, reason[:100])

    async def _tell(self, text: str) -> None:
        with contextlib.suppress(Exception):  # servers differ in what they raise when the caller has left
            await self._send({"type": "websocket.send", "text": text})

    async def _close(self, code: int, reason: str, last: str = "") -> None:
        if last:
            await self._tell(last)
        message: dict[str, Any] = {"type": "websocket.close", "code": code, "reason": reason[:100]}
        with contextlib.suppress(Exception):
            await self._send(message)
