"""Cohere: chat, embeddings and rerank, all in its own second version.

Its OpenAI-compatible endpoint knows no documents and no choice of tools, loses citations, thoughts and plans, and has
no input types for embeddings. Sources: https://docs.cohere.com/reference/chat, …/reference/embed, …/reference/rerank,
https://docs.cohere.com/docs/compatibility-api
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from openopen8.core.errors import Problem, invalid
from relay.channels.bridge import Bridged, alone
from relay.channels.channel_type import ChannelType
from relay.channels.dialect import Dialect
from relay.channels.vectors import Vectors, given, parts, read_by, wish_of
from relay.formats import cohere_chat
from relay.formats.fields import Fields, fields_of, not_carried
from relay.splice import top_level
from relay.volley import Came, Joined

_encode = msgspec.json.Encoder().encode

_CHAT = Dialect(cohere_chat.FORMAT, "/v2/chat", "/v2/chat")

_PATH = re.compile(r"(/compatibility)?/v\d$")

USUAL_INPUT = "search_document"
"""What texts are embedded for where the caller does not say so: Cohere wants to know."""

MOST = 96
"""Texts that Cohere embeds in one request."""


class _Billed(msgspec.Struct):
    input_tokens: int | float | None = None


class _Meta(msgspec.Struct):
    billed_units: _Billed | None = None


class _Vectors(msgspec.Struct):
    float: list[msgspec.Raw]


class _Embedded(msgspec.Struct):
    embeddings: _Vectors
    meta: _Meta | None = None


class _Ranked(msgspec.Struct):
    results: list[dict[str, Any]]


_embedded = msgspec.json.Decoder(_Embedded).decode
_ranked = msgspec.json.Decoder(_Ranked).decode


def embed(body: bytes) -> Bridged:
    """OpenAI's embeddings. Raises Problem 400."""
    wish = wish_of(body)
    fields = wish.fields
    asked = {
        "input_type": fields.text("input_type") or USUAL_INPUT,
        "embedding_types": ["float"],
        "output_dimension": wish.size(),
        "truncate": fields.text("truncate"),
        "max_tokens": fields.integer("max_tokens", low=1),
        "priority": fields.integer("priority"),
    }
    more = {"model": wish.model, **given(asked)}
    return wish.bridged(parts(wish.texts, MOST), lambda texts: _encode({"texts": texts, **more}), read_by(_read))


def _read(came: Came) -> Vectors:
    found = _embedded(came.body)
    billed = found.meta.billed_units if found.meta else None
    return Vectors(found.embeddings.float, billed.input_tokens if billed else None)


def rerank(body: bytes) -> Bridged:
    """Rerank as its first version and Jina have it: documents may be objects, and come back. Raises Problem 400."""
    losses: dict[str, None] = {}
    fields = fields_of(top_level(body), losses)
    documents = fields.take("documents")
    texts = [_text(document) for document in documents] if isinstance(documents, list) else []
    returned = fields.flag("return_documents") or False
    asked = {
        "model": fields.text("model"),
        "query": _query(fields),
        "documents": texts,
        "top_n": fields.integer("top_n", low=1),
        "max_tokens_per_doc": fields.integer("max_tokens_per_doc", low=1),
        "priority": fields.integer("priority"),
    }
    fields.drop_rest()
    kept = {name: value for name, value in asked.items() if value is not None}
    return Bridged((_encode(kept),), tuple(losses), _shown(texts) if returned else alone)


def _query(fields: Fields) -> str:
    query = fields.take("query")
    if isinstance(query, dict):
        query = query.get("text")
    if not isinstance(query, str):
        raise not_carried("A query that is no text is", "query")
    return query


def _text(document: Any) -> str:
    """A document as text: its own, or its fields line by line, as Cohere advises."""
    if isinstance(document, str):
        return document
    if not isinstance(document, dict):
        raise invalid("documents must be texts or objects.", "documents")
    if isinstance(text := document.get("text"), str):
        return text
    if "image" in document or not document:
        raise not_carried("A document that is no text is", "documents")
    lines = ((name, value if isinstance(value, str) else _encode(value).decode()) for name, value in document.items())
    return "\n".join(f"{name}: {value}" for name, value in lines)


def _shown(texts: list[str]) -> Joined:
    """Puts each document beside its place."""

    def answer(came: Sequence[Came]) -> bytes:
        raw = came[0].body
        try:
            fields, results = top_level(raw), _ranked(raw).results
        except (Problem, msgspec.MsgspecError, UnicodeDecodeError):
            return raw  # whoever reads it will say what is wrong
        for result in results:
            at = result.get("index")
            if type(at) is int and 0 <= at < len(texts):
                result["document"] = {"text": texts[at]}
        return _encode({**fields, "results": results})

    return answer


def placed(base_url: str, path: str, version: str) -> str:
    """The URL of ``path``; people write the base with and without a version."""
    return _PATH.sub("", base_url.rstrip("/")) + path


COHERE = ChannelType(
    "cohere", "Cohere", "openai_chat", "https://api.cohere.com", key_needed=True,
    paths={"chat": "/v2/chat", "embeddings": "/v2/embed", "rerank": "/v2/rerank"},
    models_path="/v1/models?page_size=1000", models_at=("models", "name"),
    place=placed, dialect=lambda model: _CHAT, bridges={"embeddings": embed, "rerank": rerank},
)  # fmt: skip
