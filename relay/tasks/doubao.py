"""Doubao Seedance on Volcengine Ark. Source: https://www.volcengine.com/docs/82379/1520757 and /1521309."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import quote

import msgspec

from openopen8.core.errors import invalid
from openopen8.core.models import Task
from openopen8.core.services.tasks import News, State
from relay.tasks.pictures import ratio, resolution
from relay.tasks.vendor import Answered, Errand, Submission, Vendor, Wish, named, whole_number

PATH = "/contents/generations/tasks"
FRAMES = 24
"""A second."""
LONGEST = 12
"""Seconds where the model chooses; what it did not need is given back."""
_STATES: dict[str, State] = {
    "queued": "queued",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "failed",
    "expired": "failed",
}
_LENGTH = re.compile(r"--(dur|duration|frames)\s+(-?\d{1,5})")
"""Commands in the text that say how long the video is: they change what it costs."""
_encode = msgspec.json.Encoder().encode


def submit(wish: Wish, model: str) -> Submission:
    """Text and pictures are parts of one content."""
    if wish.of:
        raise invalid("Remixes are not carried to this kind of channel.", "prompt")
    if _LENGTH.search(wish.prompt):
        raise invalid("Give the length as a field, not as a command in the prompt.", "prompt")
    content: list[dict[str, Any]] = [{"type": "text", "text": wish.prompt}]
    for url, role in ((wish.image, "first_frame"), (wish.last_image, "last_frame")):
        if url:
            content.append({"type": "image_url", "image_url": {"url": url}, "role": role})
    extra = {name: value for name, value in wish.extra.items() if name != "frames"}
    body: dict[str, Any] = {**extra, "model": model, "content": content, "duration": wish.seconds}
    if shape := ratio(wish):
        body["ratio"] = shape
    if lines := resolution(wish):
        body["resolution"] = lines
    if wish.seed is not None:
        body["seed"] = wish.seed
    return Submission(PATH, _encode(body), losses=(*wish.lost, *(("negative_prompt",) if wish.negative else ())))


def native(body: bytes, action: str, model: str) -> Submission:
    """A request in Ark's own words."""
    return Submission(PATH, named(body, "model", model))


def seconds(fields: Answered) -> int:
    """The longest that a request in Ark's own words may become: by fields, and by commands in its text."""
    said = [_field(fields)]
    content = fields.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            said += [_command(name, int(number)) for name, number in _LENGTH.findall(part["text"])]
    return max(said)


def _field(fields: Answered) -> int:
    if fields.get("frames") is not None:
        return math.ceil(whole_number(fields["frames"], 1, "frames", 15_000) / FRAMES)
    if fields.get("duration") == -1:
        return LONGEST
    return whole_number(fields.get("duration"), 5, "duration")


def _command(name: str, number: int) -> int:
    if number < 0:
        return LONGEST
    return math.ceil(number / FRAMES) if name == "frames" else number


def accepted(answer: Answered) -> str:
    return str(answer.get("id") or "")


def look(task: Task) -> Errand:
    return Errand("GET", f"{PATH}/{quote(task.upstream_id, safe='')}")


def remove(task: Task) -> Errand:
    return Errand("DELETE", f"{PATH}/{quote(task.upstream_id, safe='')}")


def news(answer: Answered) -> News:
    content, error = answer.get("content"), answer.get("error")
    url = content.get("video_url") if isinstance(content, dict) else None
    told = error if isinstance(error, dict) else {}
    length = answer.get("duration")
    return News(
        # the answer to a new task is its id alone
        _STATES.get(str(answer.get("status", "queued")), "running"),
        urls=(str(url),) if url else (),
        error=": ".join(str(told[name]) for name in ("code", "message") if told.get(name)),
        answer=answer,
        seconds=float(length) if isinstance(length, int | float) else None,
    )


def shown(task: Task) -> Answered:
    """The task in Ark's own words."""
    said = task.answer or {}
    if task.state == "new" and "status" not in said:
        return {"id": task.id}
    found = {"status": "queued", **said, "id": task.id, "model": task.model}
    if task.state == "failed" and _STATES.get(str(said.get("status"))) != "failed":
        found |= {"status": "failed", "error": {"code": "TaskFailed", "message": task.error}}
    return found


DOUBAO = Vendor(
    "doubao", submit, accepted, look, news, native=native, model_field="model", seconds=seconds, shown=shown,
    remove=remove,
)  # fmt: skip
