"""``POST /v1/moderations``. Source: https://platform.openai.com/docs/api-reference/moderations/create"""

from __future__ import annotations

from openopen8.core.errors import invalid
from relay.endpoints.answers import answer_of, check_list, input_usage, top_level
from relay.endpoints.endpoint import Endpoint, Look, looked, passing, value
from relay.endpoints.texts import texts_and_tokens
from relay.neutral import Answer
from relay.splice import top_level as checked

DEFAULT_MODEL = "omni-moderation-latest"
"""What OpenAI takes where a request names no model; official clients leave it out."""


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """Checks model and input. Raises Problem 400."""
    fields = checked(body)
    if "input" not in fields:
        raise invalid("input is missing.", "input")
    texts, _ = texts_and_tokens(value(fields, "input"), "input")
    return looked(fields, tuple(texts), model=DEFAULT_MODEL)


def parse_response(body: bytes) -> Answer:
    """What the answer used, which most vendors don't say. Raises Garbage."""
    fields = top_level(body)
    check_list(fields, "results")
    return answer_of(input_usage(fields.get("usage")))


MODERATIONS = Endpoint("moderations", "/moderations", passing("openai_moderations", glance, parse_response))
