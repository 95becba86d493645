"""Jimeng on Volcengine's visual API. Source: https://www.volcengine.com/docs/85621/1792702 and its neighbours;
signature: https://www.volcengine.com/docs/6369/67269; codes: https://www.volcengine.com/docs/6444/69728.

A key is ``access key:secret key``. The model is the ``req_key``.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from openopen8.core.errors import Problem, invalid
from openopen8.core.models import Task
from openopen8.core.services.tasks import News, State
from relay.tasks.pictures import bare, ratio
from relay.tasks.vendor import Answered, Errand, Refusal, Submission, Vendor, Wish, bearer, named, whole_number
from relay.upstream import Body
from relay.upstream.body import Unsent

SUBMIT, RESULT = "CVSync2AsyncSubmitTask", "CVSync2AsyncGetResult"
FRAMES = 24
"""A second; a video has one frame more."""
REGION, SERVICE = "cn-north-1", "cv"
GOOD = 10_000
_STATES: dict[str, State] = {
    "in_queue": "queued",
    "generating": "running",
    "done": "succeeded",
    "not_found": "failed",
    "expired": "failed",
}
_SIGNED = "content-type;host;x-content-sha256;x-date"
_encode = msgspec.json.Encoder().encode


def _path(action: str) -> str:
    return f"/?Action={action}&Version=2022-08-31"


def submit(wish: Wish, model: str) -> Submission:
    """Which pictures a model takes follows from its ``req_key``."""
    if wish.of:
        raise invalid("Remixes are not carried to this kind of channel.", "prompt")
    frames = FRAMES * wish.seconds + 1
    body: dict[str, Any] = {**wish.extra, "req_key": model, "prompt": wish.prompt, "frames": frames}
    images = [image for image in (wish.image, wish.last_image) if image]
    if images and all(image.startswith(("http://", "https://")) for image in images):
        body["image_urls"] = images
    elif images:
        body["binary_data_base64"] = [bare(image) for image in images]
    if shape := ratio(wish):
        body["aspect_ratio"] = shape
    if wish.seed is not None:
        body["seed"] = wish.seed
    lost = {"negative_prompt": wish.negative, "resolution": wish.resolution}
    return Submission(_path(SUBMIT), _encode(body), losses=(*wish.lost, *(name for name, told in lost.items() if told)))


def native(body: bytes, action: str, model: str) -> Submission:
    """A request in Jimeng's own words."""
    return Submission(_path(SUBMIT), named(body, "req_key", model))


def seconds(fields: Answered) -> int:
    """What a request in Jimeng's own words asks for; 121 frames where it does not say."""
    frames = whole_number(fields.get("frames"), 5 * FRAMES + 1, "frames", 15_000)
    return max(1, math.ceil((frames - 1) / FRAMES))


def _data(answer: Answered) -> Answered:
    found = answer.get("data")
    return found if isinstance(found, dict) else {}


def accepted(answer: Answered) -> str:
    return str(_data(answer).get("task_id") or "")


def refused(answer: Answered) -> Refusal | None:
    """Any code but 10000, or an error of the front before the service."""
    metadata = answer.get("ResponseMetadata")
    error = metadata.get("Error") if isinstance(metadata, dict) else None
    if isinstance(error, dict):
        return Refusal(401, str(error.get("Message") or error.get("Code")))
    code = answer.get("code")
    if code == GOOD or not isinstance(code, int):
        return None
    return Refusal(_status(code), f"{answer.get('message') or 'refused'} (code {code})")


def _status(code: int) -> int:
    if code in (50_429, 50_430):
        return 429
    if code in (50_400, 50_401):
        return 403
    return 502 if code in (50_500, 50_501) else 400


def look(task: Task) -> Errand:
    return Errand("POST", _path(RESULT), _encode({"req_key": task.upstream_model, "task_id": task.upstream_id}))


def news(answer: Answered) -> News:
    data = _data(answer)
    word, url = str(data.get("status", "in_queue")), data.get("video_url")
    return News(
        _STATES.get(word, "running"),
        urls=(str(url),) if url else (),
        error=word if _STATES.get(word) == "failed" else "",
        answer=answer,
    )


def authorize(key: str, errand: Errand, url: str, now: int) -> dict[str, str]:
    """Volcengine's signature over method, path, query, some headers and the body."""
    access, colon, secret = key.partition(":")
    if not colon:
        return bearer(key, errand, url, now)
    at = datetime.fromtimestamp(now // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    place, scope = urlsplit(url), f"{at[:8]}/{REGION}/{SERVICE}/request"
    digest = _digest(errand.body)
    query = "&".join(sorted(place.query.split("&")))
    told = {"content-type": "application/json", "host": place.netloc, "x-content-sha256": digest, "x-date": at}
    headers = "".join(f"{name}:{value}\n" for name, value in told.items())
    canonical = "\n".join((errand.method, place.path or "/", query, headers, _SIGNED, digest))
    text = "\n".join(("HMAC-SHA256", at, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    made = secret.encode()
    for step in (at[:8], REGION, SERVICE, "request"):
        made = hmac.new(made, step.encode(), hashlib.sha256).digest()
    signature = hmac.new(made, text.encode(), hashlib.sha256).hexdigest()
    credential = f"HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"
    return {"x-date": at, "x-content-sha256": digest, "authorization": credential}


def _digest(body: bytes | Body) -> str:
    made, rest = hashlib.sha256(), Unsent(body)
    while rest:
        made.update(rest.take(2**18))
    return made.hexdigest()


def shown(task: Task) -> Answered:
    """The task in Jimeng's own words."""
    said = task.answer or {}
    data = _data(said)
    data = {**data, "task_id": task.id} if "task_id" in data else dict(data)
    if task.state == "failed" and _STATES.get(str(data.get("status"))) != "failed":
        return {"code": 50_500, "data": None, "message": task.error, "request_id": task.request_id, "status": 50_500}
    return {"code": GOOD, "message": "Success", "status": GOOD, **said, "request_id": task.request_id, "data": data}


def render_error(problem: Problem, request_id: str) -> bytes:
    """Jimeng's shape of an error."""
    code = problem.status
    told = {"code": code, "data": None, "message": problem.message, "request_id": request_id, "status": code}
    return _encode(told)


JIMENG = Vendor(
    "jimeng", submit, accepted, look, news, refused, authorize, native,
    model_field="req_key", seconds=seconds, shown=shown, render_error=render_error,
)  # fmt: skip
