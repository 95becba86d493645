"""A task as its caller sees it: in OpenAI's form, in the common one, or in a vendor's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from openopen8.core.models import Task
from relay.tasks import VENDORS, gemini_batches, message_batches, papers
from relay.tasks.response import response

_VIDEO_STATES = {"new": "queued", "running": "in_progress", "succeeded": "completed"}
"""Our word → OpenAI's, where they differ."""


def video(task: Task) -> dict[str, Any]:
    """OpenAI's video object; what its own API says beside what is known here is kept.

    Source: https://platform.openai.com/docs/api-reference/videos/object
    """
    said = (task.answer or {}) if task.form in ("openai", "sora") else {}
    found: dict[str, Any] = {
        **said,
        "id": task.id,
        "object": "video",
        "created_at": task.created_at // 1000,
        "status": _VIDEO_STATES.get(task.state, task.state),
        "model": task.model,
        "progress": task.progress,
        "seconds": str(said.get("seconds") or task.request.get("seconds", "")),
        "size": said.get("size") or task.request.get("size") or "",
        "completed_at": task.ended_at // 1000 if task.ended_at and task.state == "succeeded" else None,
        "expires_at": said.get("expires_at"),
        "error": {"code": "video_generation_failed", "message": task.error} if task.state == "failed" else None,
        "remixed_from_video_id": task.request.get("remixed_from"),
    }
    return found


def generation(task: Task) -> dict[str, Any]:
    """The common form of such gateways.

    Source: https://docs.newapi.pro/en/docs/api/ai-model/videos/get-video-generation
    """
    width, _, height = str(task.request.get("size") or "").partition("x")
    size = {"width": int(width), "height": int(height)} if height else {}
    ended = task.state == "succeeded"
    return {
        "task_id": task.id,
        "status": _VIDEO_STATES.get(task.state, task.state),
        "model": task.model,
        "progress": task.progress,
        "url": (task.urls[0] if task.urls else f"/v1/videos/{task.id}/content") if ended else "",
        "format": "mp4",
        "metadata": {"duration": task.request.get("seconds"), **size},
        "error": {"code": "video_generation_failed", "message": task.error} if task.state == "failed" else None,
    }


VIEWS: dict[str, Callable[[Task], dict[str, Any]]] = {
    "videos": video,
    "generations": generation,
    "response": response,
    "file": papers.shown,
    "batch": papers.shown,
    "message_batch": message_batches.shown,
    "gemini_batch": gemini_batches.shown,
    **{name: vendor.shown for name, vendor in VENDORS.items() if vendor.shown is not None},
}
"""By ``Endpoint.task``."""


def shown(view: str, task: Task) -> bytes:
    """The body of an answer."""
    return msgspec.json.encode(VIEWS[view](task))


def listing(view: str, tasks: list[Task], more: bool) -> bytes:
    """OpenAI's lists."""
    data = [VIEWS[view](task) for task in tasks]
    first, last = (tasks[0].id, tasks[-1].id) if tasks else (None, None)
    return msgspec.json.encode({"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more})
