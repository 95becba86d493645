"""Kling. Source: https://app.klingai.com/global/dev/document-api (text to video, image to video, authentication).

A key is ``access key:secret key``, shown as a JWT of half an hour; one without a colon is a bearer key of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

import msgspec

from openopen8.core.errors import Problem, invalid
from openopen8.core.models import Task
from openopen8.core.services.tasks import News, State
from relay.tasks.pictures import bare, ratio
from relay.tasks.vendor import Answered, Errand, Refusal, Submission, Vendor, Wish, bearer, named, whole_number

ACTIONS = ("text2video", "image2video")
_STATES: dict[str, State] = {
    "submitted": "queued",
    "processing": "running",
    "succeed": "succeeded",
    "failed": "failed",
}
_SHAPES = ("16:9", "9:16", "1:1")
_encode = msgspec.json.Encoder().encode


def submit(wish: Wish, model: str) -> Submission:
    """With a picture another path than without."""
    if wish.of:
        raise invalid("Remixes are not carried to this kind of channel.", "prompt")
    body: dict[str, Any] = {**wish.extra, "model_name": model, "prompt": wish.prompt, "duration": str(wish.seconds)}
    if wish.negative:
        body["negative_prompt"] = wish.negative
    action = "image2video" if wish.image or wish.last_image else "text2video"
    lost = [name for name in ("seed",) if wish.seed is not None] + (["resolution"] if wish.resolution else [])
    if action == "image2video":
        pictures = {"image": bare(wish.image), "image_tail": bare(wish.last_image)}
        body |= {name: picture for name, picture in pictures.items() if picture}
        lost += ["aspect_ratio"] if wish.ratio or wish.width else []
    elif shape := ratio(wish, _SHAPES):
        body["aspect_ratio"] = shape
    return Submission(f"/videos/{action}", _encode(body), action, (*wish.lost, *lost))


def native(body: bytes, action: str, model: str) -> Submission:
    """A request in Kling's own words."""
    return Submission(f"/videos/{action}", named(body, "model_name", model), action)


def seconds(fields: Answered) -> int:
    """What a request in Kling's own words asks for; 5 where it does not say."""
    return whole_number(fields.get("duration"), 5, "duration")


def _data(answer: Answered) -> Answered:
    found = answer.get("data")
    return found if isinstance(found, dict) else {}


def accepted(answer: Answered) -> str:
    return str(_data(answer).get("task_id") or "")


def refused(answer: Answered) -> Refusal | None:
    """Any code but 0. Source: the page on error codes."""
    code = answer.get("code", 0)
    if not code or not isinstance(code, int):
        return None
    return Refusal(_status(code), f"{answer.get('message') or 'refused'} (code {code})")


def _status(code: int) -> int:
    if code == 1103 or 1000 <= code < 1100:
        return 401
    if 1100 <= code < 1200:
        return 402
    if code in (1302, 1303, 1304):
        return 429
    if code == 1203:
        return 404
    return 400 if code < 5000 else 502


def look(task: Task) -> Errand:
    return Errand("GET", f"/videos/{task.action}/{quote(task.upstream_id, safe='')}")


def news(answer: Answered) -> News:
    data = _data(answer)
    result = data.get("task_result")
    videos = result.get("videos") if isinstance(result, dict) else None
    found = [video for video in videos or () if isinstance(video, dict)]
    return News(
        _STATES.get(str(data.get("task_status")), "running"),
        urls=tuple(str(video["url"]) for video in found if video.get("url")),
        error=str(data.get("task_status_msg") or ""),
        answer=answer,
        seconds=_length(found[0].get("duration")) if found else None,
    )


def _length(told: object) -> float | None:
    try:
        return float(str(told))
    except ValueError:
        return None


def authorize(key: str, errand: Errand, url: str, now: int) -> dict[str, str]:
    """A JWT (RFC 7519, HS256) that holds for half an hour."""
    access, colon, secret = key.partition(":")
    if not colon:
        return bearer(key, errand, url, now)
    at = now // 1000
    parts = ({"alg": "HS256", "typ": "JWT"}, {"iss": access, "exp": at + 1800, "nbf": at - 5})
    text = b".".join(_part(_encode(part)) for part in parts)
    signature = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return {"authorization": f"Bearer {(text + b'.' + _part(signature)).decode()}"}


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def shown(task: Task) -> Answered:
    """The task in Kling's own words."""
    said = task.answer or {}
    word = next(word for word, state in _STATES.items() if state == ("queued" if task.state == "new" else task.state))
    data = {**_data(said), "task_id": task.id, "task_status": word}
    if task.state == "failed":
        data["task_status_msg"] = task.error
    return {"code": 0, "message": "SUCCEED", **said, "request_id": task.request_id, "data": data}


def render_error(problem: Problem, request_id: str) -> bytes:
    """Kling's shape of an error."""
    return _encode({"code": problem.status, "message": problem.message, "request_id": request_id})


KLING = Vendor(
    "kling", submit, accepted, look, news, refused, authorize, native,
    model_field="model_name", default_model="kling-v1", seconds=seconds, shown=shown, render_error=render_error,
)  # fmt: skip
