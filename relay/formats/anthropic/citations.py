"""Citations of Claude's texts <-> neutral. Source: https://platform.claude.com/docs/en/build-with-claude/citations"""

from __future__ import annotations

from typing import Any

from relay.formats.anthropic.thoughts import OWN
from relay.neutral import Citation, Place
from relay.neutral.parts import PlaceKind

_PLACES: dict[str, tuple[PlaceKind, str, str]] = {
    "char_location": ("char", "start_char_index", "end_char_index"),
    "page_location": ("page", "start_page_number", "end_page_number"),
    "content_block_location": ("block", "start_block_index", "end_block_index"),
}
_KINDS = {place: (kind, first, last) for kind, (place, first, last) in _PLACES.items()}


def parse_citation(raw: object) -> Citation | None:
    """What one citation says; None for what is none."""
    if not isinstance(raw, dict):
        return None
    kind, quote = word(raw.get("type")), word(raw.get("cited_text"))
    document, file = count(raw.get("document_index")), word(raw.get("file_id"))
    if kind in _PLACES and document is not None:
        place, first, last = _PLACES[kind][0], *(count(raw.get(name)) for name in _PLACES[kind][1:])
        where = None if first is None or last is None else Place(place, first, last)
        return Citation("", word(raw.get("document_title")), quote, file, document, where)
    url = word(raw.get("url")) or word(raw.get("source"))  # pages of the web, and results of own searches
    return Citation(url, word(raw.get("title")), quote, file, maker=OWN, raw=dict(raw))


def parse_citations(raw: object) -> tuple[Citation, ...]:
    """All citations of a text."""
    listed = raw if isinstance(raw, list) else ()
    return tuple(found for one in listed if (found := parse_citation(one)) is not None)


def sendable(citation: Citation) -> dict[str, Any] | None:
    """The citation as Claude itself takes it back; None where it did not make it."""
    if citation.maker == OWN and citation.raw is not None:
        # Without the index a page was not cited by Claude: we showed it in this form.
        return citation.raw if citation.raw.get("encrypted_index", "-") else None
    if citation.document is None or citation.place is None:
        return None
    kind, first, last = _KINDS[citation.place.kind]
    body = {"type": kind, "cited_text": citation.quote, "document_index": citation.document}
    titled = {"document_title": citation.title or None, first: citation.place.first, last: citation.place.last}
    return {**body, **titled, **({"file_id": citation.file_id} if citation.file_id else {})}


def shown(citation: Citation, losses: dict[str, None]) -> dict[str, Any] | None:
    """The citation for the caller; None, and a loss, where this format has none for it.

    It covers its whole block here, so that places within the text are lost.
    """
    own = sendable(citation)
    if own is not None:
        return own
    if citation.start is not None or citation.end is not None or not citation.url:
        losses["citations"] = None
    if not citation.url:
        return None
    page = {"url": citation.url, "title": citation.title or None, "cited_text": citation.quote}
    return {"type": "web_search_result_location", **page, "encrypted_index": ""}


def word(value: object) -> str:
    """``value`` if it is text."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int | None:
    """``value`` if it is a whole number from 0."""
    return value if type(value) is int and value >= 0 else None
