"""Google's batches. Source: https://ai.google.dev/api/batch-api"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.exchange import Exchange, Received
from tests.fakes.vendors.gemini import _check_head, _refusal
from tests.fakes.vendors.play import MODELS, Refused, need, only, whole

USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 14}
MODEL = MODELS["gemini"]


@dataclass
class Office:
    """A provider of batches, as a script. ``run`` ends all that wait."""

    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    usage: Any = field(default_factory=lambda: USAGE)

    async def __call__(self, exchange: Exchange) -> None:
        try:
            answer = self._answer(exchange.received)
        except Refused as refused:
            return await whole(exchange, refused.status, json.dumps(_refusal(refused)).encode())
        await whole(exchange, 200, json.dumps(answer).encode())

    def run(self, state: str = "SUCCEEDED", bad: int = 0) -> None:
        """All batches end so; the first ``bad`` requests of each in an error."""
        for name, batch in self.batches.items():
            batch["metadata"] |= {"state": f"BATCH_STATE_{state}", "endTime": "2026-01-01T00:09:00Z"}
            batch["done"] = True
            if state == "FAILED":
                batch["error"] = {"code": 13, "message": f"it broke with key sk-{'x' * 40}"}
                continue
            rows = [self._result(row, at < bad) for at, row in enumerate(self.requests[name])]
            made = {"inlinedResponses": {"inlinedResponses": rows}}
            batch["metadata"]["output"] = made
            batch["response"] = {"@type": "type.googleapis.com/Output", **made}

    def _result(self, row: dict[str, Any], bad: bool) -> dict[str, Any]:
        more = {"metadata": row["metadata"]} if "metadata" in row else {}
        if bad:
            return {"error": {"code": 3, "message": "no"}, **more}
        content = {"role": "model", "parts": [{"text": "Hi"}]}
        candidate = {"index": 0, "finishReason": "STOP", "content": content}
        return {"response": {"candidates": [candidate], "usageMetadata": self.usage, "modelVersion": MODEL}, **more}

    def _answer(self, received: Received) -> Any:
        _check_head(received)
        if received.path.startswith("/v1beta/models/"):
            need(received.path == f"/v1beta/models/{MODEL}:batchGenerateContent", "Not found", 404)
            need(received.method == "POST", "method", 405)
            return self._begun(received.json)
        found = re.fullmatch(r"/v1beta/(batches/[a-z0-9]+)(:cancel)?", received.path)
        need(found is not None and found[1] in self.batches, "Requested entity was not found.", 404)
        assert found is not None
        name, cancel = found.groups()
        batch = self.batches[name]
        if cancel:
            need(received.method == "POST", "method", 405)
            batch["metadata"]["state"] = "BATCH_STATE_CANCELLED"
            return {}
        if received.method == "DELETE":
            del self.batches[name]
            return {}
        return batch

    def _begun(self, body: dict[str, Any]) -> Any:
        only(body, "", "body", "batch")
        only(body["batch"], "displayName priority", "batch", "inputConfig")
        only(body["batch"]["inputConfig"], "", "inputConfig", "requests")
        only(body["batch"]["inputConfig"]["requests"], "", "requests", "requests")
        rows = body["batch"]["inputConfig"]["requests"]["requests"]
        for row in rows:
            only(row, "metadata", "requests", "request")
            only(row["request"], "model generationConfig systemInstruction", "request", "contents")
            need(row["request"].get("model") in (None, f"models/{MODEL}"), "model")
        name = f"batches/abc{len(self.batches)}"
        self.requests[name] = rows
        meta = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch", "name": name,
            "model": f"models/{MODEL}", "displayName": body["batch"].get("displayName", ""),
            "createTime": "2026-01-01T00:00:00Z", "updateTime": "2026-01-01T00:00:00Z", "state": "BATCH_STATE_PENDING",
            "batchStats": {"requestCount": str(len(rows)), "pendingRequestCount": str(len(rows))},
        }  # fmt: skip
        self.batches[name] = {"name": name, "metadata": meta}
        return self.batches[name]
