"""Anthropic's batches. Source: https://platform.claude.com/docs/en/api/creating-message-batches and its neighbours."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.exchange import Exchange, Received
from tests.fakes.vendors.claude import _check_head
from tests.fakes.vendors.play import MODELS, Refused, need, only, whole

USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 4}
ENDINGS = ("succeeded", "errored", "canceled", "expired")


@dataclass
class Office:
    """A provider of batches, as a script. ``run`` ends all that wait."""

    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    results: dict[str, bytes] = field(default_factory=dict)
    usage: Any = field(default_factory=lambda: USAGE)
    betas: list[str] = field(default_factory=list)
    """What came in ``anthropic-beta`` with each new batch."""

    async def __call__(self, exchange: Exchange) -> None:
        try:
            answer = self._answer(exchange.received)
        except Refused as refused:
            error = {"type": "error", "error": {"type": "invalid_request_error", "message": str(refused)}}
            await whole(exchange, refused.status, json.dumps(error).encode())
            return
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        kind = "application/x-jsonl" if isinstance(answer, bytes) else "application/json"
        await exchange.head(200, {"content-type": kind, "content-length": str(len(body))})
        await exchange.raw(body)

    def run(self, *endings: str) -> None:
        """All batches end, their requests as told in turn: ``succeeded`` where nothing is told."""
        for id, batch in self.batches.items():
            rows = self.requests[id]
            how = [*endings, *["succeeded"] * len(rows)][: len(rows)]
            counts = {name: how.count(name) for name in ENDINGS}
            batch |= {"processing_status": "ended", "ended_at": _time(9), "request_counts": {"processing": 0, **counts}}
            batch["results_url"] = f"https://api.anthropic.com/v1/messages/batches/{id}/results"
            # in another order than the requests: that is allowed
            done = [self._result(row, ending) for row, ending in zip(rows, how, strict=True)]
            self.results[id] = b"".join(done[::-1])

    def _result(self, row: dict[str, Any], ending: str) -> bytes:
        result: dict[str, Any] = {"type": ending}
        if ending == "succeeded":
            result["message"] = {
                "id": "msg_1", "type": "message", "role": "assistant", "model": row["params"]["model"],
                "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": None,
                "usage": self.usage,
            }  # fmt: skip
        elif ending == "errored":
            result["error"] = {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}
        return json.dumps({"custom_id": row["custom_id"], "result": result}).encode() + b"\n"

    def _answer(self, received: Received) -> Any:
        _check_head(received)
        found = re.fullmatch(r"/v1/messages/batches(?:/(msgbatch_[0-9a-zA-Z]+)(/results|/cancel)?)?", received.path)
        need(found, f"Not found: {received.path}", 404)
        assert found is not None
        id, rest = found.groups()
        if id is None:
            need(received.method == "POST", "method", 405)
            return self._begun(received)
        need(id in self.batches, f"Batch {id} not found", 404)
        batch = self.batches[id]
        need(received.method == {"/cancel": "POST"}.get(rest, received.method), "method", 405)
        if rest == "/results":
            need(id in self.results, "no results yet", 404)
            return self.results[id]
        if rest == "/cancel" and batch["processing_status"] != "ended":
            batch |= {"processing_status": "canceling", "cancel_initiated_at": _time(5)}
        if received.method == "DELETE":
            need(batch["processing_status"] == "ended", "The batch must have ended.")
            return {"id": self.batches.pop(id)["id"], "type": "message_batch_deleted"}
        return batch

    def _begun(self, received: Received) -> Any:
        need(received.headers.get("content-type") == "application/json", "content-type")
        body = received.json
        only(body, "", "body", "requests")
        ids = [row["custom_id"] for row in body["requests"]]
        need(len(set(ids)) == len(ids), "custom_id values must be unique")
        for row in body["requests"]:
            only(row, "", "requests", "custom_id params")
            need(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", row["custom_id"]), "custom_id")
            only(row["params"], "system temperature metadata", "params", "model max_tokens messages")
            need(row["params"]["model"] == MODELS["anthropic"], "model", 404)
        id = f"msgbatch_0{len(self.batches)}A"
        self.betas.append(received.headers.get("anthropic-beta", ""))
        self.requests[id] = body["requests"]
        self.batches[id] = {
            "id": id, "type": "message_batch", "processing_status": "in_progress", "created_at": _time(0),
            "expires_at": "2026-01-02T00:00:00Z", "ended_at": None, "archived_at": None, "cancel_initiated_at": None,
            "results_url": None, "request_counts": {"processing": len(ids), **dict.fromkeys(ENDINGS, 0)},
        }  # fmt: skip
        return self.batches[id]


def _time(minute: int) -> str:
    return f"2026-01-01T00:{minute:02}:00Z"
