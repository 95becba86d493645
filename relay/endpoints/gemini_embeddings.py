"""Gemini's ``:embedContent`` and ``:batchEmbedContents``, translated for channels that speak OpenAI's form.

Source: https://ai.google.dev/api/embeddings
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.endpoints.embeddings import parse_response
from relay.endpoints.embeddings_by_gemini import MANY_AS_THEY_ARE, ONE_AS_IT_IS
from relay.endpoints.endpoint import Endpoint, Look, encode, looked, passing, value
from relay.endpoints.spoken import Spoken
from relay.formats import gemini
from relay.formats.fields import Fields, fields_of, not_carried
from relay.formats.format import Garbage, Glance
from relay.neutral import Answer
from relay.splice import top_level

Losses = dict[str, None]

_CONFIG = ("embedContentConfig", "embed_content_config")


class _Vector(msgspec.Struct, gc=False):
    embedding: msgspec.Raw
    index: int = 0


class _Vectors(msgspec.Struct, gc=False):
    data: list[_Vector]


_vectors = msgspec.json.Decoder(_Vectors).decode
_text = msgspec.json.Decoder(str).decode


def _glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """Checks one request. Raises Problem 400."""
    fields = top_level(body)
    if "requests" in fields:
        raise invalid("requests belong to :batchEmbedContents.", "requests")
    _check_model(value(fields, "model"), path_model, "model")
    return _looked(fields, path_model)


def _glance_batch(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """Checks the requests, which must all be for the model of the path. Raises Problem 400."""
    fields = top_level(body)
    found = value(fields, "requests")
    for at, item in enumerate(found if isinstance(found, list) else ()):
        _check_model(item.get("model") if isinstance(item, dict) else None, path_model, f"requests.{at}.model")
    return _looked(fields, path_model)


def _check_model(named: Any, model: str | None, path: str) -> None:
    if named is not None and named != f"models/{model}" and named != model:
        raise invalid(f"{path} must be the model of the address.", path)


def _looked(fields: dict[str, msgspec.Raw], model: str | None) -> Look:
    texts = [text for one in _items(fields, {}) for text in _one(one)[0]]
    bare = {name: raw for name, raw in fields.items() if name != "model"}
    images = sum(text is None for text in texts)
    seen = looked(bare, tuple(text for text in texts if text is not None), model=model, images=images)
    return msgspec.structs.replace(seen, fields=fields)


def _items(fields: dict[str, msgspec.Raw], losses: Losses) -> list[Fields]:
    body = fields_of(fields, losses)
    items = list(body.items("requests")) if "requests" in fields else [body]
    if not items:
        raise invalid("requests must be a non-empty list.", "requests")
    if "requests" in fields:
        body.drop_rest()
    return items


def _asked(fields: dict[str, msgspec.Raw], losses: Losses) -> tuple[list[str], int | None]:
    """The texts, and how many dimensions are wanted. Raises Problem 400 for what OpenAI's form has no place for."""
    found = [_one(item) for item in _items(fields, losses)]
    sizes = {size for _, size in found}
    if len(sizes) > 1:
        raise not_carried("Different dimensions in one batch are", "requests")
    if any(text is None for texts, _ in found for text in texts):
        raise not_carried("Embeddings of anything but text are", "content")
    return ["".join(text or "" for text in texts) for texts, _ in found], sizes.pop()


def _one(item: Fields) -> tuple[list[str | None], int | None]:
    """The texts of one request (None: a part that is none), and how many dimensions it wants."""
    item.take("model")
    content = item.inner("content")
    if content is None:
        raise invalid("content is missing.", f"{item.path}.content".lstrip("."))
    content.take("role")
    size = item.integer("outputDimensionality", "output_dimensionality", low=1)
    config = item.inner(*_CONFIG)
    if config is not None:
        size = config.integer("outputDimensionality", "output_dimensionality", low=1) or size
        config.drop_rest()
    item.drop_rest()
    return [part.text("text") for part in content.items("parts")], size


def _to_openai(body: bytes, glance: Glance, model: str) -> bytes:
    texts, size = _asked(glance.fields, {})
    wanted: dict[str, Any] = {"model": model, "input": texts, "encoding_format": "float"}
    return encode({**wanted, "dimensions": size} if size else wanted)


def _lost(glance: Glance) -> tuple[str, ...]:
    losses: Losses = {}
    _asked(glance.fields, losses)
    return tuple(losses)


def _values(body: bytes) -> list[dict[str, Any]]:
    try:
        found = sorted(_vectors(body).data, key=lambda vector: vector.index)
        return [{"values": _numbers(vector.embedding)} for vector in found]
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, struct.error):
        raise Garbage("The provider's answer has no embeddings.") from None


def _parse(body: bytes) -> Answer:
    """What the answer used; its numbers are there. Raises Garbage."""
    _values(body)
    return parse_response(body)


def _numbers(raw: msgspec.Raw) -> Any:
    """The numbers as they came; also of vendors that pack them whatever they are asked."""
    if not bytes(raw).startswith(b'"'):
        return raw
    packed = base64.b64decode(_text(raw), validate=True)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))


def _single(body: bytes, model: str) -> bytes:
    return encode({"embedding": _values(body)[0]})


def _batch(body: bytes, model: str) -> bytes:
    return encode({"embeddings": _values(body)})


def _endpoint(
    name: str, glance: Callable[..., Look], answer: Callable[[bytes, str], bytes], at_home: Spoken
) -> Endpoint:
    format = passing(
        name,
        glance,
        _parse,
        patch_request=_to_openai,
        patch_response=answer,
        render_error=gemini.FORMAT.render_error,
    )
    return Endpoint("embeddings", "/embeddings", format, losses=_lost, also={"gemini": at_home})


GEMINI_EMBED = _endpoint("gemini_embed", _glance, _single, ONE_AS_IT_IS)
GEMINI_EMBED_BATCH = _endpoint("gemini_embed_batch", _glance_batch, _batch, MANY_AS_THEY_ARE)
