"""Tasks as they go on: taken down, asked after, ended once; what failed is given back. For threads, not event loops."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, delete, func
from sqlmodel import Session, col, select

from openopen8.core.clock import DAY, HOUR, MINUTE, SECOND
from openopen8.core.models import Hold, LogEntry, Task
from openopen8.core.rules.pricing import Receipt
from openopen8.core.services.ledger import entries
from openopen8.core.services.log_walk import of_request
from openopen8.core.tools import Tools

log = logging.getLogger("openopen8.tasks")

LONGEST = DAY
"""After so long without an ending a task has failed."""
KEPT = 30 * DAY
"""Ended tasks are forgotten then; vendors keep results for hours or days."""
FIRST_LOOK = 5 * SECOND
LOST = 10 * MINUTE
"""So long the log entry of a new task is waited for."""

State = Literal["queued", "running", "succeeded", "failed"]
ENDED = frozenset({"succeeded", "failed"})
BATCHES = ("batch", "message_batch", "gemini_batch")
"""Kinds that are paid when they end: OpenAI's, Claude's and Gemini's."""


@dataclass(frozen=True, slots=True)
class News:
    """What a provider says about a task. ``answer`` has no prompt in it."""

    state: State
    progress: int | None = None
    urls: tuple[str, ...] = ()
    error: str = ""
    answer: dict[str, Any] | None = field(default=None, repr=False)
    seconds: float | None = None
    """How long the result has become, where the provider tells."""


def add(tools: Tools, task: Task) -> None:
    """Take down what a provider has accepted, before its request is charged and answered."""
    with tools.db.write() as session:
        session.add(task)


def find(tools: Tools, user_id: int, id: str, kind: str = "video") -> Task | None:
    """The user's task, with what is known of its charge; None also for somebody else's."""
    with tools.db.read() as session:
        task = session.get(Task, id)
        if task is None or task.user_id != user_id or task.kind != kind:
            return None
        return task if task.state != "new" or _charge(session, task) is not None else None


def files(tools: Tools, user_id: int, ids: Sequence[str]) -> Sequence[Task]:
    """Those of the files that are the user's."""
    with tools.db.read() as session:
        query = select(Task).where(col(Task.id).in_(ids), Task.user_id == user_id, Task.kind == "file")
        return session.exec(query).all()


def listed(
    tools: Tools, user_id: int, kind: str = "video", after: str = "", limit: int = 20, newest_first: bool = True
) -> tuple[list[Task], bool]:
    """The user's tasks, and whether there are more of them."""
    place: tuple[Any, Any] = (col(Task.created_at), col(Task.id))
    with tools.db.read() as session:
        query = select(Task).where(Task.user_id == user_id, Task.kind == kind)
        if after:
            last = session.get(Task, after)
            if last is None or last.user_id != user_id:
                return [], False
            query = query.where(_beyond(last, newest_first))
        order = [column.desc() if newest_first else column.asc() for column in place]
        rows = session.exec(query.order_by(*order).limit(limit + 1)).all()
        found = [task for task in rows[:limit] if task.state != "new" or _charge(session, task) is not None]
    return found, len(rows) > limit


def _beyond(last: Task, newest_first: bool) -> ColumnElement[bool]:
    at, id = col(Task.created_at), col(Task.id)
    if newest_first:
        return (at < last.created_at) | ((at == last.created_at) & (id < last.id))
    return (at > last.created_at) | ((at == last.created_at) & (id > last.id))


def due(tools: Tools, now: int, limit: int) -> Sequence[Task]:
    """Tasks whose provider is to be asked, those that wait longest first; for a minute they are the caller's."""
    query = select(Task).where(col(Task.poll_at) <= now).order_by(col(Task.poll_at)).limit(limit)
    with tools.db.read() as session:
        if not session.exec(query.limit(1)).first():
            return ()
    with tools.db.write() as session:
        found = session.exec(query.with_for_update(skip_locked=True)).all()
        for task in found:
            task.poll_at = now + MINUTE
            session.add(task)
        return found


def oldest(tools: Tools) -> int | None:
    """When the oldest video that may still be given back was begun: its charge must stay in the log."""
    with tools.db.read() as session:
        begun = select(func.min(Task.created_at)).where(col(Task.poll_at).is_not(None), Task.kind == "video")
        return session.exec(begun).one()


def owed(tools: Tools, user_id: int, token_id: int) -> tuple[int, int]:
    """What the user's batches that run will cost by estimate, and those of the token among them."""
    with tools.db.read() as session:
        batches = select(Task).where(Task.user_id == user_id, col(Task.kind).in_(BATCHES))
        running = session.exec(batches.where(col(Task.poll_at).is_not(None)))
        found = [(task.token_id, int(task.request.get("estimate", 0))) for task in running]
    return sum(credits for _, credits in found), sum(credits for id, credits in found if id == token_id)


def confirm(tools: Tools, id: str, now: int) -> Task | None:
    """A new task whose charge is in the log is a task now; one whose request was never charged is forgotten.

    The answer goes out after the charge: nobody was told of a task that is forgotten.
    """
    with tools.db.write() as session:
        task = _locked(session, id)
        if task is None or task.state != "new":
            return task
        entry, charge = _entry(session, task), _charge(session, task)
        if entry is not None and charge is None:
            log.warning("request %s was not charged: its task is dropped", task.request_id)
            session.delete(task)
            return None
        if charge is None and (_in_flight(session, task) or now - task.created_at < LOST):
            task.poll_at = now + FIRST_LOOK
            session.add(task)
            return None
        # without an entry after so long: every request leaves one, so this one is out of the log again
        task.state, task.credits = "queued", charge.credits if charge is not None else 0
        session.add(task)
        return task


