"""Gemini's dialect of schemas -> JSON schema; the other way is ``relay/formats/schema.py``.

Source: https://ai.google.dev/api/caching#Schema
"""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 64
"""Levels below which nothing is read."""

_TYPES = frozenset(("string", "number", "integer", "boolean", "array", "object", "null"))

_CAMEL = {
    "max_items": "maxItems",
    "min_items": "minItems",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "min_length": "minLength",
    "max_length": "maxLength",
    "any_of": "anyOf",
    "property_ordering": "propertyOrdering",
    "additional_properties": "additionalProperties",
}

_COUNTS = frozenset(("maxItems", "minItems", "minProperties", "maxProperties", "minLength", "maxLength"))
"""64-bit numbers, which Google's JSON writes as text."""


def json_schema(node: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """``node`` as JSON schema: small types, null as a type of its own."""
    out: dict[str, Any] = {}
    for key, value in node.items():
        name = _CAMEL.get(key, key)
        if value is None or name in ("propertyOrdering", "nullable") or (name == "format" and value == "enum"):
            continue
        if name == "example":
            out["examples"] = [value]
        elif name in _COUNTS and isinstance(value, str) and value.isdecimal() and value.isascii():
            out[name] = int(value[:15])
        else:
            out[name] = _inner(name, value, depth)
    kind = out.get("type")
    if isinstance(kind, str):
        out["type"] = kind.lower() if kind.lower() in _TYPES else kind
        if kind == "TYPE_UNSPECIFIED":
            del out["type"]
    return _nullable(out) if node.get("nullable") is True else out


def _inner(name: str, value: Any, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return value
    if name == "properties" and isinstance(value, dict):
        return {key: _node(inner, depth) for key, inner in value.items()}
    if name == "anyOf" and isinstance(value, list):
        return [_node(inner, depth) for inner in value]
    return _node(value, depth) if name in ("items", "additionalProperties") else value


def _node(value: Any, depth: int) -> Any:
    return json_schema(value, depth + 1) if isinstance(value, dict) else value


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(node.get("type"), str):
        return {"anyOf": [node, {"type": "null"}]}
    node = {**node, "type": [node["type"], "null"]}
    return {**node, "enum": [*node["enum"], None]} if isinstance(node.get("enum"), list) else node
