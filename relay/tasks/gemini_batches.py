"""Gemini's batches at their provider: operations, which hold their results once they are done.

Source: https://ai.google.dev/api/batch-api, the official SDK
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from openopen8.core.models import Task
from openopen8.core.services.tasks import News, State
from relay.channels import auth
from relay.formats.vendor import message_of
from relay.tasks.vendor import Answered, Errand, Vendor, no_videos

PATH = "/batches"
_STATES: dict[str, State] = {
    "BATCH_STATE_SUCCEEDED": "succeeded",
    "BATCH_STATE_CANCELLED": "succeeded",
    "BATCH_STATE_EXPIRED": "succeeded",
    "BATCH_STATE_FAILED": "failed",
}
"""What was stopped in between may have results as well."""


def look(task: Task) -> Errand:
    """Asks how far it is, and for the results."""
    return Errand("GET", _at(task))


def news(answer: Answered) -> News:
    """What an operation says, without its results."""
    meta = {name: value for name, value in _dict(answer.get("metadata")).items() if name != "output"}
    kept = {**{name: value for name, value in answer.items() if name != "response"}, "metadata": meta}
    error = message_of(answer)
    if "error" in kept:
        kept["error"] = {"code": _dict(kept["error"]).get("code"), "message": error}
    return News(_STATES.get(str(meta.get("state")), "running"), error=error, answer=kept)


def inline(answer: Answered) -> list[Answered]:
    """The answers to those requests that have one."""
    made = _dict(_dict(answer.get("metadata")).get("output") or answer.get("response"))
    rows = _dict(made.get("inlinedResponses")).get("inlinedResponses")
    found = [_dict(row).get("response") for row in rows] if isinstance(rows, list) else []
    return [response for response in found if isinstance(response, dict)]


def cancel(task: Task) -> Errand:
    """Stops it."""
    return Errand("POST", _at(task) + ":cancel")


def remove(task: Task) -> Errand:
    """Forgets it and its results."""
    return Errand("DELETE", _at(task))


def _at(task: Task) -> str:
    return f"{PATH}/{quote(task.upstream_id, safe='')}"


def accepted(answer: Answered) -> str:
    """The id of a new batch, or nothing."""
    return str(answer.get("name") or "").removeprefix("batches/")


def shown(task: Task, live: Answered | None = None) -> dict[str, Any]:
    """The operation as Gemini shows it; ``live`` is what the provider says now, results included."""
    said = live or task.answer or {}
    name, meta = f"batches/{task.id}", _dict(said.get("metadata"))
    meta = {**meta, "name": name, "model": f"models/{task.model}"}
    if task.state == "failed" and meta.get("state") != "BATCH_STATE_FAILED":
        meta["state"] = "BATCH_STATE_FAILED"
        said = {**said, "done": True, "error": {"code": 5, "message": task.error}}
    return {**said, "name": name, "metadata": meta}


def nothing(task: Task) -> dict[str, Any]:
    """What is told of one that was stopped or deleted."""
    return {}


def listing(found: list[Task], more: bool) -> bytes:
    """Gemini's lists, without results."""
    page = {"nextPageToken": found[-1].id} if more and found else {}
    return msgspec.json.encode({"operations": [shown(task) for task in found], **page})


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


GEMINI = Vendor(
    "gemini", no_videos, accepted, look, news,
    authorize=lambda key, errand, url, now: auth.google(key), remove=remove,
)  # fmt: skip
