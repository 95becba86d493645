"""OpenAI's Responses. Source: https://platform.openai.com/docs/api-reference/responses"""

from __future__ import annotations

from typing import Any

from tests.fakes.exchange import Received, Script
from tests.fakes.vendors.play import (
    ANSWER,
    KEY,
    MODELS,
    THOUGHT,
    Refused,
    dumped,
    named_events,
    need,
    only,
    playing,
    sign,
)

_FIELDS = """instructions stream stream_options store include reasoning max_output_tokens temperature top_p tools
             tool_choice parallel_tool_calls text metadata user safety_identifier prompt_cache_key service_tier
             truncation top_logprobs previous_response_id prompt_cache_retention"""
_ITEMS = {
    "message": ("type id status phase", "role content"),
    "reasoning": ("id summary content encrypted_content status", "type"),
    "function_call": ("id status", "type call_id name arguments"),
    "function_call_output": ("id status", "type call_id output"),
}
_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 500,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 1500,
}


def responses(path: str = "/v1/responses", header: str = "authorization") -> Script:
    """Plays the conversation."""

    def answer(received: Received) -> tuple[bool, list[bytes]]:
        shown = f"Bearer {KEY}" if header == "authorization" else KEY
        need(received.headers.get(header) == shown, "Incorrect API key provided", 401)
        need(received.path == path, "Not found", 404)
        return _answer(received.json)

    return playing(answer, _refusal)


def _refusal(refused: Refused) -> Any:
    return {"error": {"message": str(refused), "type": "invalid_request_error", "param": None, "code": None}}


def _answer(body: dict[str, Any]) -> tuple[bool, list[bytes]]:
    only(body, _FIELDS, "body", "model input")
    need(body["model"] == MODELS["openai-responses"], "The model does not exist", 404)
    for tool in body.get("tools", ()):
        only(tool, "description strict", "tools", "type name parameters")
    items = body["input"]
    result = _check_items([{"role": "user", "content": items}] if isinstance(items, str) else items)
    output = _output(bool(body.get("tools")) and not result, "reasoning.encrypted_content" in body.get("include", ()))
    response = _response(body, output)
    return bool(body.get("stream")), stream_of(response) if body.get("stream") else dumped(response)


def _check_items(items: list[dict[str, Any]]) -> bool:
    """True where the last item brings results."""
    calls: set[str] = set()
    for at, item in enumerate(items):
        kind = item.get("type", "message")
        need(kind in _ITEMS, f"input[{at}].type: Invalid value: '{kind}'")
        allowed, needed = _ITEMS[kind]
        only(item, allowed, f"input[{at}]", needed)
        if kind == "reasoning":
            need("summary" in item, f"Missing required parameter: 'input[{at}].summary'.")
            right = item.get("encrypted_content") == sign(item.get("id", ""))
            need(right, "The encrypted content could not be verified")
            need(at + 1 < len(items), "Item of type 'reasoning' was provided without its required following item.")
        if kind == "function_call":
            calls.add(item["call_id"])
            thought = items[at - 1].get("type") == "reasoning" or "rs_1" not in str(items)
            need(thought, "Item of type 'function_call' was provided without its required 'reasoning' item.")
        if kind == "function_call_output":
            need(item["call_id"] in calls, "No tool call found for function call output.")
    return bool(items) and items[-1].get("type") == "function_call_output"


def _output(calls: bool, encrypted: bool) -> list[dict[str, Any]]:
    summary = [{"type": "summary_text", "text": THOUGHT}]
    thought = {"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": sign("rs_1")}
    if calls:
        call = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a": "b"}'}
        return [*([thought] if encrypted else []), {**call, "status": "completed"}]
    content = [{"type": "output_text", "text": ANSWER, "annotations": [], "logprobs": []}]
    return [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}]


def _response(body: dict[str, Any], output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "usage": _USAGE,
    }


def stream_of(response: dict[str, Any]) -> list[bytes]:
    """The answer as its events."""
    early = {**response, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": early}]
    events.append({"type": "response.in_progress", "response": early})
    for index, item in enumerate(response["output"]):
        events += _item(item, index)
    events.append({"type": "response.completed", "response": response})
    return named_events({**event, "sequence_number": number} for number, event in enumerate(events))


def _item(item: dict[str, Any], index: int) -> list[dict[str, Any]]:
    at = {"item_id": item["id"], "output_index": index}
    begun = {**item, "status": "in_progress"}
    if item["type"] == "message":
        begun["content"] = []
        part = {**item["content"][0], "text": ""}
        place = {**at, "content_index": 0}
        inner = [{"type": "response.content_part.added", **place, "part": part}]
        inner += [{"type": "response.output_text.delta", **place, "delta": text, "logprobs": []}
                  for text in (ANSWER[:3], ANSWER[3:])]  # fmt: skip
        inner.append({"type": "response.output_text.done", **place, "text": ANSWER, "logprobs": []})
        inner.append({"type": "response.content_part.done", **place, "part": item["content"][0]})
    elif item["type"] == "function_call":
        begun["arguments"] = ""
        name = "response.function_call_arguments"
        inner = [{"type": f"{name}.delta", **at, "delta": text} for text in ('{"a": ', '"b"}')]
        inner.append({"type": f"{name}.done", **at, "arguments": item["arguments"], "name": "f"})
    else:
        begun = {**item, "summary": [], "encrypted_content": sign("early")}
        name, place = "response.reasoning_summary", {**at, "summary_index": 0}
        empty = {"type": "summary_text", "text": ""}
        inner = [{"type": f"{name}_part.added", **place, "part": empty}]
        inner.append({"type": f"{name}_text.delta", **place, "delta": THOUGHT})
        inner.append({"type": f"{name}_text.done", **place, "text": THOUGHT})
        inner.append({"type": f"{name}_part.done", **place, "part": item["summary"][0]})
    added = {"type": "response.output_item.added", "output_index": index, "item": begun}
    return [added, *inner, {"type": "response.output_item.done", "output_index": index, "item": item}]
