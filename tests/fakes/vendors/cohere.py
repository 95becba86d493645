"""Cohere: chat, embeddings and rerank of its second version. Source: https://docs.cohere.com/reference/about"""

from __future__ import annotations

from typing import Any

from tests.fakes.exchange import Received, Script
from tests.fakes.vendors.play import ANSWER, KEY, dumped, listing, named_events, need, only, playing

CHAT, EMBED, RERANK = "command-a-03-2025", "embed-v4.0", "rerank-v3.5"

_FIELDS = """stream tools strict_tools documents citation_options response_format safety_mode max_tokens stop_sequences
             temperature seed frequency_penalty presence_penalty k p logprobs tool_choice thinking priority"""
_MESSAGES = {
    "system": ("", "content"),
    "user": ("", "content"),
    "assistant": ("content tool_calls tool_plan citations", ""),
    "tool": ("", "content tool_call_id"),
}
_BILLED = {
    "billed_units": {"input_tokens": 1000, "output_tokens": 500},
    "tokens": {"input_tokens": 1066, "output_tokens": 503},
}
_PLAN = "I will call f."
_CALL = {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": '{"a": "b"}'}}
_SOURCE = {"id": "doc_0", "title": "T", "snippet": "Hello is a word."}
CITATION = {
    "start": 0,
    "end": 5,
    "text": "Hello",
    "content_index": 0,
    "type": "TEXT_CONTENT",
    "sources": [{"type": "document", "id": "doc_0", "document": _SOURCE}],
}


def cohere() -> Script:
    """Plays the conversation, embeds, ranks."""
    return playing(_answer, lambda refused: {"id": "1", "message": str(refused)})


def cohere_models() -> Script:
    """The list of models."""
    rows = [{"name": name, "endpoints": ["chat"], "finetuned": False} for name in (EMBED, CHAT)]
    return listing({"models": rows, "next_page_token": None}, _check_head)


def _check_head(received: Received) -> None:
    need(received.headers.get("authorization") == f"Bearer {KEY}", "invalid api token", 401)


def _answer(received: Received) -> tuple[bool, list[bytes]]:
    _check_head(received)
    play = {"/v2/chat": _chatted, "/v2/embed": _embedded, "/v2/rerank": _ranked}.get(received.path)
    need(play is not None, "not found", 404)
    assert play is not None
    return play(received.json)


def _embedded(body: dict[str, Any]) -> tuple[bool, list[bytes]]:
    only(body, "embedding_types output_dimension truncate max_tokens priority", "body", "model texts input_type")
    need(body["model"] == EMBED, "model not found", 404)
    need(all(isinstance(text, str) for text in body["texts"]), "texts must be strings")
    need(body["input_type"] in ("search_document", "search_query", "classification", "clustering"), "input_type")
    need(body["embedding_types"] == ["float"], "embedding_types")
    vectors = [[0.5, -0.25, float(at)] for at, _ in enumerate(body["texts"])]
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 1000}}
    return False, dumped({"id": "1", "embeddings": {"float": vectors}, "texts": body["texts"], "meta": meta})


def _ranked(body: dict[str, Any]) -> tuple[bool, list[bytes]]:
    only(body, "top_n max_tokens_per_doc priority", "body", "model query documents")
    need(body["model"] == RERANK and isinstance(body["query"], str), "model or query")
    need(all(isinstance(text, str) for text in body["documents"]), "documents must be strings")
    order = sorted(range(len(body["documents"])), key=lambda at: -len(body["documents"][at]))[: body.get("top_n")]
    results = [{"index": at, "relevance_score": 0.9} for at in order]
    return False, dumped({"id": "1", "results": results, "meta": {"billed_units": {"search_units": 1}}})


