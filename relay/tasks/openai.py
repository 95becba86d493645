"""OpenAI's video API (Sora). Source: https://platform.openai.com/docs/api-reference/videos, the official SDK."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from openopen8.core.models import Task
from openopen8.core.services.tasks import News, State
from relay.tasks.vendor import Answered, Errand, Submission, Vendor, Wish

_STATES: dict[str, State] = {
    "queued": "queued",
    "in_progress": "running",
    "completed": "succeeded",
    "failed": "failed",
    "cancelled": "failed",
}
_encode = msgspec.json.Encoder().encode


def submit(wish: Wish, model: str) -> Submission:
    """A new video, or a remix of one."""
    if wish.of:
        return Submission(f"/videos/{quote(wish.of, safe='')}/remix", _encode({"prompt": wish.prompt}))
    body: dict[str, Any] = {**wish.extra, "model": model, "prompt": wish.prompt, "seconds": str(wish.seconds)}
    if wish.width and wish.height:
        body["size"] = f"{wish.width}x{wish.height}"
    if wish.image:
        body["input_reference"] = {"image_url": wish.image}
    wished = {"last_image": wish.last_image, "seed": wish.seed is not None, "negative_prompt": wish.negative}
    wished |= {} if "size" in body else {"resolution": wish.resolution, "aspect_ratio": wish.ratio}
    lost = tuple(name for name, value in wished.items() if value)
    return Submission("/videos", _encode(body), losses=(*wish.lost, *lost))


def accepted(answer: Answered) -> str:
    """The id of the new video."""
    return str(answer.get("id") or "")


def look(task: Task) -> Errand:
    """Asks how far it is."""
    return Errand("GET", f"/videos/{quote(task.upstream_id, safe='')}")


def news(answer: Answered) -> News:
    """A video object, without its prompt."""
    error = answer.get("error")
    told = error if isinstance(error, dict) else {}
    progress = answer.get("progress")
    return News(
        _STATES.get(str(answer.get("status")), "running"),
        int(progress) if isinstance(progress, int | float) else None,
        error=": ".join(str(told[name]) for name in ("code", "message") if told.get(name)),
        answer={name: value for name, value in answer.items() if name != "prompt"},
    )


def content(task: Task, variant: str) -> Errand:
    """Fetches the video, or a picture of it."""
    query = "" if variant == "video" else f"?variant={variant}"
    return Errand("GET", f"/videos/{quote(task.upstream_id, safe='')}/content{query}")


def remove(task: Task) -> Errand:
    """Deletes it at the provider's."""
    return Errand("DELETE", f"/videos/{quote(task.upstream_id, safe='')}")


OPENAI = Vendor(
    "openai", submit, accepted, look, news,
    content=content, variants=frozenset({"video", "thumbnail", "spritesheet"}), remove=remove,
)  # fmt: skip
