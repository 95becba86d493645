"""How the answer names the caller's tools: custom ones have calls of their own form, those in a namespace two names.

Other formats know one name per tool, so a namespace stands in front of it there.
Source: https://platform.openai.com/docs/guides/function-calling
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_FORM = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Names that every vendor takes."""

_tools = msgspec.json.Decoder(list[dict[str, Any]] | None).decode


class Offered(msgspec.Struct, frozen=True, gc=False):
    """``custom``: names of tools whose input is any text; ``spaced``: namespace and name by the one name."""

    custom: frozenset[str] = frozenset()
    spaced: dict[str, tuple[str, str]] = {}


NOTHING = Offered()


def joined(space: str, name: str) -> str:
    """The one name of a tool in a namespace."""
    whole = f"{space}__{name}"
    if _FORM.fullmatch(whole):
        return whole
    digest = hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{re.sub('[^A-Za-z0-9_-]', '_', name)[:51]}_{digest}"


def offered(fields: Mapping[str, msgspec.Raw]) -> Offered:
    """The tools of a request that was read already, so that it has its form."""
    raw = fields.get("tools")
    if raw is None or not any(kind in bytes(raw) for kind in (b'"custom"', b'"namespace"')):
        return NOTHING
    custom: set[str] = set()
    spaced: dict[str, tuple[str, str]] = {}
    for space, tool in _each(_tools(raw) or []):
        name = str(tool.get("name"))
        if space:
            spaced[joined(space, name)] = space, name
        if tool.get("type") == "custom":
            custom.add(joined(space, name) if space else name)
    return Offered(frozenset(custom), spaced)


def _each(tools: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each tool and its namespace, if it is in one."""
    for tool in tools:
        if tool.get("type") == "namespace":
            yield from ((str(tool.get("name")), inner) for inner in tool.get("tools") or ())
        else:
            yield "", tool
