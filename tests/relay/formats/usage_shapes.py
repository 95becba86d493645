"""The golden table of usage: what vendors report, the disjoint buckets that it means, and what it costs.

``tests/golden_usage/<format>.json`` has a row for each shape, worked out by hand from the vendors' documents:

- ``usage``: the vendor's report of a whole answer; ``streamed``: the reports of a stream one after another, where
  they differ; ``answer``: further fields of the answer, ``items`` and ``grounding`` what it did, ``style`` how it ends;
- ``buckets``, ``sum``, ``credits``: what the receipt must say, and the sum as one would write it down;
- ``waits``: what the format does not tell yet.

``prices.json`` has the prices, in credits of which a million are one USD: a ratio is a vendor's USD per million.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from openopen8.core.rules.pricing import Price, Rates

FOLDER = Path(__file__).parents[2] / "golden_usage"
NAMES = ("openai_chat", "openai_responses", "anthropic", "gemini")

Shape = dict[str, Any]


def rows() -> Iterator[tuple[str, Shape]]:
    """Format and shape of every row."""
    for name in NAMES:
        for shape in json.loads((FOLDER / f"{name}.json").read_text()):
            yield name, shape


def prices() -> dict[str, Price]:
    return {name: _price(name, row) for name, row in json.loads((FOLDER / "prices.json").read_text()).items()}


def worked(text: str) -> Decimal:
    """The value of ``2 × 3 + 4 × 0.5``."""
    products = ([Decimal(factor) for factor in part.split(" × ")] for part in text.split(" + "))
    return sum((a * b for a, b in products), Decimal(0))


def whole(name: str, shape: Shape) -> bytes:
    """The shape as a whole answer of its vendor."""
    return json.dumps(_WHOLE[name](shape)).encode()


def streamed(name: str, shape: Shape) -> bytes:
    """The shape as a stream of its vendor."""
    return b"".join(_frame(*event) for event in _STREAMED[name](shape))


def _price(name: str, row: dict[str, Any]) -> Price:
    by_name = ("tiers", "calls", "units")
    named = {field: tuple((x, Decimal(y)) for x, y in row.get(field, {}).items()) for field in by_name}
    plain = {x: Decimal(y) for x, y in row.items() if isinstance(y, str)}
    long = Rates(**{x: Decimal(y) for x, y in row.get("long", {}).items()})
    return Price(1, name, 0, Rates(**plain), long_above=row.get("long_above"), long=long, **named)


def _frame(event: str, data: Any) -> bytes:
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def _reports(shape: Shape) -> list[dict[str, Any]]:
    return shape.get("streamed") or [shape["usage"]]


def _chat(shape: Shape) -> dict[str, Any]:
    message = {"role": "assistant", "content": "hi", "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
            "usage": shape["usage"], **shape.get("answer", {})}  # fmt: skip


def _chat_stream(shape: Shape) -> Iterator[tuple[str, Any]]:
    def chunk(delta: dict[str, Any] | None, finish: str | None = None, usage: Any = None) -> tuple[str, Any]:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        return "", {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices,
                    "usage": usage, **shape.get("answer", {})}  # fmt: skip

    *early, last = _reports(shape)
    yield chunk({"role": "assistant", "content": ""})
    for report in early:
        yield chunk({"content": "h"}, usage=report)
    yield chunk({"content": "hi"[len(early) and 1 :]})
    with_finish = shape.get("style") == "with_finish"
    yield chunk({}, "stop", last if with_finish else None)
    if not with_finish:
        yield chunk(None, usage=last)
    yield "", "[DONE]"


_MESSAGE = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": "hi", "annotations": []}]}  # fmt: skip


def _responses(shape: Shape) -> dict[str, Any]:
    status = shape.get("style", "completed")
    details = {"reason": "max_output_tokens"} if status == "incomplete" else None
    return {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "error": None,
            "incomplete_details": details, "output": [*shape.get("items", ()), _MESSAGE], "usage": shape["usage"],
            **shape.get("answer", {})}  # fmt: skip


def _responses_stream(shape: Shape) -> Iterator[tuple[str, Any]]:
    def event(type: str, **fields: Any) -> tuple[str, Any]:
        return type, {"type": type, "sequence_number": 1, **fields}

    done = _responses(shape)
    yield event("response.created", response={**done, "status": "in_progress", "output": [], "usage": None})
    for index, item in enumerate(done["output"]):
        yield event("response.output_item.added", output_index=index, item=item | {"content": []})
        if item is _MESSAGE:
            yield event("response.output_text.delta", item_id="msg_1", output_index=index, content_index=0, delta="hi")
        yield event("response.output_item.done", output_index=index, item=item)
    yield event(f"response.{done['status']}", response=done)


def _claude(shape: Shape) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": "hi"}], "usage": shape["usage"]}  # fmt: skip


def _claude_stream(shape: Shape) -> Iterator[tuple[str, Any]]:
    reports = _reports(shape)
    first, *later = reports if len(reports) > 1 else [{**reports[0], "output_tokens": 1}, *reports]
    start = {**_claude(shape), "content": [], "stop_reason": None, "usage": first}
    events = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop", "index": 0},
        *({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": report} for report in later),
        {"type": "message_stop"},
    ]
    return ((event["type"], event) for event in events)


def _gemini(shape: Shape, text: str = "hi", finish: str | None = "STOP", usage: Any = None) -> dict[str, Any]:
    candidate = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}
    if finish:
        candidate |= {"finishReason": finish}
        candidate |= {"groundingMetadata": shape["grounding"]} if "grounding" in shape else {}
    return {"candidates": [candidate], "modelVersion": shape.get("model", "m"), "responseId": "1",
            "usageMetadata": usage or shape["usage"]}  # fmt: skip


def _gemini_stream(shape: Shape) -> Iterator[tuple[str, Any]]:
    *early, last = _reports(shape)
    for report in early:
        yield "", _gemini(shape, "h", None, report)
    yield "", _gemini(shape, "i", "STOP", last)


_WHOLE = {"openai_chat": _chat, "openai_responses": _responses, "anthropic": _claude, "gemini": _gemini}
_STREAMED = {"openai_chat": _chat_stream, "openai_responses": _responses_stream, "anthropic": _claude_stream,
             "gemini": _gemini_stream}  # fmt: skip
