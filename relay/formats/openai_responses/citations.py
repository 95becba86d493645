"""Annotations of output text <-> citations; log probabilities of its tokens.

Source: https://platform.openai.com/docs/api-reference/responses/object#responses/object-output
"""

from __future__ import annotations

from typing import Any

from relay.neutral import Citation, Logprob

FORMAT_NAME = "openai_responses"


def parse_annotation(raw: object) -> Citation | None:
    """What one annotation says; None for what is none."""
    if not isinstance(raw, dict):
        return None
    start, end = (raw.get(name) if type(raw.get(name)) is int else None for name in ("start_index", "end_index"))
    title = word(raw.get("title")) or word(raw.get("filename"))
    if raw.get("type") == "url_citation":
        return Citation(word(raw.get("url")), title, start=start, end=end)
    return Citation(
        title=title, file_id=word(raw.get("file_id")), start=start, end=end, maker=FORMAT_NAME, raw=dict(raw)
    )


def render_annotation(citation: Citation, text: str, losses: dict[str, None]) -> dict[str, Any] | None:
    """The annotation for ``text``; None where this format has none for it, which is a loss."""
    if citation.maker == FORMAT_NAME and citation.raw is not None:
        return citation.raw
    if not citation.url:
        losses["citations"] = None
        return None
    start = 0 if citation.start is None else citation.start
    end = len(text) if citation.end is None else citation.end
    span = {"start_index": start, "end_index": end}
    return {"type": "url_citation", "url": citation.url, "title": citation.title, **span}


def parse_logprobs(raw: object) -> tuple[Logprob, ...]:
    """Tokens and how likely they were; deltas leave out the bytes, which are the token's."""
    found = []
    for one in raw if isinstance(raw, list) else ():
        logprob = _logprob(one)
        if logprob is not None:
            top = [_logprob(other) for other in one.get("top_logprobs") or () if isinstance(other, dict)]
            token, value, octets = logprob
            found.append(Logprob(token, value, octets, tuple(Logprob(*other) for other in top if other)))
    return tuple(found)


def _logprob(raw: object) -> tuple[str, float, tuple[int, ...] | None] | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("token"), str):
        return None
    token, value, octets = raw["token"], raw.get("logprob"), raw.get("bytes")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(octets, list) and all(type(octet) is int for octet in octets):
        return token, float(value), tuple(octets)
    # Tokens that are no whole characters are written as bytes:\xe2\x80.
    return token, float(value), None if token.startswith("bytes:") else tuple(token.encode("utf-8", "replace"))


def render_logprobs(logprobs: tuple[Logprob, ...]) -> list[dict[str, Any]]:
    """The tokens of a text."""
    return [{**_rendered(one), "top_logprobs": [_rendered(other) for other in one.top]} for one in logprobs]


def _rendered(one: Logprob) -> dict[str, Any]:
    octets = one.token.encode("utf-8", "replace") if one.bytes is None else one.bytes
    return {"token": one.token, "bytes": list(octets), "logprob": one.logprob}


def word(value: object) -> str:
    """``value`` if it is text."""
    return value if isinstance(value, str) else ""
