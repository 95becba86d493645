"""JSON schemas cut down to what a vendor takes. Every cut is named; a change of wording alone is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from relay.neutral.value import Value

MAX_NODES = 5_000
"""Subschemas of one schema: references to references can make a small text enormous."""

MAX_DEPTH = 32
"""Levels; references that run in circles end here at the latest."""

_GEMINI = frozenset(
    ("type", "format", "title", "description", "nullable", "enum", "items", "maxItems", "minItems", "properties",
     "required", "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf",
     "propertyOrdering", "default", "minimum", "maximum")
)  # fmt: skip
"""https://ai.google.dev/api/caching#Schema"""

_GEMINI_FORMATS = frozenset(("float", "double", "int32", "int64", "enum", "date-time"))

_STRICT = frozenset(
    ("type", "title", "description", "enum", "const", "anyOf", "properties", "required", "items",
     "additionalProperties", "$ref", "$defs", "definitions", "pattern", "format", "multipleOf", "maximum",
     "exclusiveMaximum", "minimum", "exclusiveMinimum", "minItems", "maxItems", "default")
)  # fmt: skip
"""https://platform.openai.com/docs/guides/structured-outputs#supported-schemas"""

_CLAUDE = frozenset(
    ("type", "title", "description", "enum", "const", "anyOf", "allOf", "properties", "required", "items",
     "additionalProperties", "$ref", "$defs", "definitions", "default", "pattern")
)  # fmt: skip
"""https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations"""

_CLAUDE_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)

_NOTES = frozenset(("$schema", "$id", "$comment", "$anchor", "examples", "deprecated", "readOnly", "writeOnly"))
"""What says nothing about which values fit."""


_Seen = tuple[str, ...]
"""References on the way from the root."""


class Reduced(Value, frozen=True):
    """A schema, and the paths of what it lost (``properties.size.exclusiveMinimum``)."""

    schema: dict[str, Any]
    changes: tuple[str, ...] = ()


def for_gemini(schema: dict[str, Any]) -> Reduced:
    """``schema`` in Gemini's dialect: references written out, lists of types as ``nullable`` or ``anyOf``."""
    walk = _Walk(schema)
    return Reduced(walk.gemini(schema, "", ()), tuple(walk.changes))


def for_strict(schema: dict[str, Any]) -> Reduced:
    """``schema`` as strict modes want it: every object closed, every property required, optional ones nullable."""
    walk = _Walk(schema)
    return Reduced(walk.strict(schema, "", 0), tuple(walk.changes))


def for_claude(schema: dict[str, Any]) -> Reduced:
    """``schema`` as Claude's strict modes take it: every object closed, optional properties stay so."""
    walk = _Walk(schema)
    return Reduced(walk.claude(schema, "", 0), tuple(walk.changes))


