"""Which relay workers live: a process is known by boot, pid namespace, pid and start time."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlmodel import Session, select

from openopen8.core.clock import DAY, SECOND
from openopen8.core.models import Worker
from openopen8.core.rules.limits import WINDOW
from openopen8.core.services.ledger.rows import LAST_BITS, first_id
from openopen8.core.services.ledger.texts import parsed
from openopen8.core.tools import Tools

SILENT = 40 * SECOND
"""A worker of another host is dead after so long without a heartbeat: four in a row are missing."""
BLIND = 30 * SECOND
"""Who has not looked for so long knows nothing about other hosts and begins to watch anew."""

_LONG_GONE = text(
    # the last row stays, so that no id is ever given twice
    "DELETE FROM workers WHERE heartbeat_at < :before AND id < (SELECT MAX(id) FROM workers) AND NOT EXISTS "
    f"(SELECT 1 FROM holds WHERE holds.id >= workers.id << {LAST_BITS} AND holds.id < (workers.id + 1) << {LAST_BITS})"
)
_OLD_WINDOWS = text("DELETE FROM admissions WHERE at <= :before")
# a lasting hold is settled by its answer's row; one that has none was left before that was written
_LEFT = "(id > 0 OR NOT EXISTS (SELECT 1 FROM kept_responses k WHERE k.hold_id = holds.id))"
_HOLDING = text(f"SELECT DISTINCT ABS(id) >> {LAST_BITS} FROM holds WHERE {_LEFT}")
_HOLDS = text(
    "SELECT id, request_id FROM holds WHERE (id >= :first AND id < :last OR id > -:last AND id <= -:first) "
    f"AND {_LEFT} ORDER BY id"
)
_PROGRESS = text("SELECT progress FROM holds WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Process:
    """This process, as other processes can recognise it."""

    host: str
    pid: int
    started: str


def this_process() -> Process:
    """Boot id and pid namespace (Linux), else the host's name; pid; start time."""
    pid = os.getpid()
    return Process(_host(), pid, started_at(pid) or "")


def started_at(pid: int) -> str | None:
    """The kernel's start time of a process (proc(5), field 22), "" where there is no /proc, None when it is gone."""
    if not Path("/proc/self/stat").exists():
        return "" if _alive(pid) else None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]


class Watch:
    """How long workers of other hosts have been silent, as heard from here.

    Not by how old a heartbeat is: clocks of machines differ, and after an outage of the database all are old.
    """

    def __init__(self) -> None:
        self._heard: dict[int, tuple[int, int]] = {}
        """Of each worker: its last heartbeat, and when we first saw that one."""
        self._looked = 0

    def look(self, now: int) -> None:
        """Begin to listen anew after a time without looking."""
        if now - self._looked > BLIND:
            self._heard.clear()
        self._looked = now

    def silence(self, worker: Worker, now: int) -> int:
        id, beat = worker.id or 0, worker.heartbeat_at
        if self._heard.get(id, (None, 0))[0] != beat:
            self._heard[id] = (beat, now)
        return now - self._heard[id][1]


def is_dead(worker: Worker, me: Process, silence: int) -> bool:
    """True when nothing will ever settle this worker's holds but us."""
    if worker.stopped_at is not None:
        return True
    if worker.host == me.host:
        started = started_at(worker.pid)
        return started is None or started != worker.started
    return silence > SILENT


def register(tools: Tools) -> int:
    """A new row for this process; returns the worker's id. What workers long gone have left is dropped."""
    me, now = this_process(), tools.now()
    with tools.db.write() as session:
        session.connection().execute(_LONG_GONE, {"before": now - DAY})
        session.connection().execute(_OLD_WINDOWS, {"before": now - WINDOW})
        worker = Worker(host=me.host, pid=me.pid, started=me.started, heartbeat_at=now)
        session.add(worker)
        session.flush()
        assert worker.id is not None
        return worker.id


def retire(tools: Tools, worker_id: int) -> None:
    """This worker has ended in good order."""
    with tools.db.write() as session:
        worker = session.get(Worker, worker_id)
        if worker is not None:
            worker.stopped_at = tools.now()


class Left(NamedTuple):
    """A hold whose worker is gone."""

    id: int
    request_id: str


def holds_of_the_dead(tools: Tools, own: int | None, watch: Watch | None = None) -> list[Left]:
    """Holds that nobody but us will settle; without a ``watch`` other hosts are judged by their last heartbeat."""
    with tools.db.read() as session:
        connection = session.connection()
        found: list[Left] = []
        for id in sorted(_dead(session, tools.now(), own, watch)):
            rows = connection.execute(_HOLDS, {"first": first_id(id), "last": first_id(id + 1)})
            found += [Left(*row) for row in rows]
        return found


def progress_of(tools: Tools, hold_id: int) -> dict[str, Any] | None:
    """How far the stream of an open hold was when that was last written down."""
    with tools.db.read() as session:
        found = session.connection().execute(_PROGRESS, {"id": hold_id}).scalar()
    made: dict[str, Any] | None = parsed(found) if found else None
    return made


def _dead(session: Session, now: int, own: int | None, watch: Watch | None) -> set[int]:
    holding = {row[0] for row in session.connection().execute(_HOLDING)}
    holding.discard(own)
    if watch is not None:
        watch.look(now)
    if not holding:
        return set()
    me = this_process()
    known = {worker.id: worker for worker in session.exec(select(Worker)).all()}
    silence = {id: watch.silence(x, now) if watch else now - x.heartbeat_at for id, x in known.items()}
    return {id for id in holding if id not in known or is_dead(known[id], me, silence[id])}


def _host() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
