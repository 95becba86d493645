"""Google. Source: https://ai.google.dev/api/generate-content and https://ai.google.dev/gemini-api/docs/thought-signatures"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from tests.fakes.exchange import Received, Script
from tests.fakes.vendors.play import (
    KEY,
    MODELS,
    SHAPED,
    SHORT,
    Call,
    Play,
    Refused,
    check_result,
    dumped,
    listing,
    need,
    only,
    playing,
    sign,
    thought,
)

_FIELDS = "systemInstruction tools toolConfig generationConfig safetySettings cachedContent labels serviceTier store"
_PARTS = """text thought thoughtSignature inlineData fileData functionCall functionResponse videoMetadata
            mediaResolution"""
_CONFIG = """temperature topP topK maxOutputTokens candidateCount stopSequences seed presencePenalty frequencyPenalty
             responseMimeType responseSchema responseJsonSchema responseModalities responseLogprobs logprobs
             thinkingConfig speechConfig mediaResolution imageConfig"""
_FUNCTION = "description parameters parametersJsonSchema response responseJsonSchema behavior"
_USAGE = {"promptTokenCount": 1000, "candidatesTokenCount": 500, "totalTokenCount": 1500}
_SCHEMA = """type format title description nullable enum maxItems minItems properties required minProperties
             maxProperties minLength maxLength pattern example anyOf propertyOrdering default items minimum maximum"""


def gemini(play: Play = SHORT) -> Script:
    """Plays the conversation."""
    return playing(lambda received: _answer(received, play), _refusal)


def gemini_models() -> Script:
    """The list of models."""
    rows = [{"name": f"models/{name}", "supportedGenerationMethods": ["generateContent"]} for name in ("g-2", "g-1")]
    return listing({"models": rows}, _check_head)


def _refusal(refused: Refused) -> Any:
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": str(refused), "domain": "googleapis.com"}
    error = {"code": refused.status, "message": str(refused), "status": "INVALID_ARGUMENT"}
    return {"error": {**error, "details": [detail]} if str(refused) == "API_KEY_INVALID" else error}


def _check_head(received: Received) -> None:
    headers = received.headers
    need(headers.get("x-goog-api-key") == KEY and "authorization" not in headers, "API_KEY_INVALID")


def _answer(received: Received, play: Play) -> tuple[bool, list[bytes]]:
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
            only(_camel(declared), _FUNCTION, "functions", "name")
            if "parameters" in declared:
                _check_schema(declared["parameters"], "functions.parameters")
    turns = _check_contents(body["contents"])
    calls = play.calls(turns, bool(body.get("tools")))
    parts = [{"text": thought(turns), "thought": True}] if thinking.get("includeThoughts") else []
    parts += _called(calls) if calls else [{"text": SHAPED if _shaped(config) else play.answer}]
    stream = received.path.endswith("alt=sse")
    return stream, _stream(parts) if stream else dumped(_chunk(parts, "STOP", _USAGE))


def _shaped(config: dict[str, Any]) -> bool:
    """True for those who ask for JSON."""
    json_only = config.get("responseMimeType") == "application/json"
    if schema := config.get("responseSchema"):
        _check_schema(schema, "responseSchema")
    need(json_only or not (schema or config.get("responseJsonSchema")), "response_mime_type: application/json needed")
    return json_only


def _check_schema(schema: dict[str, Any], where: str) -> None:
    """Refuse what Google's own kind of schema does not know. Source: https://ai.google.dev/api/caching#Schema"""
    schema = _camel(schema)
    only(schema, _SCHEMA, where)
    need(isinstance(schema.get("type", ""), str), f"{where}.type: Proto field is not repeating, cannot start list.")
    for name, inner in schema.get("properties", {}).items():
        _check_schema(inner, f"{where}.{name}")
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
        _check_schema(inner, where)


def _camel(value: dict[str, Any]) -> dict[str, Any]:
    """Google takes each name in both spellings."""
    return {re.sub("_([a-z])", lambda found: found[1].upper(), name): inner for name, inner in value.items()}


def _check_contents(contents: list[dict[str, Any]]) -> int:
    """How many turns had calls."""
    calls: list[dict[str, Any]] = []
    turns = 0
    for at, content in enumerate(contents):
        only(content, "role", f"contents[{at}]", "parts")
        need(content.get("role", "user") in ("user", "model"), "Please use a valid role: user, model.")
        need(content["parts"], "contents.parts must not be empty.")
        results = []
        for part in content["parts"]:
            only(part, _PARTS, f"contents[{at}].parts")
            if "functionResponse" in part:
                only(part["functionResponse"], "id response parts willContinue scheduling", "functionResponse", "name")
                results.append(part["functionResponse"])
        matched = [result["name"] for result in results] == [call["name"] for call in calls]
        need(matched, "the number of function response parts must equal that of the function call parts")
        for call, result in zip(calls, results, strict=True):
            check_result(call.get("args"), result["response"])
        found = [part for part in content["parts"] if "functionCall" in part]
        calls = [part["functionCall"] for part in found]
        for call in calls:
            only(call, "id args", "functionCall", "name")
        if calls:
            right = found[0].get("thoughtSignature") == _signed(calls[0]["name"], calls[0].get("args", {}))
            need(right, "Function call is missing a thought_signature")
            turns += 1
    return turns


def _signed(name: str, args: dict[str, Any]) -> str:
    return base64.b64encode(sign(f"{name} {json.dumps(args, sort_keys=True)}").encode()).decode()


def _called(calls: tuple[Call, ...]) -> list[dict[str, Any]]:
    """The parts of a turn with calls: only the first one is signed, and none has an id."""
    parts: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": args}} for name, args in calls]
    return [{**parts[0], "thoughtSignature": _signed(*calls[0])}, *parts[1:]]


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
