"""Asks providers how far their tasks are. Of several workers one has the duty; another takes over when it has gone."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial

from openopen8.core.errors import Problem
from openopen8.core.models import Task
from openopen8.core.services import tasks
from openopen8.core.services.duty import Duty
from openopen8.core.services.tasks import News
from openopen8.core.tools import Tools
from relay.formats.vendor import message_of, redact
from relay.tasks.batches import follow
from relay.tasks.errands import answered
from relay.tasks.place import place_of
from relay.upstream import Failure, Upstream

log = logging.getLogger("openopen8.tasks")

EVERY_SECONDS = 1.0
DUTY = "tasks"
AT_ONCE = 32
"""Tasks that are asked after at the same time."""
PATIENCE = {"video": 30.0, **dict.fromkeys(tasks.BATCHES, 600.0)}
"""Seconds for one look; that at a batch which has ended reads its results."""
OTHERS = 5
"""How much seldomer a worker looks that has not got the duty: each try is a connection to PostgreSQL."""
PRUNE_EVERY = 3_600
"""Turns between two looks at what ended long ago."""
_GONE = (404, 410)


async def keep_tasks(tools: Tools, upstream: Upstream, every: float = EVERY_SECONDS) -> None:
    """Turns for ever. One that hangs holds up no other: it is left running, and not begun twice."""
    duty, looks, turns, mine = Duty(tools.db, DUTY), Looks(tools, upstream), 0, True
    try:
        while True:
            await asyncio.sleep(every if mine else every * OTHERS)
            mine = False
            try:
                mine = await asyncio.to_thread(duty.take)
                if mine:
                    if turns % PRUNE_EVERY == 0:
                        await asyncio.to_thread(tasks.prune, tools, tools.now())
                    turns += 1
                    await looks.begin()
            except Exception as error:
                log.warning("asking after tasks failed: %s", type(error).__name__)
    finally:
        await looks.stop()
        # in a thread of its own: this task may be cancelled again while it waits
        await asyncio.shield(asyncio.to_thread(duty.leave))


class Looks:
    """Looks that are under way, by task."""

    def __init__(self, tools: Tools, upstream: Upstream) -> None:
        self._tools = tools
        self._upstream = upstream
        self._running: dict[str, asyncio.Task[None]] = {}

    async def begin(self) -> None:
        """Ask after all whose time has come."""
        room = AT_ONCE - len(self._running)
        if room <= 0:
            return
        for task in await asyncio.to_thread(tasks.due, self._tools, self._tools.now(), AT_ONCE):
            if task.id not in self._running and len(self._running) < AT_ONCE:
                look = self._running[task.id] = asyncio.create_task(self._one(task))
                look.add_done_callback(partial(self._over, task.id))

    async def ended(self) -> None:
        """Return when none is under way."""
        while self._running:
            await asyncio.wait(self._running.values())

    async def stop(self) -> None:
        """Leave all of them to another worker."""
        for look in self._running.values():
            look.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _over(self, id: str, look: asyncio.Task[None]) -> None:
        del self._running[id]
        if not look.cancelled() and look.exception() is not None:
            log.warning("a look at task %s failed: %s", id, type(look.exception()).__name__)

    async def _one(self, task: Task) -> None:
        try:
            async with asyncio.timeout(PATIENCE.get(task.kind, 30.0)):
                await ask(self._tools, self._upstream, task)
        except Exception as error:  # one odd task must not keep the others from being asked after
            log.warning("task %s could not be asked after: %s", task.id, type(error).__name__)
            await asyncio.to_thread(tasks.unheard, self._tools, task.id, self._tools.now())


async def ask(tools: Tools, upstream: Upstream, task: Task) -> None:
    """One look at one task."""
    if task.state == "new":
        confirmed = await asyncio.to_thread(tasks.confirm, tools, task.id, tools.now())
        if confirmed is None:
            return
    try:
        if task.kind in tasks.BATCHES:
            return await follow(tools, upstream, task)
        news = await _news(tools, upstream, task)
    except (Failure, Problem) as failure:
        gone = getattr(failure, "status", 0) in _GONE
        await asyncio.to_thread(tasks.unheard, tools, task.id, tools.now(), gone)
        return
    if tools.now() >= task.expires_at and news.state not in tasks.ENDED:
        await asyncio.to_thread(tasks.unheard, tools, task.id, tools.now())
    else:
        await asyncio.to_thread(tasks.heard, tools, task.id, news, tools.now())


async def _news(tools: Tools, upstream: Upstream, task: Task) -> News:
    """What the provider says; raises Failure, or Problem for a channel that is there no more."""
    place = await place_of(tools, task)
    vendor = place.vendor
    status, fields = await answered(upstream, place.sent(vendor.look(task)))
    refusal = vendor.refused(fields)
    if refusal is not None and refusal.status == 400:  # the vendor's own word for: it will never be
        return News("failed", error=redact(refusal.message))
    if refusal is not None:
        raise Failure("status", refusal.message, refusal.status)
    if not 200 <= status < 300:
        raise Failure("status", message_of(fields) or "The provider gave no reason.", status)
    news = vendor.news(fields)
    return replace(news, error=redact(news.error))
