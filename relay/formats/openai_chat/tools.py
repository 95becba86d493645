"""Tools and tool choice of OpenAI chat <-> neutral.

Source: https://platform.openai.com/docs/api-reference/chat/create#chat-create-tools
"""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec

from openopen8.core.errors import invalid
from relay.formats import freeform
from relay.formats.fields import Fields, not_carried
from relay.formats.openai_chat.parts import cache_mark, inner_of, needed
from relay.neutral import Request, ServerTool, Tool, ToolChoice

FORMAT_NAME = "openai_chat"


def parse_tools(fields: Fields) -> tuple[Tool | ServerTool, ...]:
    """``tools``, the older ``functions``, and web search, which has a field of its own."""
    found: list[Tool | ServerTool] = [_tool(item) for item in fields.items("tools")]
    found += [_function(item) for item in fields.items("functions")]
    search = fields.object("web_search_options")
    if search is not None:
        found.append(ServerTool(FORMAT_NAME, "web_search", search))
    return tuple(found)


def _tool(fields: Fields) -> Tool:
    kind = fields.text("type") or "function"
    if kind not in ("function", "custom"):
        raise not_carried(f"A tool of the type {kind!r} is", fields.path)
    cache = cache_mark(fields)
    tool = _function(inner_of(fields, "function")) if kind == "function" else _custom(inner_of(fields, "custom"))
    fields.drop_rest()
    return msgspec.structs.replace(tool, cache=cache) if cache else tool


def _function(fields: Fields) -> Tool:
    tool = Tool(
        needed(fields, "name"),
        fields.text("description") or "",
        fields.object("parameters"),
        fields.flag("strict"),
    )
    fields.drop_rest()
    return tool


def _custom(fields: Fields) -> Tool:
    format = fields.object("format")
    grammar = format if format and format.get("type") != "text" else None
    tool = Tool(needed(fields, "name"), fields.text("description") or "", freeform=True, grammar=grammar)
    fields.drop_rest()
    return tool


def parse_choice(fields: Fields) -> ToolChoice | None:
    """``tool_choice``, or the older ``function_call``."""
    for name in ("tool_choice", "function_call"):
        value = fields.take(name)
        if isinstance(value, str):
            if value not in ("auto", "none", "required"):
                raise invalid(f"{name} must be auto, none, required, or an object.", name)
            return ToolChoice(cast(Literal["auto", "none", "required"], value))
        if value is not None:
            return _named(fields.as_object(name, value))
    return None


def _named(fields: Fields) -> ToolChoice:
    kind = fields.text("type") or ""
    if kind == "allowed_tools":
        inner = inner_of(fields, "allowed_tools")
        mode = "required" if inner.text("mode") == "required" else "auto"
        names = tuple(_name(item) for item in inner.items("tools"))
        return ToolChoice(cast(Literal["auto", "required"], mode), names)
    return ToolChoice("named", (_name(fields, kind),))


def _name(fields: Fields, kind: str | None = None) -> str:
    kind = kind or fields.text("type") or ""
    inner = fields.inner(kind) if kind in ("function", "custom") else None
    return needed(inner or fields, "name")


def render_tools(request: Request, own: bool, losses: dict[str, None]) -> dict[str, Any]:
    """The fields about tools. ``own``: an OpenAI model, which knows more than compatible vendors do."""
    body: dict[str, Any] = {}
    listed = [tool for tool in request.tools if isinstance(tool, Tool)]
    for tool in request.tools:
        if isinstance(tool, ServerTool):
            if tool.format != FORMAT_NAME:
                raise not_carried(f"The tool {tool.name}, which its vendor runs, is", "tools")
            body["web_search_options"] = tool.raw
    choice = request.tool_choice
    if choice is not None and choice.names and choice.mode != "named" and not own:
        listed = [tool for tool in listed if tool.name in choice.names]  # leaves the same ones to choose from
        choice = ToolChoice(choice.mode)
    if any(tool.cache for tool in listed):
        losses["cache_control"] = None
    if listed:
        body["tools"] = [_rendered(tool if own else freeform.as_function(tool)) for tool in listed]
        if request.parallel_tools is not None:
            body["parallel_tool_calls"] = request.parallel_tools
    if choice is not None and (listed or choice.mode == "none"):
        body["tool_choice"] = _choice(choice, {tool.name for tool in listed if tool.freeform and own})
    return body


def _rendered(tool: Tool) -> dict[str, Any]:
    described: dict[str, Any] = {"name": tool.name, **({"description": tool.description} if tool.description else {})}
    if tool.freeform:
        return {"type": "custom", "custom": {**described, **({"format": tool.grammar} if tool.grammar else {})}}
    if tool.schema is not None:
        described = {**described, "parameters": tool.schema}
    return {"type": "function", "function": {**described, **({} if tool.strict is None else {"strict": tool.strict})}}


def _choice(choice: ToolChoice, custom: set[str]) -> str | dict[str, Any]:
    if not choice.names:
        return choice.mode
    named = [_reference(name, "custom" if name in custom else "function") for name in choice.names]
    if choice.mode == "named":
        return named[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": named}}


def _reference(name: str, kind: str) -> dict[str, Any]:
    return {"type": kind, kind: {"name": name}}
