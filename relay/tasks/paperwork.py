"""Files and batches are taken down as their user's, and a batch's log entry is written when it has ended."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from openopen8.core.clock import DAY
from openopen8.core.models import LogEntry, Task
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.routing import Attempt
from openopen8.core.services import tasks
from relay.admission import Call
from relay.endpoints.files import UserFile
from relay.endpoints.paper import Paper
from relay.gate import Gate
from relay.metering import Measured
from relay.tasks.shown import shown
from relay.tasks.vendor import Answered
from relay.upstream import Failure

LONGEST = 8 * DAY
"""Vendors give up on a batch after two days at most; its files stay longer."""
_PREFIXES = {"batch": "batch_", "message_batch": "msgbatch_", "gemini_batch": "batch_"}


async def kept(
    gate: Gate, call: Call, paper: Paper, grant: Grant, attempt: Attempt, id: str, answer: Answered
) -> tuple[bytes, Measured | None]:
    """What the provider has taken under this id, as its user's; nothing is charged yet."""
    if not 0 < len(id) <= 64:
        raise Failure("broken", "The provider accepted the request but gave it no id.")
    task = _task(gate, call, paper, grant, attempt, id, answer)
    await asyncio.to_thread(tasks.add, gate.tools, task)
    return shown(paper.kind, task), None


def _task(
    gate: Gate, call: Call, paper: Paper, grant: Grant, attempt: Attempt, id: str, answer: dict[str, Any]
) -> Task:
    now, batch = gate.tools.now(), paper.kind in tasks.BATCHES
    ratio = format(grant.ratio, "f")
    facts = {"tokens": paper.tokens, "url": paper.url, "price": grant.price.id, "ratio": ratio, "group": grant.group.id}
    if batch:
        facts["estimate"] = grant.token_hold
    return Task(
        id=f"{_PREFIXES[paper.kind]}{secrets.token_hex(16)}" if batch else id,
        kind=paper.kind,
        user_id=grant.holder.user_id,
        token_id=grant.holder.token_id,
        channel_id=attempt.provider.id,
        key_id=attempt.key.id,
        request_id=call.ask.request_id,
        model=paper.model,
        upstream_model=attempt.provider.model_mapping.get(paper.model, paper.model),
        form=attempt.provider.type,
        upstream_id=id,
        state="running" if batch else "succeeded",
        request=facts,
        answer=answer,
        created_at=now,
        updated_at=now,
        poll_at=now + tasks.FIRST_LOOK if batch else None,
        expires_at=now + LONGEST,
        ended_at=None if batch else _forgotten(paper, answer, now),
    )


def _forgotten(paper: Paper, answer: Answered, now: int) -> int | None:
    """When a file has had its time: the provider keeps one for chats until it is deleted or expires."""
    if not isinstance(paper, UserFile):
        return now
    expires = answer.get("expires_at")
    return int(expires * 1000) if isinstance(expires, int | float) and 0 < expires < 10**11 else None


def entry_of(task: Task, endpoint: str, counts: Counts, now: int, details: dict[str, Any]) -> LogEntry:
    """The log entry of a batch that has ended; its request id is the batch's."""
    return LogEntry(
        time=now,
        kind="request",
        request_id=task.id[:40],
        user_id=task.user_id,
        token_id=task.token_id,
        group_id=task.request.get("group"),
        channel_id=task.channel_id,
        model=task.model,
        upstream_model=task.upstream_model,
        endpoint=endpoint,
        input_tokens=counts.total_input,
        output_tokens=counts.total_output,
        cached_tokens=counts.cache_read,
        reasoning_tokens=counts.reasoning,
        status=200,
        latency_ms=max(0, now - task.created_at),
        details=details,
    )
