"""Claude's tools and tool choice <-> neutral.

Sources: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools,
https://platform.claude.com/docs/en/build-with-claude/structured-outputs (strict)
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats import freeform
from relay.formats.anthropic.parts import cache_mark, needed, render_cache
from relay.formats.anthropic.thoughts import OWN
from relay.formats.fields import Fields, not_carried
from relay.formats.schema import for_claude, for_strict
from relay.neutral import Request, ServerTool, Tool, ToolChoice, ToolUse
from relay.neutral.tools import ToolMode

_MODES: dict[str, ToolMode] = {"auto": "auto", "any": "required", "none": "none", "tool": "named"}
_TYPES = {mode: kind for kind, mode in _MODES.items()}

_TOPMOST = ("anyOf", "oneOf", "allOf")
"""What Claude refuses at the top of a tool's schema."""

_ANY: dict[str, Any] = {"type": "object", "properties": {}}

_NONE = (_ANY, {**_ANY, "additionalProperties": False}, {**_ANY, "required": []})
"""Schemas of tools without arguments."""


def json_text(value: dict[str, Any]) -> str:
    """An object as JSON text."""
    return msgspec.json.encode(value).decode("utf-8", "replace")


def parse_tools(fields: Fields) -> tuple[Tool | ServerTool, ...]:
    """All tools: the caller's own, and those that Claude's makers define."""
    return tuple(_tool(item) for item in fields.items("tools"))


def _tool(fields: Fields) -> Tool | ServerTool:
    kind = fields.text("type") or "custom"
    if kind != "custom":
        raw = {"type": kind, **fields.whole()}
        return ServerTool(OWN, str(raw.get("name") or kind), raw)
    schema = fields.object("input_schema")
    strict = fields.flag("strict")
    if strict and not fits_strict(schema):
        fields.lose("strict")
        strict = None
    if schema in _NONE:
        schema = None
    name, described = needed(fields, "name"), fields.text("description") or ""
    tool = Tool(name, described, schema, strict, cache=cache_mark(fields))
    fields.drop_rest()
    return tool


def fits_strict(schema: dict[str, Any] | None) -> bool:
    """True where other vendors' strict modes, which know no optional fields, take the schema as it is."""
    return schema is not None and for_strict(schema).schema == schema


def parse_choice(fields: Fields) -> tuple[ToolChoice | None, bool | None]:
    """``tool_choice``, and whether several tools may be called at once."""
    choice = fields.inner("tool_choice")
    if choice is None:
        return None, None
    mode = _MODES.get(choice.text("type") or "")
    if mode is None:
        raise invalid("tool_choice.type must be auto, any, tool, or none.", "tool_choice.type")
    names = (needed(choice, "name"),) if mode == "named" else ()
    parallel = False if choice.flag("disable_parallel_tool_use") else None
    choice.drop_rest()
    return ToolChoice(mode, names), parallel


def render_tools(request: Request, losses: dict[str, None]) -> dict[str, Any]:
    """The fields about tools."""
    choice, listed = request.tool_choice, list(request.tools)
    if choice is not None and choice.names and choice.mode != "named":
        listed = [tool for tool in listed if tool.name in choice.names]  # leaves the same ones to choose from
        choice = ToolChoice(choice.mode)
    rendered = [_rendered(tool, losses) for tool in listed]
    if not rendered:
        rendered = _called_before(request)
        choice = ToolChoice("none") if rendered else None
    body: dict[str, Any] = {"tools": rendered} if rendered else {}
    if rendered and (choice is not None or request.parallel_tools is False):
        body["tool_choice"] = _choice(choice or ToolChoice("auto"), request.parallel_tools)
    return body


def forced(request: Request) -> bool:
    """True where a tool must be called."""
    return bool(request.tools) and request.tool_choice is not None and request.tool_choice.mode in ("required", "named")


def _called_before(request: Request) -> list[dict[str, Any]]:
    """Tools that were called in earlier turns: Claude wants them declared, also where none may be called any more."""
    parts = (part for turn in request.messages for part in turn.parts)
    names = dict.fromkeys(part.name for part in parts if isinstance(part, ToolUse))
    return [{"name": name, "input_schema": _ANY} for name in names]


def _rendered(tool: Tool | ServerTool, losses: dict[str, None]) -> dict[str, Any]:
    if isinstance(tool, ServerTool):
        if tool.format != OWN:
            raise not_carried(f"The tool {tool.name}, which its vendor runs, is", "tools")
        return tool.raw
    if tool.grammar is not None:
        losses["grammar"] = None
    tool = freeform.as_function(tool)
    body: dict[str, Any] = {"name": tool.name}
    if tool.description:
        body["description"] = tool.description
    body["input_schema"] = _schema(tool, losses)
    if tool.strict:
        body["strict"] = True
    return {**body, **render_cache(tool.cache, losses)}


def _schema(tool: Tool, losses: dict[str, None]) -> dict[str, Any]:
    """The schema of the input: an object, and for strict tools in Claude's dialect."""
    schema = tool.schema or _ANY
    for name in _TOPMOST:
        if name in schema:
            losses[f"tools.{tool.name}.{name}"] = None
    schema = {"type": "object", **{name: value for name, value in schema.items() if name not in _TOPMOST}}
    if not tool.strict:
        return schema
    reduced = for_claude(schema)
    losses.update((f"tools.{tool.name}.{path}", None) for path in reduced.changes)
    return reduced.schema


def _choice(choice: ToolChoice, parallel: bool | None) -> dict[str, Any]:
    body: dict[str, Any] = {"type": _TYPES[choice.mode]}
    if choice.mode == "named":
        body["name"] = choice.names[0]
    if parallel is False and choice.mode != "none":
        body["disable_parallel_tool_use"] = True
    return body
