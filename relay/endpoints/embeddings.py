"""``POST /v1/embeddings``. Source: https://platform.openai.com/docs/api-reference/embeddings/create"""

from __future__ import annotations

from openopen8.core.errors import invalid
from relay.endpoints.answers import answer_of, check_list, input_usage, top_level
from relay.endpoints.embeddings_by_gemini import BY_GEMINI
from relay.endpoints.endpoint import Endpoint, Look, looked, passing, value
from relay.endpoints.texts import texts_and_tokens
from relay.neutral import Answer
from relay.splice import top_level as checked


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """Checks model and input. Raises Problem 400."""
    fields = checked(body)
    if "input" not in fields:
        raise invalid("input is missing.", "input")
    texts, tokens = texts_and_tokens(value(fields, "input"), "input")
    return looked(fields, tuple(texts), tokens)


def parse_response(body: bytes) -> Answer:
    """What the answer used. Raises Garbage."""
    fields = top_level(body)
    check_list(fields, "data")
    return answer_of(input_usage(fields.get("usage")))


EMBEDDINGS = Endpoint(
    "embeddings", "/embeddings", passing("openai_embeddings", glance, parse_response), also={"gemini": BY_GEMINI}
)
