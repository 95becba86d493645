"""A caller waits for a video that is being made. It is asked after elsewhere: here only its row is looked at."""

from __future__ import annotations

import asyncio

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.models import Task
from openopen8.core.services import tasks
from relay.answered import Later
from relay.caller import Caller, Pairs, Presence
from relay.gate import Gate
from relay.streaming import COMMENT
from relay.tasks.response import Events, response, task_id

EVERY_SECONDS = 1.0

_JSON = (b"content-type", b"application/json")
_SSE = (
    (b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)  # fmt: skip


class _Made(msgspec.Struct, gc=False):
    id: str


_made = msgspec.json.Decoder(_Made).decode


class Waiting:
    """One caller, one video."""

    def __init__(self, gate: Gate, user_id: int, later: Later, caller: Caller, presence: Presence) -> None:
        self._gate = gate
        self._user_id = user_id
        self._id = task_id(_made(later.body).id)
        self._stream = later.stream
        self._caller = caller
        self._presence = presence

    async def answer(self, told: Pairs, charged: Pairs) -> None:
        """Answer when the video has ended; ``charged`` holds unless it was given back.

        Raises CancelledError when the caller leaves.
        """
        self._caller.attend(self._presence.leave)
        task = await self._look()
        if self._stream:
            return await self._streamed(task, told)
        while task.state not in tasks.ENDED and (news := await self._later()) is not None:
            task = news
        body = msgspec.json.encode(response(task))
        pairs = told if task.state == "failed" else (*told, *charged)
        self._caller.start(200, (_JSON, (b"content-length", b"%d" % len(body)), *pairs))
        self._caller.finish(body)

    async def _streamed(self, task: Task, told: Pairs) -> None:
        caller, clock, silence = self._caller, self._gate.clock, self._gate.settings.keep_alive_seconds
        events, spoken = Events(task), clock()
        caller.start(200, (*_SSE, *told))
        caller.write(events.begun())
        while task.state not in tasks.ENDED:
            news = await self._later()
            if news is None:
                return caller.finish(events.late(_LATE))
            task = news
            if clock() >= spoken + silence:
                caller.write(COMMENT)
                spoken = clock()
        caller.finish(events.ended(task))

    async def _later(self) -> Task | None:
        """The task after a while; None when the request's time is over."""
        if self._caller.left:  # before it was attended to again
            self._presence.leave()
        try:
            await asyncio.sleep(EVERY_SECONDS)
            return await self._look()
        except asyncio.CancelledError:
            if not (self._presence.late and self._presence.owns()):
                raise
            return None

    async def _look(self) -> Task:
        task = await asyncio.to_thread(tasks.find, self._gate.tools, self._user_id, self._id, "video")
        if task is None:  # deleted while it was waited for
            raise Problem(404, "response_not_found", "The video was deleted.")
        return task


_LATE = Problem(504, "upstream_timeout", "The video is still in the making: ask for this response again, by its id.")
