"""Citations of Converse -> neutral. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html"""

from __future__ import annotations

from typing import Any

from relay.formats.words import count, items, table, word
from relay.neutral import Citation, Place
from relay.neutral.parts import PlaceKind

_PLACES: dict[str, PlaceKind] = {"documentChar": "char", "documentPage": "page", "documentChunk": "block"}


def parse_citation(raw: dict[str, Any]) -> Citation | None:
    """What one citation says; None where it says nothing."""
    location = table(raw.get("location"))
    quote = "".join(word(piece.get("text")) for piece in items(raw.get("sourceContent")))
    title = word(raw.get("title"))
    url = word(table(location.get("web")).get("url"))
    for name, kind in _PLACES.items():
        if where := table(location.get(name)):
            return Citation(url, title, quote, "", count(where.get("documentIndex")), _place(kind, where))
    return Citation(url, title, quote) if url or title or quote else None


def _place(kind: PlaceKind, where: dict[str, Any]) -> Place | None:
    first, last = count(where.get("start")), count(where.get("end"))
    return None if first is None or last is None else Place(kind, first, last)
