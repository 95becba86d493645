"""Answers of several requests as one with as many candidates: some models make one thing a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from relay.formats.format import Garbage
from relay.volley import Came

_encode = msgspec.json.Encoder().encode


class _One(msgspec.Struct, omit_defaults=True):
    """One answer, its candidates unread: they may have megabytes."""

    candidates: list[dict[str, msgspec.Raw]] = []
    usageMetadata: dict[str, Any] = {}
    promptFeedback: msgspec.Raw = msgspec.Raw()


_one = msgspec.json.Decoder(_One).decode


def joined(came: Sequence[Came]) -> bytes:
    """One body, counts summed. What is no answer is left out. Raises Garbage where nothing is one."""
    found = [one for each in came if (one := _read(each.body)) is not None]
    if not found:
        raise Garbage("The provider's answer has no candidates.")
    candidates = [candidate for one in found for candidate in one.candidates]
    numbered = [{**candidate, "index": at} for at, candidate in enumerate(candidates)]
    body: dict[str, Any] = {"candidates": numbered, "usageMetadata": _summed([one.usageMetadata for one in found])}
    return _encode(body if candidates else {"promptFeedback": found[0].promptFeedback})


def _read(body: bytes) -> _One | None:
    try:
        one = _one(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return one if one.candidates or bytes(one.promptFeedback) else None


def _summed(usages: list[dict[str, Any]]) -> dict[str, Any]:
    """Numbers are added, lists of details put behind each other."""
    total: dict[str, Any] = {}
    for usage in usages:
        for name, value in usage.items():
            addable = type(value) in (int, list) and type(total.get(name)) is type(value)
            total[name] = total[name] + value if addable else value
    return total
