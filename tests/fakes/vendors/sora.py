"""OpenAI's video API. Source: https://platform.openai.com/docs/api-reference/videos, the official SDK's types."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.exchange import Received
from tests.fakes.vendors.play import KEY, need, only
from tests.fakes.vendors.tasks import VIDEO, Made, Studio

_STATES = {"queued": "queued", "running": "in_progress", "succeeded": "completed", "failed": "failed"}
_PATH = re.compile(r"/v1/videos(?:/([a-z0-9-]+)(/content|/remix)?)?(?:\?variant=(thumbnail|spritesheet))?")


def sora() -> Studio:
    """The provider."""
    return Studio(_answer, lambda refused: {"error": {"message": str(refused), "type": "invalid_request_error"}})


def _answer(studio: Studio, received: Received) -> Any:
    need(received.key == KEY, "Incorrect API key provided", 401)
    found = _PATH.fullmatch(received.path)
    need(found, "Invalid URL", 404)
    assert found is not None
    id, rest, variant = found.groups()
    if received.method == "POST":
        return _video(_made(studio, received, id, rest))
    made = studio.look(id or "")
    if received.method == "DELETE":
        need(made.state in ("succeeded", "failed"), "still in progress")
        del studio.made[made.id]
        return {"id": made.id, "object": "video.deleted", "deleted": True}
    if rest == "/content":
        need(made.state == "succeeded", "Video is not ready yet", 404)
        return b"picture" if variant else VIDEO
    return _video(made)


def _made(studio: Studio, received: Received, id: str | None, rest: str | None) -> Made:
    need(received.headers.get("content-type") == "application/json", "Unsupported content type", 415)
    body = received.json
    if rest == "/remix":
        only(body, "", "body", "prompt")
        need(studio.look(id or "").state == "succeeded", "not completed")
        return studio.make(received, {**studio.made[id or ""].body, **body, "of": id}, "video-")
    need(id is None and rest is None, "Invalid URL", 404)
    only(body, "seconds size input_reference model", "body", "prompt")
    need(body.get("model") in (None, "sora-2", "sora-2-pro"), "model does not exist")
    need(body.get("seconds", "4") in ("4", "8", "12"), "Invalid value for seconds")
    need(body.get("size", "720x1280") in ("720x1280", "1280x720", "1024x1792", "1792x1024"), "Invalid size")
    if "input_reference" in body:
        only(body["input_reference"], "file_id", "input_reference", "image_url")
        need(body["input_reference"]["image_url"].startswith(("https://", "data:image/png;base64,")), "bad image")
    return studio.make(received, body, "video-")


def _video(made: Made) -> dict[str, Any]:
    failed = {"code": "moderation_blocked", "message": "Your request was blocked."}
    return {
        "id": made.id,
        "object": "video",
        "created_at": 1_790_000_000,
        "completed_at": 1_790_000_060 if made.state == "succeeded" else None,
        "expires_at": 1_790_003_600 if made.state == "succeeded" else None,
        "status": _STATES[made.state],
        "model": made.body.get("model", "sora-2"),
        "progress": {"queued": 0, "running": 40}.get(made.state, 100),
        "prompt": made.body["prompt"],
        "seconds": made.body.get("seconds", "4"),
        "size": made.body.get("size", "720x1280"),
        "error": failed if made.state == "failed" else None,
        "remixed_from_video_id": made.body.get("of"),
        "quality": "standard",
    }