@dataclass(slots=True)
class _Walk:
    """One way through a schema."""

    root: dict[str, Any]
    nodes: int = 0
    depth: int = 0
    changes: dict[str, None] = field(default_factory=dict)

    def lose(self, path: str, name: str) -> None:
        """Notes what is left out."""
        self.changes[f"{path}.{name}" if path else name] = None

    def gemini(self, node: Any, path: str, seen: _Seen) -> dict[str, Any]:
        """One subschema in Gemini's dialect."""
        self.nodes += 1
        if not isinstance(node, dict):
            if node is not True:
                self.lose(path, "false")
            return {}
        if self.nodes > MAX_NODES or self.depth > MAX_DEPTH:
            self.lose(path, "depth")
            return {"type": "OBJECT"}
        self.depth += 1
        node, seen = self._resolved(node, path, seen)
        node = self._merged(node, path)
        out = self._kept(node, path)
        self._typed(node, out)
        several = "anyOf" in out
        self._nested(node, out, path, lambda value, at: self.gemini(value, at, seen))
        if several:
            _dealt(out)
        self.depth -= 1
        return out

    def _resolved(self, node: dict[str, Any], path: str, seen: _Seen) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The node with its reference written out; a circle ends in "any object"."""
        while isinstance(node.get("$ref"), str):
            ref = node["$ref"]
            target = self._target(ref)
            if target is None or ref in seen:
                self.lose(path, "$ref")
                return {**_without(node, "$ref"), "type": "object"}, seen
            node, seen = {**target, **_without(node, "$ref")}, (*seen, ref)
        return node, seen

    def _target(self, ref: str) -> dict[str, Any] | None:
        found: Any = self.root
        for name in ref.removeprefix("#").split("/"):
            if name:
                found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        return found if isinstance(found, dict) and ref.startswith("#") else None

    def _merged(self, node: dict[str, Any], path: str) -> dict[str, Any]:
        """``allOf`` joined into the node; ``oneOf`` read as ``anyOf``, ``const`` as an ``enum`` of one."""
        waiting = list(_list(node.get("allOf")))
        while waiting and self.nodes <= MAX_NODES:
            part = waiting.pop(0)
            self.nodes += 1
            if isinstance(part, dict):
                part, _ = self._resolved(part, path, ())
                waiting += _list(part.get("allOf"))
                joined = {**_dict(node.get("properties")), **_dict(part.get("properties"))}
                required = [*_names(node.get("required")), *_names(part.get("required"))]
                node = {**part, **node, **({"properties": joined} if joined else {})}
                node = {**node, **({"required": list(dict.fromkeys(required))} if required else {})}
        node = _without(node, "allOf")
        if "oneOf" in node:
            self.lose(path, "oneOf")
            node = {**_without(node, "oneOf"), "anyOf": [*_list(node.get("anyOf")), *_list(node["oneOf"])]}
        return {**_without(node, "const"), "enum": [node["const"]]} if "const" in node else node

    def _kept(self, node: dict[str, Any], path: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, value in node.items():
            if name in ("type", "properties", "items", "anyOf", "enum", "$defs", "definitions", "$ref"):
                continue
            if name in _GEMINI and (name != "format" or value in list(_GEMINI_FORMATS)):
                out[name] = value
            elif name not in _NOTES and not (name == "additionalProperties" and value is True):
                self.lose(path, name)
        if isinstance(node.get("enum"), list):
            self._enumerated(node["enum"], out, path)
        return out

    def _enumerated(self, values: list[Any], out: dict[str, Any], path: str) -> None:
        """Gemini's lists of values hold strings only."""
        texts = [value for value in values if isinstance(value, str) and value]
        if None in values:
            out["nullable"] = True
        if texts:
            out["enum"] = texts
        if len(texts) + values.count(None) < len(values):
            self.lose(path, "enum")

    def _typed(self, node: dict[str, Any], out: dict[str, Any]) -> None:
        listed = node.get("type")
        kinds = [kind for kind in (listed if isinstance(listed, list) else [listed]) if isinstance(kind, str)]
        if "null" in kinds and len(kinds) > 1:
            out["nullable"] = True
            kinds.remove("null")
        if not kinds and "properties" in node:
            kinds = ["object"]
        if not kinds and isinstance(node.get("items"), dict):
            kinds = ["array"]
        if not kinds and "enum" in out:
            kinds = ["string"]
        if len(kinds) == 1:
            out["type"] = kinds[0].upper()
        elif kinds:
            out["anyOf"] = [{"type": kind.upper()} for kind in kinds]

    def _nested(self, node: dict[str, Any], out: dict[str, Any], path: str, walk: Callable[[Any, str], Any]) -> None:
        if isinstance(node.get("properties"), dict):
            inner = {name: walk(value, _at(path, f"properties.{name}")) for name, value in node["properties"].items()}
            if inner:  # Gemini refuses empty objects of properties
                out["properties"] = inner
            required = [name for name in _names(node.get("required")) if name in inner]
            out.pop("required", None)
            if required:
                out["required"] = required
        if isinstance(node.get("items"), dict):
            out["items"] = walk(node["items"], _at(path, "items"))
        elif out.get("type") == "ARRAY":
            out["items"] = {}
        if isinstance(node.get("anyOf"), list):
            self._alternatives(node["anyOf"], out, path, walk)

    def _alternatives(self, nodes: list[Any], out: dict[str, Any], path: str, walk: Callable[[Any, str], Any]) -> None:
        """``anyOf`` with null is nullable; a single alternative is no alternative."""
        real = [value for value in nodes if not (isinstance(value, dict) and value.get("type") == "null")]
        if len(real) < len(nodes):
            out["nullable"] = True
        walked = [walk(value, _at(path, f"anyOf.{at}")) for at, value in enumerate(real)]
        if len(walked) == 1:
            out.update({**walked[0], **out})
        elif walked:
            out["anyOf"] = walked

    def strict(self, node: Any, path: str, depth: int) -> Any:
        """One subschema for a strict mode."""
        self.nodes += 1
        if not isinstance(node, dict):
            return node
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            self.lose(path, "depth")
            return {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
        out: dict[str, Any] = {}
        for name, value in node.items():
            if name in _STRICT:
                out[name] = value
            elif name not in _NOTES:
                self.lose(path, name)
        for name in ("$defs", "definitions"):
            if isinstance(out.get(name), dict):
                out[name] = {key: self.strict(value, path, depth + 1) for key, value in out[name].items()}
        if isinstance(out.get("items"), dict):
            out["items"] = self.strict(out["items"], _at(path, "items"), depth + 1)
        if isinstance(out.get("anyOf"), list):
            out["anyOf"] = [
                self.strict(value, _at(path, f"anyOf.{at}"), depth + 1) for at, value in enumerate(out["anyOf"])
            ]
        if "properties" in out or out.get("type") == "object":
            self._closed(out, path, depth)
        return out

    def _closed(self, out: dict[str, Any], path: str, depth: int) -> None:
        if out.get("additionalProperties") not in (None, False):
            self.lose(path, "additionalProperties")
        required, inner = _names(out.get("required")), dict[str, Any]()
        for name, value in _dict(out.get("properties")).items():
            walked = self.strict(value, _at(path, f"properties.{name}"), depth + 1)
            inner[name] = walked if name in required else _nullable(walked)
        out["properties"], out["required"] = inner, list(inner)
        out["additionalProperties"] = False

    def claude(self, node: Any, path: str, depth: int) -> Any:
        """One subschema for Claude. Bounds and lengths are left out: it refuses them."""
        self.nodes += 1
        if not isinstance(node, dict):
            return node
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            self.lose(path, "depth")
            return {"type": "object", "properties": {}, "additionalProperties": False}
        if "oneOf" in node:
            self.lose(path, "oneOf")
            node = {**_without(node, "oneOf"), "anyOf": [*_list(node.get("anyOf")), *_list(node["oneOf"])]}
        out: dict[str, Any] = {}
        for name, value in node.items():
            if name in _CLAUDE or _taken_by_claude(name, value):
                out[name] = self._inner(name, value, path, depth + 1)
            elif name not in _NOTES:
                self.lose(path, name)
        if "properties" in out or out.get("type") == "object":
            if out.get("additionalProperties") not in (None, False):
                self.lose(path, "additionalProperties")
            out["additionalProperties"] = False
        return out

    def _inner(self, name: str, value: Any, path: str, depth: int) -> Any:
        """The subschemas in a keyword's value, for Claude."""
        if name in ("$defs", "definitions", "properties") and isinstance(value, dict):
            return {key: self.claude(inner, _at(path, f"{name}.{key}"), depth) for key, inner in value.items()}
        if name in ("anyOf", "allOf") and isinstance(value, list):
            return [self.claude(inner, _at(path, f"{name}.{at}"), depth) for at, inner in enumerate(value)]
        return self.claude(value, _at(path, "items"), depth) if name == "items" else value


def _taken_by_claude(name: str, value: Any) -> bool:
    if name == "format":
        return value in list(_CLAUDE_FORMATS)
    return name == "minItems" and value in (0, 1)


def _nullable(node: Any) -> Any:
    """What was optional may be null instead of missing."""
    if isinstance(node, dict) and isinstance(node.get("type"), str) and "enum" not in node and "const" not in node:
        return node if node["type"] == "null" else {**node, "type": [node["type"], "null"]}
    if isinstance(node, dict) and isinstance(node.get("type"), list) and "enum" not in node:
        return node if "null" in node["type"] else {**node, "type": [*node["type"], "null"]}
    return {"anyOf": [node, {"type": "null"}]}


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _without(node: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != name}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(value: object) -> list[str]:
    return [name for name in _list(value) if isinstance(name, str)]


_OF_KIND = {"ARRAY": ("items", "minItems", "maxItems"), "OBJECT": ("properties", "required"), "STRING": ("enum",)}
"""What Gemini takes beside one type only."""


def _dealt(out: dict[str, Any]) -> None:
    """Gives each of several types what is only allowed with it."""
    for alternative in out["anyOf"]:
        for name in _OF_KIND.get(alternative.get("type"), ()):
            if name in out and name not in alternative:
                alternative[name] = out[name]
        if alternative == {"type": "ARRAY"}:
            alternative["items"] = {}
    for name in (name for names in _OF_KIND.values() for name in names):
        out.pop(name, None)
