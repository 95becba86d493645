"""Embeddings on Vertex AI: texts by ``:predict``, newer models of Gemini's by ``:embedContent``.

Sources: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api,
https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-text-embeddings (limits), Google's own client
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from relay.channels.bridge import Bridged
from relay.channels.vectors import Vectors, Wish, given, parts, read_by, wish_of
from relay.volley import Came

PREDICT, EMBED = "/publishers/google/models/{model}:predict", "/publishers/google/models/{model}:embedContent"

_MOST, _CHARACTERS = 250, 20_000
"""Texts in a request, and characters: 20,000 tokens are allowed, and no token is less than a character."""

_encode = msgspec.json.Encoder().encode


class _Statistics(msgspec.Struct):
    token_count: float | None = None


class _Embedding(msgspec.Struct):
    values: msgspec.Raw
    statistics: _Statistics | None = None


class _Prediction(msgspec.Struct):
    embeddings: _Embedding


class _Predicted(msgspec.Struct):
    predictions: list[_Prediction]


class _Usage(msgspec.Struct):
    promptTokenCount: float | None = None


class _Embedded(msgspec.Struct):
    embedding: _Embedding
    usageMetadata: _Usage | None = None


_predicted = msgspec.json.Decoder(_Predicted).decode
_embedded = msgspec.json.Decoder(_Embedded).decode


def embed(body: bytes) -> Bridged:
    """OpenAI's embeddings; ``task_type``, ``title`` and ``auto_truncate`` are Google's own. Raises Problem 400."""
    wish = wish_of(body)
    single = "gemini" in wish.model
    if single and "gemini-embedding-001" not in wish.model:
        return _by_content(wish)
    task, title = wish.fields.text("task_type", "taskType"), wish.fields.text("title")
    about = given({"task_type": task, "title": title})
    # Google cuts what is too long without a word, unless it is told not to: then it is an error, as with OpenAI
    cut = wish.fields.flag("auto_truncate", "autoTruncate") or False
    parameters = given({"outputDimensionality": wish.size(), "autoTruncate": cut})

    def asked(texts: list[str]) -> bytes:
        return _encode({"instances": [{"content": text, **about} for text in texts], "parameters": parameters})

    return wish.bridged(parts(wish.texts, *((1,) if single else (_MOST, _CHARACTERS))), asked, read_by(_read))


def _read(came: Came) -> Vectors:
    found = [one.embeddings for one in _predicted(came.body).predictions]
    counts = [one.statistics.token_count for one in found if one.statistics and one.statistics.token_count is not None]
    return Vectors([one.values for one in found], sum(counts) if len(counts) == len(found) else None)


def _by_content(wish: Wish) -> Bridged:
    task, title = wish.fields.text("task_type", "taskType"), wish.fields.text("title")
    cut = wish.fields.flag("auto_truncate", "autoTruncate")
    config = given({"taskType": task, "title": title, "outputDimensionality": wish.size(), "autoTruncate": cut})
    more = {"embedContentConfig": config} if config else {}

    def asked(texts: list[str]) -> bytes:
        return _encode({"content": {"role": "user", "parts": [{"text": texts[0]}]}, **more})

    return replace(wish.bridged(parts(wish.texts, 1), asked, read_by(_read_content)), path=EMBED)


def _read_content(came: Came) -> Vectors:
    found = _embedded(came.body)
    return Vectors([found.embedding.values], found.usageMetadata.promptTokenCount if found.usageMetadata else None)
