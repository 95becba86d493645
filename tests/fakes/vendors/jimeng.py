"""Jimeng on Volcengine. Source: https://www.volcengine.com/docs/85621/1792702, /6369/67269 (signature)."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

from tests.fakes.exchange import Received
from tests.fakes.vendors.play import need, only
from tests.fakes.vendors.tasks import VIDEO, Made, Studio

ACCESS, SECRET = "AKLTtest", "U2VjcmV0"
KEY = f"{ACCESS}:{SECRET}"
MODELS = ("jimeng_t2v_v30", "jimeng_ti2v_v30_pro", "jimeng_i2v_first_v30")
_STATES = {"queued": "in_queue", "running": "generating", "succeeded": "done", "failed": "in_queue"}
_CREDENTIAL = re.compile(
    r"HMAC-SHA256 Credential=([^/]+)/(\d{8})/cn-north-1/cv/request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


def jimeng() -> Studio:
    """The provider."""
    return Studio(_answer, lambda refused: _told(50411 if refused.status == 400 else 50400, str(refused)))


def _answer(studio: Studio, received: Received) -> Any:
    path, _, query = received.path.partition("?")
    if path == "/cdn/b.mp4":
        return VIDEO
    _check_signature(received, query)
    need(path == "/" and received.method == "POST", "no such path", 404)
    asked = dict(pair.split("=") for pair in query.split("&"))
    need(asked.get("Version") == "2022-08-31", "InvalidActionOrVersion", 404)
    body = received.json
    if asked["Action"] == "CVSync2AsyncGetResult":
        only(body, "req_json", "body", "req_key task_id")
        if body["task_id"] not in studio.made:
            return _told(10000, "Success", {"status": "not_found"})
        return _result(studio, studio.look(body["task_id"]), body["req_key"])
    need(asked["Action"] == "CVSync2AsyncSubmitTask", "InvalidActionOrVersion", 404)
    only(body, "image_urls binary_data_base64 seed frames aspect_ratio prompt", "body", "req_key")
    need(body["req_key"] in MODELS, "unknown req_key")
    need(body.get("frames", 121) in (121, 241), "frames must be 121 or 241")
    need(all(not image.startswith("data:") for image in body.get("binary_data_base64", ())), "bad base64")
    made = studio.make(received, body, "7392616336519610409")
    return _told(10000, "Success", {"task_id": made.id})


def _check_signature(received: Received, query: str) -> None:
    headers = received.headers
    found = _CREDENTIAL.fullmatch(headers.get("authorization", ""))
    need(found, "MissingSignature", 401)
    assert found is not None
    access, day, names, signature = found.groups()
    digest = hashlib.sha256(received.body).hexdigest()
    need(access == ACCESS and headers["x-date"][:8] == day, "InvalidAccessKey", 401)
    need(headers["x-content-sha256"] == digest and "host" in names.split(";"), "InvalidDigest", 401)
    told = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    parts = (received.method, "/", "&".join(sorted(query.split("&"))), told, names, digest)
    request = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    key = SECRET.encode()
    for word in (day, "cn-north-1", "cv", "request"):
        key = hmac.new(key, word.encode(), "sha256").digest()
    text = f"HMAC-SHA256\n{headers['x-date']}\n{day}/cn-north-1/cv/request\n{request}"
    need(hmac.new(key, text.encode(), "sha256").hexdigest() == signature, "SignatureDoesNotMatch", 401)


def _result(studio: Studio, made: Made, model: str) -> Any:
    need(made.body["req_key"] == model, "task not found", 404)
    if made.state == "failed":
        return _told(50511, "Post Img Risk Not Pass")
    data = {"status": _STATES[made.state], "binary_data_base64": [], "image_urls": None, "resp_data": ""}
    if made.state == "succeeded":
        data["video_url"] = f"{studio.url}/cdn/b.mp4"
    return _told(10000, "Success", data)


def _told(code: int, message: str, data: Any = None) -> dict[str, Any]:
    return {"code": code, "data": data, "message": message, "request_id": "2025", "status": code, "time_elapsed": "1ms"}
