"""Ollama by its own API: chat and embeddings, with what its OpenAI-compatible endpoint has no place for.

That is the size of the context (``num_ctx``), how long a model stays loaded, thinking on and off, and options such as
``top_k``. Sources: https://docs.ollama.com/api/chat, …/api/embed, …/api/tags
"""

from __future__ import annotations

import re

import msgspec

from relay.channels.bridge import Bridged
from relay.channels.channel_type import ChannelType
from relay.channels.dialect import Dialect
from relay.channels.vectors import Vectors, given, parts, read_by, wish_of
from relay.formats import ollama_chat
from relay.jsonlines import JsonLines
from relay.volley import Came

_encode = msgspec.json.Encoder().encode

_CHAT = Dialect(ollama_chat.FORMAT, "/api/chat", "/api/chat", decoder=JsonLines, grown=frozenset({"options"}))

_PATH = re.compile(r"/(api|v\d)$")

MOST = 2048
"""Texts in one request: as many as OpenAI takes. Ollama names no limit."""


class _Embedded(msgspec.Struct):
    embeddings: list[msgspec.Raw]
    prompt_eval_count: int | None = None


_embedded = msgspec.json.Decoder(_Embedded).decode


def embed(body: bytes) -> Bridged:
    """OpenAI's embeddings. A text that is too long is an error, unless it may be cut. Raises Problem 400."""
    wish = wish_of(body)
    fields = wish.fields
    asked = {
        "dimensions": wish.size(),
        "truncate": fields.flag("truncate") or False,
        "keep_alive": fields.take("keep_alive"),
        "options": fields.object("options"),
    }
    more = {"model": wish.model, **given(asked)}
    return wish.bridged(parts(wish.texts, MOST), lambda texts: _encode({"input": texts, **more}), read_by(_read))


def _read(came: Came) -> Vectors:
    found = _embedded(came.body)
    return Vectors(found.embeddings, found.prompt_eval_count)


def placed(base_url: str, path: str, version: str) -> str:
    """The URL of ``path``; people write the base with ``/api``, with OpenAI's ``/v1`` and without either."""
    return _PATH.sub("", base_url.rstrip("/")) + path


OLLAMA = ChannelType(
    "ollama-native", "Ollama (own API)", "openai_chat", "http://localhost:11434",
    paths={"chat": "/api/chat", "embeddings": "/api/embed"},
    models_path="/api/tags", models_at=("models", "name"),
    place=placed, dialect=lambda model: _CHAT, bridges={"embeddings": embed}, page="https://docs.ollama.com/api",
)  # fmt: skip
