"""Files and batches at a provider: whose they are, how far they are, and what they have cost when they end."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any
from urllib.parse import quote

import msgspec

from openopen8.core.clock import DAY
from openopen8.core.models import LogEntry, Task
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.routing import Attempt
from openopen8.core.services import tasks
from openopen8.core.services.tasks import News, State
from relay.admission import Call
from relay.endpoints.files import UserFile
from relay.endpoints.paper import Paper
from relay.gate import Gate
from relay.metering import Measured
from relay.tasks import message_batches
from relay.tasks.vendor import Answered, Errand
from relay.upstream import Failure

LONGEST = 8 * DAY
"""Vendors give up on a batch after a day at most; its files stay longer."""
_STATES: dict[str, State] = {
    "completed": "succeeded",
    "expired": "succeeded",
    "cancelled": "succeeded",
    "failed": "failed",
}
"""An end in between has results as well."""
_PREFIXES = {"batch": "batch_", "message_batch": "msgbatch_"}


async def kept(
    gate: Gate, call: Call, paper: Paper, grant: Grant, attempt: Attempt, answer: Answered
) -> tuple[bytes, Measured | None]:
    """What the provider has taken, as its user's; nothing is charged yet."""
    id = str(answer.get("id") or "")
    if not 0 < len(id) <= 64:
        raise Failure("broken", "The provider accepted the request but gave it no id.")
    task = _task(gate, call, paper, grant, attempt, id, answer)
    await asyncio.to_thread(tasks.add, gate.tools, task)
    view = message_batches.shown if task.kind == "message_batch" else shown
    return msgspec.json.encode(view(task)), None


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


def shown(task: Task) -> dict[str, Any]:
    """A file or batch as OpenAI shows it. Results show once they are paid."""
    said = dict(task.answer or {})
    if task.kind == "file":
        return {**said, "id": task.id}
    found = {**said, "id": task.id}
    if "model" in found:
        found["model"] = task.model
    if task.state not in tasks.ENDED:
        found |= {"output_file_id": None, "error_file_id": None}
        if found.get("status") in _STATES:
            found["status"] = "finalizing"
    elif task.state == "failed" and said.get("status") not in _STATES:
        found |= {"status": "failed", "errors": {"object": "list", "data": [{"code": "lost", "message": task.error}]}}
    return found


def look(task: Task) -> Errand:
    """Asks how far a batch is."""
    return Errand("GET", f"/batches/{quote(task.upstream_id, safe='')}")


def news(answer: Answered) -> News:
    """What a batch object says."""
    return News(_STATES.get(str(answer.get("status")), "running"), answer=answer)


def content(id: str) -> Errand:
    """Fetches a file."""
    return Errand("GET", f"/files/{quote(id, safe='')}/content")


def remove(task: Task) -> Errand:
    """Deletes a file."""
    return Errand("DELETE", f"/files/{quote(task.upstream_id, safe='')}")


def cancel(task: Task) -> Errand:
    """Stops a batch."""
    return Errand("POST", f"/batches/{quote(task.upstream_id, safe='')}/cancel")


def output(task: Task, answer: Answered) -> Errand | None:
    """Fetches the results of a batch; None where there are none."""
    id = answer.get("output_file_id")
    return content(id) if isinstance(id, str) and id else None


def results(task: Task, answer: Answered, now: int) -> list[Task]:
    """The files that a batch has made, as its user's."""
    ids = [answer.get(name) for name in ("output_file_id", "error_file_id")]
    return [_result(task, id, now) for id in ids if isinstance(id, str) and 0 < len(id) <= 64]


def _result(task: Task, id: str, now: int) -> Task:
    file = {"id": id, "object": "file", "purpose": "batch_output", "filename": f"{task.id}.jsonl", "bytes": 0}
    return Task(
        id=id,
        kind="file",
        user_id=task.user_id,
        token_id=task.token_id,
        channel_id=task.channel_id,
        key_id=task.key_id,
        request_id=task.request_id,
        model=task.model,
        form=task.form,
        upstream_id=id,
        state="succeeded",
        answer={**file, "created_at": now // 1000, "status": "processed"},
        created_at=now,
        updated_at=now,
        expires_at=now,
        ended_at=now,
    )


def entry(task: Task, endpoint: str, counts: Counts, now: int, details: dict[str, Any]) -> LogEntry:
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
