"""Tools and tool choice of Responses <-> neutral.

Source: https://platform.openai.com/docs/api-reference/responses/create#responses-create-tools
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, cast

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import Fields, not_carried
from relay.formats.openai_responses.citations import FORMAT_NAME
from relay.formats.openai_responses.offered import joined
from relay.formats.openai_responses.parts import needed
from relay.neutral import Request, ServerTool, Tool, ToolChoice


def parse_tools(fields: Fields) -> tuple[Tool | ServerTool, ...]:
    """``tools``: the caller's functions and custom tools, also in namespaces; all others are run by OpenAI."""
    found: list[Tool | ServerTool] = []
    for item in fields.items("tools"):
        kind = needed(item, "type")
        found += _spaced(item) if kind == "namespace" else [_tool(item, kind)]
    return tuple(found)


def _spaced(fields: Fields) -> Iterator[Tool]:
    """The tools of a namespace, whose description stands at the first of them."""
    space, told = needed(fields, "name"), fields.text("description") or ""
    for item in fields.items("tools"):
        kind = needed(item, "type")
        tool = _tool(item, kind)
        if not isinstance(tool, Tool):
            raise not_carried(f"A tool of the type {kind!r} in a namespace is", item.path)
        description = f"{space}: {told}\n\n{tool.description}" if told else tool.description
        yield msgspec.structs.replace(tool, name=joined(space, tool.name), description=description)
        told = ""
    fields.drop_rest()


def _tool(fields: Fields, kind: str) -> Tool | ServerTool:
    if kind not in ("function", "custom"):
        return ServerTool(FORMAT_NAME, kind, {"type": kind, **fields.whole()})
    name, description = needed(fields, "name"), fields.text("description") or ""
    if kind == "custom":
        tool = Tool(name, description, freeform=True, grammar=_grammar(fields))
    else:
        # False is what holds in all other formats when nothing is said; here that would be "if possible".
        tool = Tool(name, description, fields.object("parameters"), fields.flag("strict") or None)
    fields.drop_rest()
    return tool


def _grammar(fields: Fields) -> dict[str, Any] | None:
    format = fields.inner("format")
    if format is None or format.text("type") != "grammar":
        return None
    inner = {"definition": needed(format, "definition"), "syntax": needed(format, "syntax")}
    return {"type": "grammar", "grammar": inner}


def parse_choice(fields: Fields, tools: tuple[Tool | ServerTool, ...], losses: dict[str, None]) -> ToolChoice | None:
    """``tool_choice``."""
    value = fields.take("tool_choice")
    if value is None:
        return None
    if isinstance(value, str):
        if value not in ("auto", "none", "required"):
            raise invalid("tool_choice must be auto, none, required, or an object.", "tool_choice")
        return ToolChoice(cast(Literal["auto", "none", "required"], value))
    choice = Fields({"tool_choice": value}, "", losses).inner("tool_choice")
    assert choice is not None
    if choice.text("type") == "allowed_tools":
        mode: Literal["auto", "required"] = "required" if choice.text("mode") == "required" else "auto"
        return ToolChoice(mode, tuple(_name(item, item.text("type") or "") for item in choice.items("tools")))
    whole = {"type": cast(dict[str, Any], value).get("type"), **choice.whole()}
    name = _name(Fields(whole, "tool_choice", losses), str(whole["type"] or ""))
    if name not in {tool.name for tool in tools}:
        raise not_carried(f"The tool choice {name!r} is", "tool_choice")
    return ToolChoice("named", (name,))


def _name(fields: Fields, kind: str) -> str:
    name = fields.text("name")
    if name is None and kind in ("function", "custom", ""):
        raise invalid(f"{fields.path}.name must be a string.", f"{fields.path}.name")
    return kind if name is None or kind == "mcp" else name


def render_tools(request: Request, losses: dict[str, None]) -> dict[str, Any]:
    """The fields about tools."""
    body: dict[str, Any] = {}
    for tool in request.tools:
        if isinstance(tool, ServerTool) and tool.format != FORMAT_NAME:
            raise not_carried(f"The tool {tool.name}, which its vendor runs, is", "tools")
        if isinstance(tool, Tool) and tool.cache is not None:
            losses["cache_control"] = None
    if request.tools:
        body["tools"] = [_rendered(tool) for tool in request.tools]
        if request.parallel_tools is not None:
            body["parallel_tool_calls"] = request.parallel_tools
    choice = request.tool_choice
    if choice is not None and (request.tools or choice.mode == "none"):
        body["tool_choice"] = _choice(choice, request.tools)
    return body


def _rendered(tool: Tool | ServerTool) -> dict[str, Any]:
    if isinstance(tool, ServerTool):
        return tool.raw
    described = {"name": tool.name, **({"description": tool.description} if tool.description else {})}
    if not tool.freeform:
        return {"type": "function", **described, "parameters": tool.schema, "strict": tool.strict or False}
    grammar = tool.grammar or {}
    inner = grammar.get("grammar", grammar)
    format = {"format": {"type": "grammar", **inner}} if isinstance(inner, dict) and inner else {}
    return {"type": "custom", **described, **format}


def _choice(choice: ToolChoice, tools: tuple[Tool | ServerTool, ...]) -> str | dict[str, Any]:
    if not choice.names:
        return choice.mode
    named = [_reference(name, tools) for name in choice.names]
    return named[0] if choice.mode == "named" else {"type": "allowed_tools", "mode": choice.mode, "tools": named}


def _reference(name: str, tools: tuple[Tool | ServerTool, ...]) -> dict[str, Any]:
    tool = next((tool for tool in tools if tool.name == name), None)
    if isinstance(tool, ServerTool):
        return {key: tool.raw[key] for key in ("type", "server_label") if key in tool.raw}
    return {"type": "custom" if tool is not None and tool.freeform else "function", "name": name}