def _chatted(body: dict[str, Any]) -> tuple[bool, list[bytes]]:
    only(body, _FIELDS, "body", "model messages")
    need(body["model"] == CHAT, f"model '{body['model']}' not found", 404)
    need(body.get("tool_choice", "NONE") in ("NONE", "REQUIRED"), "tool_choice")
    need(0 <= body.get("temperature", 0) <= 1 and 0.01 <= body.get("p", 0.75) <= 0.99, "out of range")
    for tool in body.get("tools", ()):
        only(tool, "", "tools", "type function")
        only(tool["function"], "description", "tools.function", "name parameters")
    for document in body.get("documents", ()):
        only(document, "", "documents", "id data")
        need(all(isinstance(text, str) for text in document["data"].values()), "documents.data")
    result = _check_messages(body["messages"])
    calls = bool(body.get("tools")) and not result and body.get("tool_choice") != "NONE"
    cites = bool(body.get("documents")) and body.get("citation_options", {}).get("mode") != "off"
    if body["stream"]:
        return True, _streamed(calls, cites)
    message: dict[str, Any] = {"role": "assistant", "tool_plan": _PLAN, "tool_calls": [_CALL]}
    if not calls:
        message = {"role": "assistant", "content": [{"type": "text", "text": ANSWER}]}
        message |= {"citations": [CITATION]} if cites else {}
    reason = "TOOL_CALL" if calls else "COMPLETE"
    return False, dumped({"id": "1", "finish_reason": reason, "message": message, "usage": _BILLED})


def _check_messages(messages: list[dict[str, Any]]) -> bool:
    """True where the last turn brings results."""
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        need(message.get("role") in _MESSAGES, f"messages[{at}].role")
        allowed, needed = _MESSAGES[message["role"]]
        only(message, allowed, f"messages[{at}]", f"role {needed}")
        if message["role"] == "tool":
            need(message["tool_call_id"] in open_calls, f"messages[{at}]: tool call id not found")
            open_calls.discard(message["tool_call_id"])
            continue
        need(not open_calls, "all tool calls need results")
        if calls := message.get("tool_calls"):
            need(message.get("tool_plan", _PLAN) == _PLAN, "not my plan")
            need(all(isinstance(call["function"]["arguments"], str) for call in calls), "arguments")
            open_calls = {call["id"] for call in calls}
        for block in message.get("content", ()):
            need(block["type"] in ("text", "image_url", "thinking"), f"content type {block['type']}")
    return messages[-1]["role"] == "tool"


def _streamed(calls: bool, cites: bool) -> list[bytes]:
    def event(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
        place = {} if index is None else {"index": index}
        return {"type": kind, **place, "delta": {"message": message}}

    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    events = [{"id": "1", **event("message-start", **empty)}]
    if calls:
        events += [event("tool-plan-delta", tool_plan=text) for text in (_PLAN[:5], _PLAN[5:])]
        start = {**_CALL, "function": {"name": "f", "arguments": ""}}
        events.append(event("tool-call-start", 0, tool_calls=start))
        for text in ('{"a": ', '"b"}'):
            events.append(event("tool-call-delta", 0, tool_calls={"function": {"arguments": text}}))
        events.append({"type": "tool-call-end", "index": 0})
    else:
        events.append(event("content-start", 0, content={"type": "text", "text": ""}))
        events += [event("content-delta", 0, content={"text": text}) for text in (ANSWER[:3], ANSWER[3:])]
        if cites:
            events += [event("citation-start", 0, citations=CITATION), {"type": "citation-end", "index": 0}]
        events.append({"type": "content-end", "index": 0})
    ending = {"finish_reason": "TOOL_CALL" if calls else "COMPLETE", "usage": _BILLED}
    return named_events([*events, {"type": "message-end", "delta": ending}])


def jina() -> Script:
    """Jina AI's embeddings and rerank. Source: https://api.jina.ai/docs"""

    def answer(received: Received) -> tuple[bool, list[bytes]]:
        _check_head(received)
        body = received.json
        if received.path == "/v1/embeddings":
            only(body, "task dimensions late_chunking embedding_type normalized truncate", "body", "model input")
            need(body.get("embedding_type", "float") in ("float", "base64"), "embedding_type", 422)
            vector = {"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}
            usage = {"total_tokens": 1000, "prompt_tokens": 1000}
            return False, dumped({"model": body["model"], "object": "list", "usage": usage, "data": [vector]})
        need(received.path == "/v1/rerank", "Not Found", 404)
        only(body, "top_n return_documents max_doc_length", "body", "model query documents")
        results = [{"index": 0, "relevance_score": 0.9, "document": {"text": body["documents"][0]}}]
        return False, dumped({"model": body["model"], "results": results, "usage": {"total_tokens": 1000}})

    return playing(answer, lambda refused: {"detail": str(refused)})
