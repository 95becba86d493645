"""Live pages: wakes those whose user's revision moved, within a third of a second.

``accounts.revision`` rises with every change that a user's pages show. On SQLite `PRAGMA data_version` tells that
another process committed, only then are the revisions read; on PostgreSQL they are read on every beat. Nobody
watching = nothing is asked.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from openopen8.core.models.account import Account
from openopen8.core.models.revision import Revision
from openopen8.core.rules.roles import Actor
from openopen8.core.tools import Tools
from openopen8.state.identity import caller
from openopen8.state.tools import tools

EVERYONE = 0
"""Watch this instead of a user id to be woken by any change, of any user or of channels and prices."""
BEAT = 0.25
PATIENCE = 3.0
"""Seconds after which a loop looks up its session again, though nothing changed."""


class Pulse:
    """The revisions of the watched users, one per process and event loop."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.watched: Counter[int] = Counter()
        self.revisions: dict[int, int] = {}
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def after(self, user_id: int, seen: int | None, patience: float = PATIENCE) -> int:
        """The user's revision as soon as it differs from ``seen``, or after ``patience`` seconds as it is."""
        self.watched[user_id] += 1
        try:
            if user_id not in self.revisions:
                self.revisions |= await asyncio.to_thread(read_revisions, self.tools, {user_id})
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run())
            async with asyncio.timeout(patience):
                while self.revisions.get(user_id) == seen:
                    await self._woken.wait()
        except TimeoutError:
            pass
        finally:
            self.watched[user_id] -= 1
        return self.revisions.get(user_id, 0)

    async def _run(self) -> None:
        """Look for changes while somebody watches."""
        quiet = 0.0
        version = _DataVersion(self.tools)
        try:
            while quiet < 2 * PATIENCE:
                await asyncio.sleep(BEAT)
                users = {user for user, count in self.watched.items() if count > 0}
                quiet = 0.0 if users else quiet + BEAT
                if version.moved():
                    await self._refresh(users)
        finally:
            version.close()
            self.revisions.clear()
            self.watched = +self.watched

    async def _refresh(self, users: set[int]) -> None:
        fresh = await asyncio.to_thread(read_revisions, self.tools, users | self.revisions.keys())
        if fresh == self.revisions:
            return
        self.revisions = fresh
        self._woken.set()
        self._woken = asyncio.Event()


class _DataVersion:
    """True from :meth:`moved` when the database may have changed since the last call."""

    def __init__(self, tools: Tools) -> None:
        path = tools.db.path
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False) if path else None
        self._last: int | None = None

    def moved(self) -> bool:
        if self._connection is None:
            return True
        now = self._connection.execute("PRAGMA data_version").fetchone()[0]
        moved, self._last = now != self._last, now
        return moved

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def read_revisions(tools: Tools, users: set[int]) -> dict[int, int]:
    """User id → revision; EVERYONE → a number that any change raises."""
    with tools.db.read() as session:
        rows = session.exec(select(Account.user_id, Account.revision).where(col(Account.user_id).in_(users))).all()
        found = {user: revision for user, revision in rows}
        if EVERYONE in users:
            accounts = session.exec(select(func.sum(Account.revision))).one()
            settings = session.exec(select(func.sum(Revision.number))).one()
            found[EVERYONE] = int(accounts or 0) + int(settings or 0)
    return found


_pulses: dict[asyncio.AbstractEventLoop, Pulse] = {}


def pulse() -> Pulse:
    """The running loop's pulse."""
    loop = asyncio.get_running_loop()
    known = _pulses.get(loop)
    if known is None or known.tools is not tools():
        for old in [old for old in _pulses if old.is_closed()]:
            del _pulses[old]
        known = _pulses[loop] = Pulse(tools())
    return known


async def rounds(state: Any, everyone: bool = False, beat: float | None = None) -> AsyncIterator[Actor]:
    """For background handlers started from ``on_load``: the caller, once now and again after every change.

    ``beat``: also after so many seconds without one. Ends when the session has ended (Me.watch then leads to the
    login page). Read the database in the loop's body, in a thread; take ``async with self`` only to assign
    (``self._show(rows=rows)`` assigns what differs).
    """
    seen: int | None = None
    last = time.monotonic()
    while (actor := await caller(state)) is not None:
        fresh = await pulse().after(EVERYONE if everyone else actor.user_id, seen)
        due = beat is not None and time.monotonic() - last >= beat
        if fresh == seen and not due:
            continue
        seen, last = fresh, time.monotonic()
        current = await caller(state)
        if current is None:
            return
        yield current
