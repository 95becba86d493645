"""Claude's batches at their provider: how far they are, what they made, how their user sees them.

Source: https://platform.claude.com/docs/en/api/retrieving-message-batches and its neighbours, the official SDK
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from openopen8.core.models import Task
from openopen8.core.services.tasks import News
from relay.channels import auth
from relay.tasks.vendor import Answered, Errand, Vendor, no_videos

PATH = "/messages/batches"


def look(task: Task) -> Errand:
    """Asks how far it is."""
    return Errand("GET", _at(task))


def news(answer: Answered) -> News:
    """What a batch object says. One that was cancelled or has expired has results as well."""
    return News("succeeded" if answer.get("processing_status") == "ended" else "running", answer=answer)


def output(task: Task, answer: Answered) -> Errand | None:
    """Fetches the results, for our books and for the user."""
    return Errand("GET", _at(task, "/results"))


def cancel(task: Task) -> Errand:
    """Stops it."""
    return Errand("POST", _at(task, "/cancel"))


def remove(task: Task) -> Errand:
    """Deletes it and its results."""
    return Errand("DELETE", _at(task))


def _at(task: Task, rest: str = "") -> str:
    return f"{PATH}/{quote(task.upstream_id, safe='')}{rest}"


def shown(task: Task) -> dict[str, Any]:
    """The batch as Claude shows it. It has ended, and its results show, once it is paid."""
    found = {**(task.answer or {}), "id": task.id, "results_url": None}
    if task.state == "succeeded":
        found["results_url"] = f"/v1{PATH}/{task.id}/results"
    elif task.state == "failed":
        counts = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        given = found.get("request_counts")
        counts["errored"] = sum(given.values()) if isinstance(given, dict) else 0
        found |= {"processing_status": "ended", "request_counts": counts}
    elif found.get("processing_status") == "ended":
        found |= {"processing_status": "in_progress", "ended_at": None}
    return found


def deleted(task: Task) -> dict[str, Any]:
    """What is told of one that is gone."""
    return {"id": task.id, "type": "message_batch_deleted"}


def listing(found: list[Task], more: bool) -> bytes:
    """Claude's lists."""
    first, last = (found[0].id, found[-1].id) if found else (None, None)
    body = {"data": [shown(task) for task in found], "has_more": more, "first_id": first, "last_id": last}
    return msgspec.json.encode(body)


CLAUDE = Vendor(
    "anthropic", no_videos, lambda answer: str(answer.get("id") or ""), look, news,
    authorize=lambda key, errand, url, now: auth.claude(key), remove=remove,
)  # fmt: skip
