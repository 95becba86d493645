"""OpenAI's Responses. Source: https://platform.openai.com/docs/api-reference/responses"""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.exchange import Received, Script
from tests.fakes.vendors.play import (
    KEY,
    MODELS,
    SHAPED,
    SHORT,
    Play,
    Refused,
    check_result,
    check_strict,
    dumped,
    halves,
    named_events,
    need,
    only,
    playing,
    sign,
    thought,
)

_FIELDS = """instructions stream stream_options store include reasoning max_output_tokens temperature top_p tools
             tool_choice parallel_tool_calls text metadata user safety_identifier prompt_cache_key service_tier
             truncation top_logprobs previous_response_id prompt_cache_retention client_metadata"""
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


def responses(path: str = "/v1/responses", header: str = "authorization", play: Play = SHORT) -> Script:
    """Plays the conversation."""

    def answer(received: Received) -> tuple[bool, list[bytes]]:
        shown = f"Bearer {KEY}" if header == "authorization" else KEY
        need(received.headers.get(header) == shown, "Incorrect API key provided", 401)
        need(received.path == path, "Not found", 404)
        return _answer(received.json, play)

    return playing(answer, _refusal)


def _refusal(refused: Refused) -> Any:
    return {"error": {"message": str(refused), "type": "invalid_request_error", "param": None, "code": None}}


def _answer(body: dict[str, Any], play: Play) -> tuple[bool, list[bytes]]:
    only(body, _FIELDS, "body", "model input")
    need(body["model"] == MODELS["openai-responses"], "The model does not exist", 404)
    for tool in body.get("tools", ()):
        _check_tool(tool)
    items = body["input"]
    thinks = "reasoning.encrypted_content" in (body.get("include") or ())
    turns = _check_items([{"role": "user", "content": items}] if isinstance(items, str) else items, thinks)
    response = _response(body, _output(play, turns, bool(body.get("tools")), thinks, _shaped(body)))
    return bool(body.get("stream")), stream_of(response) if body.get("stream") else dumped(response)


def _check_tool(tool: dict[str, Any]) -> None:
    kind = tool["type"]
    need(kind in ("function", "custom", "namespace", "web_search"), f"tools: Invalid value: '{kind}'")
    if kind == "function":
        only(tool, "description strict", "tools", "type name parameters")
        if tool.get("strict", True):
            check_strict(tool["parameters"], "tools.parameters")
    for inner in tool.get("tools", ()) if kind == "namespace" else ():
        _check_tool(inner)


def _shaped(body: dict[str, Any]) -> bool:
    """True for those who ask for JSON."""
    only(body.get("text") or {}, "format verbosity", "text")
    format = (body.get("text") or {}).get("format") or {"type": "text"}
    if format["type"] != "json_schema":
        return format["type"] == "json_object"
    only(format, "description strict", "text.format", "type name schema")
    if format.get("strict"):
        check_strict(format["schema"], "text.format")
    return True


def _check_items(items: list[dict[str, Any]], thinks: bool) -> int:
    """How many turns had calls."""
    calls: dict[str, Any] = {}
    turns = 0
    for at, item in enumerate(items):
        kind = item.get("type", "message")
        need(kind in _ITEMS, f"input[{at}].type: Invalid value: '{kind}'")
        allowed, needed = _ITEMS[kind]
        only(item, allowed, f"input[{at}]", needed)
        before = items[at - 1].get("type") if at else None
        if kind == "reasoning":
            need("summary" in item, f"Missing required parameter: 'input[{at}].summary'.")
            right = item.get("encrypted_content") == sign(item.get("id", ""))
            need(right, "The encrypted content could not be verified")
            need(at + 1 < len(items), "Item of type 'reasoning' was provided without its required following item.")
        if kind == "function_call":
            own = item["call_id"].startswith("call_")  # another vendor's calls come without thoughts of ours
            known = not (thinks and own) or before in ("reasoning", "function_call")
            need(known, "Item of type 'function_call' was provided without its required 'reasoning' item.")
            calls[item["call_id"]] = json.loads(item["arguments"])
            turns += before != "function_call"
        if kind == "function_call_output":
            need(item["call_id"] in calls, "No tool call found for function call output.")
            check_result(calls.pop(item["call_id"]), item["output"])
        else:
            need(kind == "function_call" or not calls, "No tool output found for function call.")
    return turns


def _output(play: Play, turns: int, offered: bool, thinks: bool, shaped: bool) -> list[dict[str, Any]]:
    calls, id = play.calls(turns, offered), f"rs_{turns + 1}"
    if not calls:
        text = SHAPED if shaped else play.answer
        content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
        return [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}]
    summary = [{"type": "summary_text", "text": thought(turns)}]
    items: list[dict[str, Any]] = []
    if thinks:
        items.append({"id": id, "type": "reasoning", "summary": summary, "encrypted_content": sign(id)})
    for number, (name, args) in enumerate(calls, play.number(turns) + 1):
        call = {"id": f"fc_{number}", "type": "function_call", "call_id": f"call_{number}", "name": name}
        items.append({**call, "arguments": json.dumps(args), "status": "completed"})
    return items


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
                  for text in halves(item["content"][0]["text"])]  # fmt: skip
        inner.append({"type": "response.output_text.done", **place, "text": item["content"][0]["text"], "logprobs": []})
        inner.append({"type": "response.content_part.done", **place, "part": item["content"][0]})
    elif item["type"] == "function_call":
        begun["arguments"] = ""
        name = "response.function_call_arguments"
        inner = [{"type": f"{name}.delta", **at, "delta": text} for text in halves(item["arguments"])]
        inner.append({"type": f"{name}.done", **at, "arguments": item["arguments"], "name": item["name"]})
    else:
        begun = {**item, "summary": [], "encrypted_content": sign("early")}
        name, place = "response.reasoning_summary", {**at, "summary_index": 0}
        empty = {"type": "summary_text", "text": ""}
        inner = [{"type": f"{name}_part.added", **place, "part": empty}]
        inner.append({"type": f"{name}_text.delta", **place, "delta": item["summary"][0]["text"]})
        inner.append({"type": f"{name}_text.done", **place, "text": item["summary"][0]["text"]})
        inner.append({"type": f"{name}_part.done", **place, "part": item["summary"][0]})
    added = {"type": "response.output_item.added", "output_index": index, "item": begun}
    return [added, *inner, {"type": "response.output_item.done", "output_index": index, "item": item}]
