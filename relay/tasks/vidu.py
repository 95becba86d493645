"""Vidu. Source: https://platform.vidu.com/docs (text2video, img2video, start-end2video, get creations).

The shape of its errors could not be verified; callers who speak its words get errors in OpenAI's.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from openopen8.core.errors import invalid
from openopen8.core.models import Task
from openopen8.core.services.tasks import News, State
from relay.tasks.pictures import ratio, resolution
from relay.tasks.vendor import Answered, Errand, Submission, Vendor, Wish, named, whole_number

ACTIONS = ("text2video", "img2video", "start-end2video", "reference2video")
_STATES: dict[str, State] = {
    "created": "queued",
    "queueing": "queued",
    "processing": "running",
    "success": "succeeded",
    "failed": "failed",
}
_encode = msgspec.json.Encoder().encode


def submit(wish: Wish, model: str) -> Submission:
    """Another path for text, one picture, two pictures."""
    if wish.of:
        raise invalid("Remixes are not carried to this kind of channel.", "prompt")
    images = [image for image in (wish.image, wish.last_image) if image]
    if wish.last_image and not wish.image:
        raise invalid("A last frame needs a first one.", "image")
    body: dict[str, Any] = {**wish.extra, "model": model, "prompt": wish.prompt, "duration": wish.seconds}
    if lines := resolution(wish):
        body["resolution"] = lines
    if wish.seed is not None:
        body["seed"] = wish.seed
    lost = ["negative_prompt"] if wish.negative else []
    action = ACTIONS[len(images)]
    if images:
        body["images"] = images
        lost += ["aspect_ratio"] if wish.ratio else []
    elif shape := ratio(wish):
        body["aspect_ratio"] = shape
    return Submission(f"/{action}", _encode(body), action, (*wish.lost, *lost))


def native(body: bytes, action: str, model: str) -> Submission:
    """A request in Vidu's own words."""
    return Submission(f"/{action}", named(body, "model", model), action)


def seconds(fields: Answered) -> int:
    """What a request in Vidu's own words asks for.

    Without a length models choose by their own defaults, 4 or 5 seconds; the longer one is charged.
    """
    return whole_number(fields.get("duration"), 5, "duration")


def accepted(answer: Answered) -> str:
    return str(answer.get("task_id") or "")


def look(task: Task) -> Errand:
    return Errand("GET", f"/tasks/{quote(task.upstream_id, safe='')}/creations")


def news(answer: Answered) -> News:
    creations = [made for made in answer.get("creations") or () if isinstance(made, dict)]
    return News(
        _STATES.get(str(answer.get("state")), "running"),
        urls=tuple(str(made["url"]) for made in creations if made.get("url")),
        error=str(answer.get("err_code") or ""),
        answer={name: value for name, value in answer.items() if name not in ("prompt", "images", "payload")},
    )


def authorize(key: str, errand: Errand, url: str, now: int) -> dict[str, str]:
    """The key in a scheme of Vidu's own."""
    return {"authorization": f"Token {key}"} if key else {}


def shown(task: Task) -> Answered:
    """The task in Vidu's own words: named ``task_id`` by who makes it, ``id`` by who asks after it."""
    said = task.answer or {}
    found: Answered = {**said, **{name: task.id for name in ("task_id", "id") if name in said}}
    if task.state == "failed" and said.get("state") != "failed":
        found |= {"state": "failed", "err_code": task.error}
    return found


VIDU = Vendor(
    "vidu", submit, accepted, look, news, authorize=authorize, native=native, model_field="model", seconds=seconds,
    shown=shown,
)  # fmt: skip
