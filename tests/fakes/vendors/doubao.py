"""Doubao Seedance on Ark. Source: https://www.volcengine.com/docs/82379/1520757 and /1521309."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.exchange import Received
from tests.fakes.vendors.play import KEY, need, only
from tests.fakes.vendors.tasks import VIDEO, Made, Studio

PATH = "/api/v3/contents/generations/tasks"


def doubao(length: int | None = None) -> Studio:
    """The provider; ``length``: the videos become so long, whatever was asked for."""

    def answer(studio: Studio, received: Received) -> Any:
        return _answer(studio, received, length)

    return Studio(answer, lambda refused: {"error": {"code": "InvalidParameter", "message": str(refused)}})


def _answer(studio: Studio, received: Received, length: int | None) -> Any:
    if received.path == "/cdn/c.mp4":
        return VIDEO
    need(received.key == KEY, "the API key is missing or invalid", 401)
    if received.method == "POST":
        need(received.path == PATH, "not found", 404)
        return {"id": studio.make(received, _checked(received.json), "cgt-2025-").id}
    made = studio.look(received.path.removeprefix(PATH + "/"))
    if received.method == "DELETE":
        need(made.state != "running", "InvalidAction.RunningTaskDeletion", 409)
        del studio.made[made.id]
        return {}
    return _shown(studio, made, length)


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    only(body, "callback_url return_last_frame service_tier execution_expires_after generate_audio resolution ratio "
         "duration frames seed camera_fixed watermark", "body", "model content")  # fmt: skip
    need(body["model"] in ("doubao-seedance-1-0-pro-250528", "doubao-seedance-1-5-pro-251215"), "ModelNotOpen", 404)
    for part in body["content"]:
        only(part, "text image_url role", "content", "type")
        need(part["type"] in ("text", "image_url"), "content.type")
        need(part["type"] != "text" or isinstance(part["text"], str), "content.text")
        need(part.get("role") in (None, "first_frame", "last_frame", "reference_image"), "content.role")
    duration = body.get("duration", 5)
    need(type(duration) is int and (duration == -1 or 2 <= duration <= 12), "duration is not valid")
    need(body.get("resolution", "720p") in ("480p", "720p", "1080p"), "resolution is not valid")
    need(body.get("ratio", "16:9") in ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive"), "ratio is not valid")
    return body


def _shown(studio: Studio, made: Made, length: int | None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": made.id, "model": made.body["model"], "status": made.state, "created_at": 1, "updated_at": 2,
    }  # fmt: skip
    if made.state == "failed":
        answer["error"] = {"code": "OutputVideoSensitiveContentDetected", "message": "may contain sensitive content"}
    if made.state == "succeeded":
        answer["content"] = {"video_url": f"{studio.url}/cdn/c.mp4"}
        answer["usage"] = {"completion_tokens": 108900, "total_tokens": 108900}
        answer |= {"duration": length or _length(made.body), "ratio": "16:9", "resolution": "720p"}
    return answer


def _length(body: dict[str, Any]) -> int:
    """By the command in the text, else by the field."""
    told = re.search(r"--dur (\d+)", body["content"][0]["text"])
    return int(told[1]) if told else int(body.get("duration", 5))
