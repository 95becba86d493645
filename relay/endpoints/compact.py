"""``POST /v1/responses/compact``: a conversation made shorter by the vendor that will go on with it.

Source: https://platform.openai.com/docs/api-reference/responses/compact
"""

from __future__ import annotations

from relay.endpoints.answers import check_list, top_level
from relay.endpoints.endpoint import Endpoint, passing
from relay.formats import openai_responses
from relay.formats.openai_responses.usage import parse_usage
from relay.neutral import Answer, Choice


def parse_response(body: bytes) -> Answer:
    """What the answer used. Raises Garbage."""
    fields = top_level(body)
    check_list(fields, "output")
    return Answer("", "", (Choice(0, (), "stop"),), parse_usage(fields))


COMPACT = Endpoint(
    "compact", "/responses/compact", passing("openai_compact", openai_responses.FORMAT.glance, parse_response)
)
