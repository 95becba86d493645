"""Google. Source: https://ai.google.dev/api/generate-content and https://ai.google.dev/gemini-api/docs/thought-signatures"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from tests.fakes.exchange import Received, Script
from tests.fakes.vendors.play import (
    ANSWER,
    KEY,
    MODELS,
    THOUGHT,
    Refused,
    dumped,
    listing,
    need,
    only,
    playing,
    sign,
)

_FIELDS = "systemInstruction tools toolConfig generationConfig safetySettings cachedContent labels serviceTier store"
_PARTS = """text thought thoughtSignature inlineData fileData functionCall functionResponse videoMetadata
            mediaResolution"""
_CONFIG = """temperature topP topK maxOutputTokens candidateCount stopSequences seed presencePenalty frequencyPenalty
             responseMimeType responseSchema responseJsonSchema responseModalities responseLogprobs logprobs
             thinkingConfig speechConfig mediaResolution imageConfig"""
_USAGE = {"promptTokenCount": 1000, "candidatesTokenCount": 500, "totalTokenCount": 1500}
_SIGNED = base64.b64encode(sign("f").encode()).decode()


def gemini() -> Script:
    """Plays the conversation."""
    return playing(_answer, _refusal)


def gemini_models() -> Script:
    """The list of models."""
    rows = [{"name": f"models/{name}", "supportedGenerationMethods": ["generateContent"]} for name in ("g-2", "g-1")]
    return listing({"models": rows}, _check_head)


def _refusal(refused: Refused) -> Any:
    return {"error": {"code": refused.status, "message": str(refused), "status": "INVALID_ARGUMENT"}}


def _check_head(received: Received) -> None:
    headers = received.headers
    need(headers.get("x-goog-api-key") == KEY and "authorization" not in headers, "API_KEY_INVALID")


def _answer(received: Received) -> tuple[bool, list[bytes]]:
    _check_head(received)
    root = f"/v1beta/models/{MODELS['gemini']}:"
    need(received.path in (f"{root}generateContent", f"{root}streamGenerateContent?alt=sse"), "Not found", 404)
    body = _camel(received.json)
    only(body, _FIELDS, "body", "contents")
    config = _camel(body.get("generationConfig", {}))
    only(config, _CONFIG, "generationConfig")
    thinking = _camel(config.get("thinkingConfig", {}))
    only(thinking, "includeThoughts thinkingBudget thinkingLevel", "thinkingConfig")
    for tool in body.get("tools", ()):
        only(_camel(tool), "functionDeclarations googleSearch codeExecution urlContext", "tools")
        for declared in _camel(tool).get("functionDeclarations", ()):
            only(_camel(declared), "description parameters parametersJsonSchema response behavior", "functions", "name")
    result = _check_contents(body["contents"])
    parts = _parts(bool(body.get("tools")) and not result, thinking.get("includeThoughts"))
    stream = received.path.endswith("alt=sse")
    return stream, _stream(parts) if stream else dumped(_chunk(parts, "STOP", _USAGE))


def _camel(value: dict[str, Any]) -> dict[str, Any]:
    """Google takes each name in both spellings."""
    return {re.sub("_([a-z])", lambda found: found[1].upper(), name): inner for name, inner in value.items()}


def _check_contents(contents: list[dict[str, Any]]) -> bool:
    """True where the last turn brings results."""
    calls: list[str] = []
    for at, content in enumerate(contents):
        only(content, "role", f"contents[{at}]", "parts")
        need(content.get("role", "user") in ("user", "model"), "Please use a valid role: user, model.")
        need(content["parts"], "contents.parts must not be empty.")
        results = []
        for part in content["parts"]:
            only(part, _PARTS, f"contents[{at}].parts")
            if "functionResponse" in part:
                only(part["functionResponse"], "id response parts willContinue scheduling", "functionResponse", "name")
                results.append(part["functionResponse"]["name"])
        need(results == calls, "the number of function response parts must equal that of the function call parts")
        found = [part for part in content["parts"] if "functionCall" in part]
        calls = [part["functionCall"]["name"] for part in found]
        for part in found[:1]:
            only(part["functionCall"], "id args", "functionCall", "name")
            need(part.get("thoughtSignature") == _SIGNED, "Function call is missing a thought_signature")
    return bool(results)


def _parts(calls: bool, shows: bool | None) -> list[dict[str, Any]]:
    thought = [{"text": THOUGHT, "thought": True}] if shows else []
    if calls:
        return [*thought, {"functionCall": {"name": "f", "args": {"a": "b"}}, "thoughtSignature": _SIGNED}]
    return [*thought, {"text": ANSWER}]


def _chunk(parts: list[dict[str, Any]], reason: str | None, usage: dict[str, int]) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    head = {"modelVersion": MODELS["gemini"], "responseId": "r-1"}
    return {"candidates": [candidate], "usageMetadata": usage, **head}


def _stream(parts: list[dict[str, Any]]) -> list[bytes]:
    early = {"promptTokenCount": 1000, "totalTokenCount": 1000}
    chunks = [_chunk([part], None, early) for part in parts[:-1]]
    chunks.append(_chunk([parts[-1]], "STOP", _USAGE))
    return [b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks]
