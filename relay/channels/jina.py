"""Jina AI: embeddings and rerank. Source: https://api.jina.ai/docs (its own schema), https://jina.ai/embeddings/"""

from __future__ import annotations

import msgspec

from relay.channels.bridge import Bridged
from relay.channels.channel_type import ChannelType
from relay.splice import top_level

_encode = msgspec.json.Encoder().encode


def embed(body: bytes) -> Bridged:
    """OpenAI's embeddings: the encoding has another name, users have none. Raises Problem 400."""
    fields = top_level(body)
    encoding, user = fields.pop("encoding_format", None), fields.pop("user", None)
    if encoding is not None:
        fields.setdefault("embedding_type", encoding)
    return Bridged((_encode(fields),), ("user",) if user is not None else ())


JINA = ChannelType(
    "jina", "Jina AI", "openai_chat", "https://api.jina.ai/v1", key_needed=True,
    paths={"embeddings": "/embeddings", "rerank": "/rerank"}, bridges={"embeddings": embed},
)  # fmt: skip
