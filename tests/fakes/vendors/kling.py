"""Kling's video API. Source: https://app.klingai.com/global/dev/document-api."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import Any

from tests.fakes.exchange import Received
from tests.fakes.vendors.play import need, only
from tests.fakes.vendors.tasks import VIDEO, Made, Studio

ACCESS, SECRET = "an-access-key", "a-secret-key"
KEY = f"{ACCESS}:{SECRET}"
NOW = 1_790_000_000
_STATES = {"queued": "submitted", "running": "processing", "succeeded": "succeed", "failed": "failed"}
_PATH = re.compile(r"/v1/videos/(text2video|image2video)(?:/([a-z0-9-]+))?")


def kling() -> Studio:
    """The provider."""
    return Studio(_answer, lambda refused: {"code": 1201, "message": str(refused), "request_id": "r"})


def _answer(studio: Studio, received: Received) -> Any:
    if received.path.startswith("/cdn/"):
        need("authorization" not in received.headers, "keys are not for the file server", 400)
        return VIDEO
    _check_token(received.headers.get("authorization", ""))
    found = _PATH.fullmatch(received.path)
    need(found, "no such path", 404)
    assert found is not None
    if received.method == "GET":
        made = studio.look(found[2] or "")
        need(made.path == received.path.rpartition("/")[0], "task not found", 404)
        return _shown(studio, made)
    return _shown(studio, studio.make(received, _checked(received.json, found[1]), "kling-"))


def _check_token(authorization: str) -> None:
    scheme, _, token = authorization.partition(" ")
    parts = token.split(".")
    need(scheme == "Bearer" and len(parts) == 3, "Authorization is invalid", 401)
    head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in parts[:2])
    need(head == {"alg": "HS256", "typ": "JWT"} and claims["iss"] == ACCESS, "unknown access key", 401)
    need(claims["nbf"] <= NOW + 100_000 and claims["exp"] - claims["nbf"] <= 1805, "token does not hold", 401)
    good = hmac.new(SECRET.encode(), ".".join(parts[:2]).encode(), hashlib.sha256).digest()
    need(parts[2] == base64.urlsafe_b64encode(good).rstrip(b"=").decode(), "signature failed", 401)


def _checked(body: dict[str, Any], action: str) -> dict[str, Any]:
    only(body, "negative_prompt cfg_scale mode sound camera_control duration callback_url external_task_id "
         + ("aspect_ratio prompt" if action == "text2video" else "image image_tail prompt static_mask dynamic_masks"),
         "body", "model_name")  # fmt: skip
    need(body["model_name"] in ("kling-v1", "kling-v2-6"), "model not found", 404)
    need(body.get("duration", "5") in ("5", "10"), "duration value 'x' is invalid")
    need(body.get("aspect_ratio", "16:9") in ("16:9", "9:16", "1:1"), "aspect_ratio is invalid")
    if action == "text2video":
        need(body.get("prompt"), "prompt is required")
    else:
        need(body.get("image") or body.get("image_tail"), "image is required")
        need(not str(body.get("image", "")).startswith("data:"), "image is no base64")
    return body


def _shown(studio: Studio, made: Made) -> dict[str, Any]:
    data: dict[str, Any] = {"task_id": made.id, "task_status": _STATES[made.state], "task_info": {}, "created_at": 1}
    if made.state == "failed":
        data["task_status_msg"] = "the content violates the rules"
    if made.state == "succeeded":
        duration = made.body.get("duration", "5")
        data["task_result"] = {"videos": [{"id": "v", "url": f"{studio.url}/cdn/a.mp4?x=1", "duration": duration}]}
    return {"code": 0, "message": "SUCCEED", "request_id": "r", "data": data}
