"""Tools whose input is any text, for formats and vendors that only know JSON: a function with one string."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.neutral import Tool, ToolUse

FIELD = "input"

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {FIELD: {"type": "string"}},
    "required": [FIELD],
    "additionalProperties": False,
}

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def as_function(tool: Tool) -> Tool:
    """``tool`` as a function; the grammar is told in its description."""
    if not tool.freeform:
        return tool
    grammar = tool.grammar or {}
    grammar = grammar.get("grammar", grammar)
    definition = grammar.get("definition") if isinstance(grammar, dict) else None
    told = [tool.description, f"The input must fit this grammar:\n{definition}" if definition else ""]
    return Tool(tool.name, "\n\n".join(text for text in told if text), _SCHEMA, cache=tool.cache)


def as_arguments(text: str) -> str:
    """The arguments of such a function for an input."""
    return msgspec.json.encode({FIELD: text}).decode()


def as_text(arguments: str) -> str:
    """The input out of such a function's arguments; as they are when they hold none."""
    try:
        value = _decode(arguments.encode()).get(FIELD)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return arguments
    return value if isinstance(value, str) else arguments


def as_input(call: ToolUse) -> dict[str, Any]:
    """The input of a call: an object here, whatever the model wrote."""
    if call.freeform:
        return {FIELD: call.arguments}
    if not call.arguments.strip():
        return {}
    try:
        return _decode(call.arguments.encode("utf-8", "replace"))
    except (msgspec.MsgspecError, RecursionError):
        return {FIELD: call.arguments}
