"""Google's models that draw: one picture a request, drafts in the thoughts of Gemini 3.

Source: https://ai.google.dev/gemini-api/docs/image-generation
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from tests.fakes.exchange import Exchange, Received, Script
from tests.fakes.vendors.gemini import _check_head, _refusal
from tests.fakes.vendors.play import Refused, need, only, whole

OLD, NEW = "gemini-2.5-flash-image", "gemini-3-pro-image"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300
B64 = base64.b64encode(PNG).decode()
DRAFT = base64.b64encode(b"\x89PNG\r\n\x1a\ndraft").decode()
TOKENS = (10, 1120)
"""What a picture costs: prompt and picture."""

_RATIOS = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]
_USAGE = {
    "promptTokenCount": TOKENS[0], "candidatesTokenCount": TOKENS[1], "totalTokenCount": sum(TOKENS),
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": TOKENS[0]}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": TOKENS[1]}],
}  # fmt: skip


def pictures(*refused: int, held: bool = False) -> Script:
    """Draws. Statuses in ``refused`` answer the first requests instead; ``held``: it waits before each picture."""
    left = list(refused)

    async def script(exchange: Exchange) -> None:
        try:
            streams, thinks = _checked(exchange.received)
            if left:
                raise Refused("not now", left.pop(0))
        except Refused as wrong:
            return await whole(exchange, wrong.status, json.dumps(_refusal(wrong)).encode())
        if not streams:
            return await whole(exchange, 200, json.dumps(_chunk([_shown(B64)], "STOP", _USAGE)).encode())
        await exchange.begin()
        for draft in [{**_shown(DRAFT), "thought": True}] * (2 if thinks else 0):
            await exchange.event(_chunk([draft], None, {"promptTokenCount": 10, "totalTokenCount": 10}))
        if held:
            await exchange.gate()
        await exchange.event(_chunk([_shown(B64)], None, {"promptTokenCount": 10, "totalTokenCount": 10}))
        await exchange.event(_chunk([], "STOP", _USAGE))
        await exchange.end()

    return script


def _shown(data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data}}


def _chunk(parts: list[dict[str, Any]], reason: str | None, usage: dict[str, Any]) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
    ended = {"finishReason": reason} if reason else {}
    return {"candidates": [{**candidate, **ended}], "usageMetadata": usage, "modelVersion": NEW, "responseId": "r"}


def _checked(received: Received) -> tuple[bool, bool]:
    """Whether a stream is wanted, and drafts."""
    _check_head(received)
    found = re.fullmatch(
        rf"/v1beta/models/({re.escape(OLD)}|{re.escape(NEW)}):(generateContent|streamGenerateContent\?alt=sse)",
        received.path,
    )
    need(found is not None, "Not found", 404)
    assert found is not None
    body = received.json
    only(body, "", "body", "contents generationConfig")
    config = body["generationConfig"]
    only(config, "imageConfig thinkingConfig", "generationConfig", "responseModalities")
    need(config["responseModalities"] == ["IMAGE"], "responseModalities")
    shape = config.get("imageConfig", {})
    only(shape, "aspectRatio imageSize", "imageConfig")
    need(shape.get("aspectRatio", "1:1") in _RATIOS and shape.get("imageSize", "1K") in ("1K", "2K", "4K"), "shape")
    thinking = config.get("thinkingConfig", {})
    need(not thinking or found[1] == NEW, "Thinking is not enabled for this model")
    only(thinking, "includeThoughts thinkingLevel", "thinkingConfig")
    (content,) = body["contents"]
    only(content, "role", "contents", "parts")
    for part in content["parts"]:
        _check_part(part)
    return "stream" in found[2], bool(thinking.get("includeThoughts"))


def _check_part(part: dict[str, Any]) -> None:
    need(len(part) == 1, "oneof field 'data' is already set")
    only(part, "text inlineData fileData", "parts")
    if "fileData" in part:
        only(part["fileData"], "mimeType", "fileData", "fileUri")
    if "inlineData" in part:
        only(part["inlineData"], "", "inlineData", "mimeType data")
        kind = part["inlineData"]["mimeType"]
        need(kind in ("image/png", "image/jpeg", "image/webp", "image/heic"), f"Unsupported MIME type: {kind}")
        base64.b64decode(part["inlineData"]["data"], validate=True)
