"""Vidu's enterprise API. Source: https://platform.vidu.com/docs."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.exchange import Received
from tests.fakes.vendors.play import KEY, need, only
from tests.fakes.vendors.tasks import VIDEO, Made, Studio

_STATES = {"queued": "queueing", "running": "processing", "succeeded": "success", "failed": "failed"}
_PICTURES = {"text2video": (0, 0), "img2video": (1, 1), "start-end2video": (2, 2), "reference2video": (1, 7)}


def vidu() -> Studio:
    """The provider."""
    return Studio(_answer, lambda refused: {"code": refused.status, "reason": "BadRequest", "message": str(refused)})


def _answer(studio: Studio, received: Received) -> Any:
    if received.path == "/cdn/d.mp4":
        return VIDEO
    need(received.headers.get("authorization") == f"Token {KEY}", "Unauthorized", 401)
    if received.method == "GET":
        found = re.fullmatch(r"/ent/v2/tasks/([a-z0-9-]+)/creations", received.path)
        need(found, "not found", 404)
        assert found is not None
        return _creations(studio, studio.look(found[1]))
    action = received.path.removeprefix("/ent/v2/")
    need(action in _PICTURES, "not found", 404)
    body = received.json
    shape = "" if action in ("img2video", "start-end2video") else "aspect_ratio"
    only(body, f"images duration seed resolution movement_amplitude style bgm audio off_peak payload prompt {shape}",
         "body", "model")  # fmt: skip
    need(body["model"] in ("viduq1", "viduq2"), "model not supported")
    need(type(body.get("duration", 5)) is int and 1 <= body.get("duration", 5) <= 10, "duration not supported")
    least, most = _PICTURES[action]
    need(least <= len(body.get("images", ())) <= most, "number of images")
    need(action != "text2video" or body.get("prompt"), "prompt is required")
    need(body.get("resolution", "720p") in ("360p", "540p", "720p", "1080p"), "resolution not supported")
    made = studio.make(received, body, "vidu-")
    return {"task_id": made.id, "state": "created", "model": body["model"], "prompt": body.get("prompt", ""),
            "images": body.get("images", []), "duration": body.get("duration", 5), "credits": 4}  # fmt: skip


def _creations(studio: Studio, made: Made) -> dict[str, Any]:
    answer = {"id": made.id, "state": _STATES[made.state], "err_code": "", "credits": 4, "payload": "", "creations": []}
    if made.state == "failed":
        answer["err_code"] = "AuditSubmitIllegal"
    if made.state == "succeeded":
        answer["creations"] = [{"id": "1", "url": f"{studio.url}/cdn/d.mp4", "cover_url": "", "watermarked_url": ""}]
    return answer
