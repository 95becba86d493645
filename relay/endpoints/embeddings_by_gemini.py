"""Embeddings on Gemini's own channels: for callers of OpenAI's form, and passed through for Gemini's.

Source: https://ai.google.dev/api/embeddings
"""

from __future__ import annotations

import base64
import struct
from typing import Any

import msgspec

from relay.endpoints.answers import answer_of, top_level
from relay.endpoints.endpoint import encode, passing, value
from relay.endpoints.spoken import Spoken
from relay.formats import gemini
from relay.formats.fields import fields_of, not_carried
from relay.formats.format import Asked, Garbage, Glance, Rendered
from relay.formats.gemini.usage import parse_usage
from relay.neutral import Answer
from relay.splice import edited


class _Vector(msgspec.Struct, gc=False):
    values: msgspec.Raw


class _Vectors(msgspec.Struct, gc=False):
    embeddings: list[_Vector] = []
    embedding: _Vector | None = None


_vectors = msgspec.json.Decoder(_Vectors).decode
_numbers = msgspec.json.Decoder(list[float]).decode
_requests = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


def _parse(body: bytes) -> Answer:
    """What the answer used; its numbers are there. Raises Garbage."""
    fields = top_level(body)
    _found(body)
    return answer_of(parse_usage(fields.get("usageMetadata")))


def _found(body: bytes) -> list[_Vector]:
    try:
        read = _vectors(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Garbage("The provider's answer has no embeddings.") from None
    found = read.embeddings or ([read.embedding] if read.embedding else [])
    if not found:
        raise Garbage("The provider's answer has no embeddings.")
    return found


def _request(body: bytes, glance: Glance, model: str) -> Rendered:
    """From OpenAI's form. Raises Problem 400."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    fields.take("model")
    fields.take("encoding_format")
    given, size = fields.take("input"), fields.integer("dimensions", low=1)
    texts = given if isinstance(given, list) else [given]
    if not all(isinstance(text, str) for text in texts):
        raise not_carried("Anything but text is", "input")
    fields.drop_rest()
    more = {"outputDimensionality": size} if size else {}
    asked = [{"model": f"models/{model}", "content": {"parts": [{"text": text}]}, **more} for text in texts]
    return Rendered(encode({"requests": asked}), tuple(losses))


def _answer(found: Answer, raw: bytes, asked: Asked) -> Rendered:
    """In OpenAI's form; packed, where that was asked for."""
    packed = value(asked.fields, "encoding_format") == "base64"
    vectors = [_packed(vector.values) if packed else vector.values for vector in _found(raw)]
    data = [{"object": "embedding", "index": at, "embedding": values} for at, values in enumerate(vectors)]
    tokens = found.usage.counts.total_input if found.usage else 0
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return Rendered(encode({"object": "list", "data": data, "model": asked.model, "usage": usage}))


def _packed(values: msgspec.Raw) -> str:
    numbers = _numbers(values)
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def _passed(body: bytes, glance: Glance, model: str) -> Rendered:
    """Gemini's own form under the upstream's name of the model, which each request of a batch repeats."""
    if model == glance.model:
        return Rendered(body)
    name, changes = encode(f"models/{model}"), {}
    if "model" in glance.fields:
        changes["model"] = name
    if "requests" in glance.fields:
        asked: list[dict[str, Any]] = [*_requests(glance.fields["requests"])]
        changes["requests"] = encode([{**one, "model": msgspec.Raw(name)} for one in asked])
    return Rendered(edited(body, glance.fields, changes))


def _as_it_came(found: Answer, raw: bytes, asked: Asked) -> Rendered:
    return Rendered(raw)


def _never_seen(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    raise RuntimeError("callers speak another format")


_FORMAT = passing("gemini_vectors", _never_seen, _parse, render_error=gemini.FORMAT.render_error)
BY_GEMINI = Spoken(_FORMAT, "/models/{model}:batchEmbedContents", _request, _answer)
ONE_AS_IT_IS = Spoken(_FORMAT, "/models/{model}:embedContent", _passed, _as_it_came)
MANY_AS_THEY_ARE = Spoken(_FORMAT, "/models/{model}:batchEmbedContents", _passed, _as_it_came)
