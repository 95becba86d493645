"""Embeddings on Amazon Bedrock by InvokeModel: Titan reads one text a request, Cohere 96.

Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html,
…/model-parameters-embed-v3.html, …/model-parameters-embed-v4.html; Cohere's tokens stand in a header alone:
https://github.com/cohere-ai/cohere-python/pull/537
"""

from __future__ import annotations

import msgspec

from openopen8.core.errors import invalid
from relay.channels.bridge import Bridged
from relay.channels.cohere import MOST, USUAL_INPUT
from relay.channels.vectors import Vectors, Wish, given, parts, read_by, wish_of
from relay.volley import Came

INVOKE = "/model/{model}/invoke"

_TOKENS = "x-amzn-bedrock-input-token-count"

_encode = msgspec.json.Encoder().encode


class _Titan(msgspec.Struct):
    embedding: msgspec.Raw
    inputTextTokenCount: float | None = None


class _ByType(msgspec.Struct):
    float: list[msgspec.Raw]


class _Cohere(msgspec.Struct):
    embeddings: _ByType | list[msgspec.Raw]


_titan = msgspec.json.Decoder(_Titan).decode
_cohere = msgspec.json.Decoder(_Cohere).decode


def embed(body: bytes) -> Bridged:
    """OpenAI's embeddings. Raises Problem 400."""
    wish = wish_of(body)
    if "titan-embed-text" in wish.model or "titan-embed-g1" in wish.model:
        return _by_titan(wish)
    if "cohere.embed" in wish.model:
        return _by_cohere(wish)
    raise invalid("Embeddings on Bedrock are made by Titan's text models and by Cohere's, named by their ids.", "model")


def _by_titan(wish: Wish) -> Bridged:
    second = "embed-text-v2" in wish.model
    asked = {"dimensions": wish.size(second), "normalize": wish.fields.flag("normalize") if second else None}
    more = given(asked)
    return wish.bridged(
        parts(wish.texts, 1), lambda texts: _encode({"inputText": texts[0], **more}), read_by(_read_titan)
    )


def _read_titan(came: Came) -> Vectors:
    found = _titan(came.body)
    return Vectors([found.embedding], found.inputTextTokenCount)


def _by_cohere(wish: Wish) -> Bridged:
    fourth = "embed-v4" in wish.model
    asked = {
        "input_type": wish.fields.text("input_type") or USUAL_INPUT,
        "embedding_types": ["float"],
        "truncate": wish.fields.text("truncate"),
        "output_dimension": wish.size(fourth),
        "max_tokens": wish.fields.integer("max_tokens", low=1) if fourth else None,
    }
    more = given(asked)
    return wish.bridged(
        parts(wish.texts, MOST), lambda texts: _encode({"texts": texts, **more}), read_by(_read_cohere)
    )


def _read_cohere(came: Came) -> Vectors:
    found, told = _cohere(came.body).embeddings, came.headers.get(_TOKENS) or ""
    values = found if isinstance(found, list) else found.float
    return Vectors(values, int(told) if told.isascii() and told.isdigit() and len(told) < 10 else None)
