"""Embeddings of Vertex AI and of Amazon Bedrock. A text's vector begins with its length.

Sources: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api,
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html,
…/model-parameters-embed-v4.html
"""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.exchange import Exchange, Script
from tests.fakes.vendors.play import Refused, need, only, whole

TITAN, TITAN_1 = "amazon.titan-embed-text-v2:0", "amazon.titan-embed-text-v1"
COHERE, COHERE_3 = "us.cohere.embed-v4:0", "cohere.embed-english-v3"
TEXT, SINGLE, NEWER = "text-embedding-005", "gemini-embedding-001", "gemini-embedding-2"

_TASKS = "RETRIEVAL_QUERY RETRIEVAL_DOCUMENT SEMANTIC_SIMILARITY CLASSIFICATION CLUSTERING"


def vector(text: str, size: int | None = None) -> list[float]:
    return [float(len(text)), -0.25, *[0.5] * ((size or 3) - 2)]


def tokens(text: str) -> int:
    return len(text.split())


def vectors() -> Script:
    """Those of Vertex AI: ``path`` is the model and its verb."""

    async def script(exchange: Exchange) -> None:
        model, _, verb = exchange.received.path.rpartition(":")
        try:
            body = exchange.received.json
            need(verb == ("embedContent" if model == NEWER else "predict"), "Not found", 404)
            answer = _by_content(body) if model == NEWER else _predicted(model, body)
        except Refused as refused:
            error = {"code": refused.status, "message": str(refused), "status": "INVALID_ARGUMENT"}
            return await whole(exchange, refused.status, json.dumps({"error": error}).encode())
        await whole(exchange, 200, json.dumps(answer).encode())

    return script


def _predicted(model: str, body: dict[str, Any]) -> dict[str, Any]:
    need(model in (TEXT, SINGLE), "Publisher model was not found", 404)
    only(body, "parameters", "body", "instances")
    asked = body.get("parameters", {})
    only(asked, "autoTruncate outputDimensionality", "parameters")
    need(len(body["instances"]) <= (1 if model == SINGLE else 250), "too many instances in the request")
    found = []
    for one in body["instances"]:
        only(one, "task_type title", "instances", "content")
        need(one.get("task_type", "CLUSTERING") in _TASKS.split(), "Invalid task_type")
        need(one["content"], "The text content is empty.")
        values = vector(one["content"], asked.get("outputDimensionality"))
        counted = {"token_count": tokens(one["content"]), "truncated": False}
        found.append({"embeddings": {"values": values, "statistics": counted}})
    return {"predictions": found, "metadata": {"billableCharacterCount": 9}}


def _by_content(body: dict[str, Any]) -> dict[str, Any]:
    only(body, "embedContentConfig", "body", "content")
    config = body.get("embedContentConfig", {})
    only(config, "taskType title outputDimensionality autoTruncate", "embedContentConfig")
    (part,) = body["content"]["parts"]
    values = vector(part["text"], config.get("outputDimensionality"))
    return {"embedding": {"values": values}, "usageMetadata": {"promptTokenCount": tokens(part["text"])}}


async def embedded(exchange: Exchange, model: str) -> None:
    """Those of Amazon Bedrock. Raises Refused. Who embeds the text ``last`` waits until the test says go on."""
    body = exchange.received.json
    if model in (TITAN, TITAN_1):
        only(body, "dimensions normalize embeddingTypes" if model == TITAN else "", "body", "inputText")
        need(body.get("dimensions", 256) in (256, 512, 1024), "dimensions must be one of [256, 512, 1024]")
        text = body["inputText"]
        need(text and isinstance(text, str), "expected minLength: 1, actual: 0")
        need(text != "slowly", "Too many requests, please wait before trying again.", 429)
        if text == "last":
            await exchange.gate()
        values = vector(text, body.get("dimensions"))
        return await _told(exchange, {"embedding": values, "inputTextTokenCount": tokens(text)})
    need(model in (COHERE, COHERE_3), "The provided model identifier is invalid.")
    further = " output_dimension max_tokens" if model == COHERE else ""
    only(body, "truncate embedding_types" + further, "body", "texts input_type")
    need(len(body["texts"]) <= 96, "texts: expected maximum item count: 96")
    need(body["input_type"] in ("search_document", "search_query", "classification", "clustering"), "input_type")
    found: Any = [vector(text, body.get("output_dimension")) for text in body["texts"]]
    if body.get("embedding_types"):
        found, kind = {"float": found}, "embeddings_by_type"
    else:
        kind = "embeddings_floats"
    counted = 2 * sum(map(tokens, body["texts"]))
    headers = {"x-amzn-bedrock-input-token-count": str(counted)} if counted else {}
    answer = {"embeddings": found, "id": "1", "response_type": kind, "texts": body["texts"]}
    await _told(exchange, answer, headers)


async def _told(exchange: Exchange, answer: Any, headers: dict[str, str] | None = None) -> None:
    body = json.dumps(answer).encode()
    await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})})
    await exchange.raw(body)