def heard(tools: Tools, id: str, news: News, now: int) -> Task | None:
    """The provider has answered. A failed task is given back in the same transaction: once, whatever happens."""
    with tools.db.write() as session:
        task = _locked(session, id)
        if task is None or task.state in ENDED:
            return task
        task.state, task.failures, task.updated_at = news.state, 0, now
        task.progress = 100 if news.state == "succeeded" else max(task.progress, min(news.progress or 0, 99))
        task.answer = task.answer if news.answer is None else news.answer
        task.poll_at = now + pause(now - task.created_at)
        if news.state == "succeeded":
            task.urls = list(news.urls)
            _shorter(session, task, news.seconds, now)
        if news.state in ENDED:
            task.poll_at, task.ended_at = None, now
        if news.state == "failed":
            task.error = (news.error or "The provider could not do it.")[:1000]
            _give_back(session, task, now)
        session.add(task)
        return task


def finished(tools: Tools, id: str, news: News, entry: LogEntry, receipt: Receipt, files: Sequence[Task]) -> None:
    """A batch has ended: it is charged for what it has done, and its files are its user's, in one transaction."""
    now = tools.now()
    with tools.db.write() as session:
        task = _locked(session, id)
        if task is None or task.state in ENDED:
            return
        task.state, task.progress, task.poll_at, task.ended_at, task.updated_at = news.state, 100, None, now, now
        task.answer, task.error, task.credits = news.answer, news.error[:1000], receipt.credits
        if news.state == "succeeded":
            entries.charge(session, entry, receipt)
        session.add_all(file for file in files if session.get(Task, file.id) is None)
        session.add(task)


def unheard(tools: Tools, id: str, now: int, gone: bool = False) -> None:
    """The provider did not answer, or (``gone``) does not know the task: asked again later, until time is up."""
    with tools.db.write() as session:
        task = _locked(session, id)
        if task is None or task.state in ENDED:
            return
        task.failures += 1
        task.poll_at = now + min(pause(now - task.created_at) * 2 ** min(task.failures, 8), 5 * MINUTE)
        late = now >= task.expires_at
        if late or (gone and task.failures >= 5):
            task.state, task.poll_at, task.ended_at, task.updated_at = "failed", None, now, now
            hours = max(1, (task.expires_at - task.created_at) // HOUR)
            task.error = f"It did not end within {hours} hours." if late else "The provider does not know it any more."
            _give_back(session, task, now)
        session.add(task)


def remove(tools: Tools, id: str) -> None:
    """Forget an ended task."""
    with tools.db.write() as session:
        session.exec(delete(Task).where(col(Task.id) == id, col(Task.state).in_(ENDED)))


def prune(tools: Tools, now: int) -> None:
    """Forget what ended long ago."""
    with tools.db.write() as session:
        session.exec(delete(Task).where(col(Task.ended_at) < now - KEPT))


def pause(age: int) -> int:
    """Milliseconds until the next look at a task of this age."""
    if age < MINUTE:
        return 5 * SECOND
    return 10 * SECOND if age < 10 * MINUTE else 30 * SECOND


def _locked(session: Session, id: str) -> Task | None:
    return session.exec(select(Task).where(Task.id == id).with_for_update()).one_or_none()


def _entry(session: Session, task: Task) -> LogEntry | None:
    return next((entry for entry in of_request(session, task.request_id) if entry.kind == "request"), None)


def _charge(session: Session, task: Task) -> LogEntry | None:
    """The log entry of the request, if it says that the task was answered for."""
    entry = _entry(session, task)
    return entry if entry is not None and entry.status == 200 and not entry.error else None


def _in_flight(session: Session, task: Task) -> bool:
    return session.exec(select(Hold.id).where(Hold.request_id == task.request_id)).first() is not None


def _give_back(session: Session, task: Task, now: int) -> None:
    """All that the request still costs, as a correction that names it."""
    told = of_request(session, task.request_id)
    if not told and task.credits:
        log.error("the charge of request %s was not given back: it is in the log no more", task.request_id)
    _correct(session, task, sum(x.credits for x in told), f"{task.id} failed: {task.error}", now)


def _shorter(session: Session, task: Task, seconds: float | None, now: int) -> None:
    """What was charged for seconds that the result does not have, where seconds are all that was charged."""
    asked = int(task.request.get("seconds") or 0)
    if seconds is None or not 0 < math.ceil(seconds) < asked:
        return
    charge = _charge(session, task)
    lines = (charge.receipt or {}).get("lines", []) if charge is not None else []
    if charge is None or [(line["bucket"], line["count"]) for line in lines] != [("units.seconds", asked)]:
        return
    due = -(-charge.credits * math.ceil(seconds) // asked)
    rest = sum(entry.credits for entry in of_request(session, task.request_id))
    _correct(session, task, min(charge.credits - due, rest), f"{task.id} has {math.ceil(seconds)} seconds", now)


def _correct(session: Session, task: Task, credits: int, reason: str, now: int) -> None:
    if credits > 0:
        entries.correct(session, task.request_id, credits, reason, "system", now)
        task.refunded += credits
