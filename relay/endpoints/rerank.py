"""``POST /v1/rerank``: documents in the order of their relevance, as Cohere and Jina have it; the two forms agree.

Source: https://docs.cohere.com/reference/rerank, https://api.jina.ai/docs#/rerank
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from openopen8.core.rules.pricing import Counts
from relay.endpoints.answers import answer_of, check_list, input_usage, top_level
from relay.endpoints.endpoint import Endpoint, Look, looked, passing, value
from relay.endpoints.texts import texts_and_tokens
from relay.formats.vendor import Tally
from relay.neutral import Answer, Usage
from relay.splice import top_level as checked

SEARCH_UNIT = 100
"""Documents that one query ranks at the price of one search. Source: https://cohere.com/pricing"""


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """Checks model, query and documents; all else is the provider's to judge. Raises Problem 400."""
    fields = checked(body)
    query, documents = value(fields, "query"), value(fields, "documents")
    if not query or not isinstance(query, str | dict):
        raise invalid("query must be a text.", "query")
    if not isinstance(documents, list) or not documents:
        raise invalid("documents must be a non-empty list.", "documents")
    for at, item in enumerate(documents):
        if not isinstance(item, str | dict):
            raise invalid(f"documents.{at} must be a string or an object with text.", f"documents.{at}")
    asked, _ = texts_and_tokens([query], "query")
    texts, _ = texts_and_tokens(documents, "documents")
    searches = -(-len(documents) // SEARCH_UNIT)
    return looked(fields, (*asked, *texts), units={"search_units": searches})


def parse_response(body: bytes) -> Answer:
    """What the answer used. Raises Garbage."""
    fields = top_level(body)
    check_list(fields, "data" if "data" in fields and "results" not in fields else "results")
    return answer_of(_usage(fields))


def _usage(fields: dict[str, Any]) -> Usage | None:
    """Jina and others name ``usage``, Cohere ``meta`` with what it bills: searches, for some models tokens."""
    meta = fields.get("meta")
    billed = meta.get("billed_units") if isinstance(meta, dict) else None
    tally = Tally()
    searches = tally.count(billed.get("search_units")) if isinstance(billed, dict) else 0
    found = input_usage(fields.get("usage")) or input_usage(billed)
    if found is None and isinstance(meta, dict):
        found = input_usage(meta.get("tokens"))
    if not searches:
        return found
    found = found or Usage(Counts(), tally.inconsistent, billed)
    further = msgspec.structs.replace(found.further, units={"search_units": searches})
    return msgspec.structs.replace(found, further=further)


RERANK = Endpoint("rerank", "/rerank", passing("rerank", glance, parse_response))
