"""Amazon Bedrock: Claude by its own body, another model through Converse, event streams, signatures.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (and …_ConverseStream),
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html,
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import struct
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from tests.fakes.exchange import Exchange, Received, Script
from tests.fakes.vendors.claude import claude
from tests.fakes.vendors.cloud_vectors import embedded
from tests.fakes.vendors.play import ANSWER, KEY, MODELS, THOUGHT, Refused, listing, need, only, sign, whole

ACCESS, SECRET, SESSION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/session+token=="
API_KEY = "ABSKtest"
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"

_FIELDS = """system inferenceConfig toolConfig additionalModelRequestFields outputConfig requestMetadata serviceTier
             guardrailConfig performanceConfig promptVariables additionalModelResponseFieldPaths"""
_BLOCKS = {
    "text": ("", ""),
    "image": ("", "format source"),
    "document": ("context citations", "format name source"),
    "audio": ("", "format source"),
    "video": ("", "format source"),
    "toolUse": ("type", "toolUseId name input"),
    "toolResult": ("status type", "toolUseId content"),
    "reasoningContent": ("reasoningText redactedContent", ""),
    "cachePoint": ("", "type"),
}
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_CLAUDE = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "content-type": "application/json"}
_STREAM = {"content-type": "application/vnd.amazon.eventstream"}
_USAGE = {"inputTokens": 1000, "outputTokens": 500, "totalTokens": 1500}


def bedrock(now: int, session: str = "") -> Script:
    """Plays the conversation; ``now`` is its clock (ms), ``session`` the token of temporary keys."""

    async def script(exchange: Exchange) -> None:
        try:
            _check_proof(exchange.received, now, session)
            model, verb = _asked(exchange.received)
            if verb == "invoke" and "embed" in model:
                return await embedded(exchange, model)
            if verb.startswith("invoke"):
                return await claude()(_InMessages(exchange, _for_claude(exchange.received, model, verb)))
            need(verb in ("converse", "converse-stream") and model == NOVA, "The provided model identifier is invalid.")
            pieces = _conversed(exchange.received.json, verb.endswith("stream"))
        except Refused as refused:
            return await whole(exchange, refused.status, json.dumps({"message": str(refused)}).encode())
        if not verb.endswith("stream"):
            return await whole(exchange, 200, pieces[0])
        await exchange.begin(_STREAM)
        for piece in pieces:
            await exchange.chunk(piece)
        await exchange.end()

    return script


class _InMessages(Exchange):
    """What Claude sends, as AWS passes it on: each of its events in a message."""

    def __init__(self, outer: Exchange, received: Received) -> None:
        self.received = received
        self._outer = outer

    async def raw(self, data: bytes) -> None:
        await self._outer.raw(data)

    async def begin(self, headers: dict[str, str] | None = None) -> None:
        await self._outer.begin(_STREAM)

    async def chunk(self, data: bytes) -> None:
        for event in data.split(b"\n\n"):
            if content := event.partition(b"data: ")[2]:
                told_so = {"bytes": base64.b64encode(content).decode(), "p": "abcdefgh"}
                await self._outer.chunk(told("chunk", told_so))


def bedrock_models(now: int) -> Script:
    """The list of models."""
    rows = [{"modelId": name, "responseStreamingSupported": True} for name in ("b.two", "a.one")]
    return listing({"modelSummaries": rows}, lambda received: _check_proof(received, now, ""))


def message(name: str, payload: bytes, kind: str = "event") -> bytes:
    """One message of an event stream."""
    names = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}
    told = {":message-type": kind, names[kind]: name}
    if kind == "error":
        told, payload = {**told, ":error-message": payload.decode()}, b""
    else:
        told[":content-type"] = "application/json"
    headers = b"".join(_header(key, value) for key, value in told.items())
    head = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head += struct.pack(">I", zlib.crc32(head))
    return (raw := head + headers + payload) + struct.pack(">I", zlib.crc32(raw))


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()


def told(name: str, value: Any, kind: str = "event") -> bytes:
    """One message with JSON in it."""
    return message(name, json.dumps(value).encode(), kind)


def _check_proof(received: Received, now: int, session: str) -> None:
    """As AWS does: from the raw request, whatever it says of itself."""
    proof = received.headers.get("authorization", "")
    if proof == f"Bearer {API_KEY}":
        return
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/us-east-1/bedrock/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        proof,
    )
    need(found is not None, "The security token included in the request is invalid.", 403)
    assert found is not None
    access, day, names, signature = found.groups()
    headers = received.headers
    moment = headers.get("x-amz-date", "")
    need(access == ACCESS and moment.startswith(day), "The security token included in the request is invalid.", 403)
    signed = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    need(abs(signed - now / 1000) < 300, "Signature expired", 403)
    need({"host", "x-amz-date", "content-type"} <= set(names.split(";")), "must sign host and x-amz-date", 403)
    need(headers.get("x-amz-security-token", "") == session, "The security token is invalid.", 403)
    path, _, query = received.path.partition("?")
    lines = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    hashed = hashlib.sha256(received.body).hexdigest()
    asked = "\n".join((received.method, quote(path, safe="/-_.~"), query, lines, names, hashed))
    scope = f"{day}/us-east-1/bedrock/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = b"AWS4" + SECRET.encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    need(key.hex() == signature, "The request signature we calculated does not match.", 403)


def _asked(received: Received) -> tuple[str, str]:
    """Model and verb. Raises Refused."""
    found = re.fullmatch(r"/model/([^/]+)/(invoke|invoke-with-response-stream|converse|converse-stream)", received.path)
    need(found is not None, "UnknownOperationException", 404)
    assert found is not None
    accept = _STREAM["content-type"] if found[2].endswith("stream") else "application/json"
    need(received.headers.get("accept") == accept, f"accept: {accept}")
    return unquote(found[1]), found[2]


def _for_claude(received: Received, model: str, verb: str) -> Received:
    need(model == CLAUDE, "The provided model identifier is invalid.")
    body, beta = received.json, "anthropic-beta" in received.headers
    need(body.pop("anthropic_version", None) == "bedrock-2023-05-31", "anthropic_version: Field required")
    need(not {"model", "stream", "service_tier"} & body.keys(), "Extra inputs are not permitted")
    need(body.pop("anthropic_beta", ["b-1"]) == ["b-1"] and not beta, "invalid beta flag")
    asked = {**body, "model": MODELS["anthropic"], "stream": verb.endswith("stream")}
    return Received("POST", "/v1/messages", _CLAUDE, json.dumps(asked).encode())


def _conversed(body: dict[str, Any], stream: bool) -> list[bytes]:
    only(body, _FIELDS, "body", "messages")
    only(body.get("inferenceConfig", {}), "maxTokens temperature topP stopSequences", "inferenceConfig")
    for block in body.get("system", ()):
        need(len(block) == 1 and set(block) <= {"text", "cachePoint"}, "system")
    more = body.get("additionalModelRequestFields", {})
    only(more, "reasoningConfig", "additionalModelRequestFields")
    result = _check_messages(body["messages"], "toolConfig" in body)
    tools = body.get("toolConfig", {}).get("tools", ())
    for tool in tools:
        only(tool, "", "tools", "toolSpec")
        only(tool["toolSpec"], "description strict", "toolSpec", "name inputSchema")
    thinks = more.get("reasoningConfig", {}).get("type") == "enabled"
    calls = bool(tools) and not result
    if stream:
        return list(_streamed(calls, thinks))
    blocks = [_thought()] if thinks else []
    blocks.append(
        {"toolUse": {"toolUseId": "tooluse_1", "name": "f", "input": {"a": "b"}}} if calls else {"text": ANSWER}
    )
    answer = {"output": {"message": {"role": "assistant", "content": blocks}}, "metrics": {"latencyMs": 1}}
    return [json.dumps({**answer, "stopReason": "tool_use" if calls else "end_turn", "usage": _USAGE}).encode()]


def _thought() -> dict[str, Any]:
    return {"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": sign(THOUGHT)}}}


def _check_messages(messages: list[dict[str, Any]], tools: bool) -> bool:
    """True where the last turn brings results."""
    open_calls: set[str] = set()
    names: list[str] = []
    for at, turn in enumerate(messages):
        only(turn, "", f"messages.{at}", "role content")
        need(turn["role"] == ("user", "assistant")[at % 2], "roles must alternate between user and assistant")
        need(turn["content"], f"The content field in the Message object at messages.{at} is empty.")
        for block in turn["content"]:
            _check_block(block, tools)
        names += [block["document"]["name"] for block in turn["content"] if "document" in block]
        results = {block["toolResult"]["toolUseId"] for block in turn["content"] if "toolResult" in block}
        need(results == open_calls, "Expected toolResult blocks for the previous toolUse blocks")
        open_calls = {block["toolUse"]["toolUseId"] for block in turn["content"] if "toolUse" in block}
    need(len(names) == len(set(names)), "Duplicate document names")
    return bool(results)


def _check_block(block: dict[str, Any], tools: bool) -> None:
    need(len(block) == 1, "A union has one member")
    ((kind, value),) = block.items()
    need(kind in _BLOCKS, f"Unknown parameter: {kind}")
    if kind == "text":
        need(value.strip(), "The text field in the ContentBlock object is blank.")
        return
    allowed, needed = _BLOCKS[kind]
    only(value, allowed, kind, needed)
    if kind.startswith("tool"):
        need(tools, "The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        need(_ID.fullmatch(value["toolUseId"]), "toolUseId")
    if kind == "toolResult":
        need(value["content"], "toolResult.content")
    if kind == "reasoningContent" and (text := value.get("reasoningText")):
        need(text.get("signature") == sign(text["text"]), "The signature of the reasoning does not match")
    if kind == "document":
        need(
            re.fullmatch(r"[\w()\[\]-]+( [\w()\[\]-]+)*", value["name"]),
            "The document file name contains invalid characters",
        )


def _streamed(calls: bool, thinks: bool) -> Iterable[bytes]:
    yield told("messageStart", {"role": "assistant", "p": "abc"})
    index = 0
    if thinks:
        for piece in ({"text": THOUGHT[:4]}, {"text": THOUGHT[4:]}, {"signature": sign(THOUGHT)}):
            yield told("contentBlockDelta", {"delta": {"reasoningContent": piece}, "contentBlockIndex": 0})
        yield told("contentBlockStop", {"contentBlockIndex": 0})
        index = 1
    deltas: list[dict[str, Any]] = [{"text": ANSWER[:3]}, {"text": ANSWER[3:]}]
    if calls:
        start = {"toolUse": {"toolUseId": "tooluse_1", "name": "f"}}
        yield told("contentBlockStart", {"start": start, "contentBlockIndex": index})
        deltas = [{"toolUse": {"input": text}} for text in ('{"a":', ' "b"}')]
    for delta in deltas:
        yield told("contentBlockDelta", {"delta": delta, "contentBlockIndex": index})
    yield told("contentBlockStop", {"contentBlockIndex": index})
    yield told("messageStop", {"stopReason": "tool_use" if calls else "end_turn"})
    yield told("metadata", {"usage": _USAGE, "metrics": {"latencyMs": 1}})
