"""What the text of an answer rests on <-> citations. Places are counted in bytes here.

Source: https://ai.google.dev/api/generate-content#GroundingMetadata
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from relay.formats.gemini.words import dicts, inner, word
from relay.neutral import Citation

_PLACES = ("web", "maps", "retrievedContext", "image")


def parse_grounding(candidate: dict[str, Any], texts: list[tuple[int, str]]) -> list[tuple[int, Citation]]:
    """The citations of a candidate, each with the position (in ``texts``) of the text that it is of.

    ``texts`` are those of the answer, each with the index of its part.
    """
    if not texts:
        return []
    grounding = inner(candidate, "groundingMetadata")
    chunks = [_source(chunk) for chunk in dicts(grounding.get("groundingChunks"))]
    found: list[tuple[int, Citation]] = []
    used: set[int] = set()
    for support in dicts(grounding.get("groundingSupports")):
        at, start, end = _placed(inner(support, "segment"), texts)
        named = support.get("groundingChunkIndices")
        for index in named if isinstance(named, list) else ():
            if type(index) is int and 0 <= index < len(chunks):
                used.add(index)
                found.append((at, msgspec.structs.replace(chunks[index], start=start, end=end)))
    found += [(len(texts) - 1, chunk) for index, chunk in enumerate(chunks) if index not in used]
    return [(at, citation) for at, citation in (*found, *_quoted(candidate, texts)) if citation != Citation()]


def _source(chunk: dict[str, Any]) -> Citation:
    place: dict[str, Any] = next((chunk[name] for name in _PLACES if isinstance(chunk.get(name), dict)), {})
    return Citation(word(place.get("uri")) or word(place.get("sourceUri")), word(place.get("title")),
                    word(place.get("text")))  # fmt: skip


def _quoted(candidate: dict[str, Any], texts: list[tuple[int, str]]) -> Iterator[tuple[int, Citation]]:
    """Works that the text repeats word for word."""
    metadata = inner(candidate, "citationMetadata")
    for item in (*dicts(metadata.get("citations")), *dicts(metadata.get("citationSources"))):
        at, start, end = _placed(item, texts)
        yield at, Citation(word(item.get("uri")), word(item.get("title")), start=start, end=end)


def _placed(segment: dict[str, Any], texts: list[tuple[int, str]]) -> tuple[int, int | None, int | None]:
    """Which text, and where in it; no place where there is none to be found."""
    start, end, part = (segment.get(name, 0) for name in ("startIndex", "endIndex", "partIndex"))
    said = word(segment.get("text"))
    last = len(texts) - 1
    at = next((at for at, (index, _) in enumerate(texts) if index == part), last)
    if type(start) is int and type(end) is int and 0 <= start < end:
        data = texts[at][1].encode("utf-8", "replace")
        piece = data[start:end].decode("utf-8", "ignore")
        if end <= len(data) and (not said or piece == said):
            first = len(data[:start].decode("utf-8", "ignore"))
            return at, first, first + len(piece)
    for at, (_, text) in enumerate(texts) if said else ():
        if (first := text.find(said)) >= 0:
            return at, first, first + len(said)
    return last, None, None


def render_grounding(cited: list[tuple[int, str, Citation]], losses: dict[str, None]) -> dict[str, Any] | None:
    """The metadata for citations, each with the index of its part and its text; None where there are none.

    Only pages of the web have a form here.
    """
    chunks: list[dict[str, Any]] = []
    supports: list[dict[str, Any]] = []
    for index, text, citation in cited:
        if not citation.url:
            losses["citations"] = None
            continue
        page = {"web": {"uri": citation.url, "title": citation.title}}
        if page not in chunks:
            chunks.append(page)
        segment = _segment(index, text, citation)
        supports.append({"segment": segment, "groundingChunkIndices": [chunks.index(page)]})
    return {"groundingChunks": chunks, "groundingSupports": supports} if chunks else None


def _segment(index: int, text: str, citation: Citation) -> dict[str, Any]:
    start = citation.start or 0
    end = len(text) if citation.end is None else citation.end
    first = len(text[:start].encode("utf-8", "replace"))
    said = text[start:end]
    part = {"partIndex": index} if index else {}
    return {**part, "startIndex": first, "endIndex": first + len(said.encode("utf-8", "replace")), "text": said}
