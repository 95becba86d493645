"""Files and batches at OpenAI, and how their user sees them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from openopen8.core.models import Task
from openopen8.core.services import tasks
from openopen8.core.services.tasks import News, State
from relay.tasks.vendor import Answered, Errand

_STATES: dict[str, State] = {
    "completed": "succeeded",
    "expired": "succeeded",
    "cancelled": "succeeded",
    "failed": "failed",
}
"""An end in between has results as well."""


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
