"""Tools and tool choice for Converse.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
"""

from __future__ import annotations

from typing import Any

from relay.formats import freeform
from relay.formats.bedrock_converse.content import cache_point
from relay.formats.fields import not_carried
from relay.neutral import Request, ServerTool, Tool, ToolChoice, ToolResult, ToolUse

_ANY: dict[str, Any] = {"type": "object", "properties": {}}


def render_tools(request: Request, losses: dict[str, None]) -> dict[str, Any]:
    """``toolConfig``, if any. Calls in earlier turns want it, too."""
    choice, listed = request.tool_choice, list(request.tools)
    if choice is not None and choice.names and choice.mode != "named":
        listed = [tool for tool in listed if tool.name in choice.names]  # leaves the same ones to choose from
    called = _called(request)
    if choice is not None and choice.mode == "none" and not called:
        return {}  # nothing can be called that is not there
    rendered = [block for tool in listed for block in _rendered(tool, losses)]
    rendered = rendered or [{"toolSpec": {"name": name, "inputSchema": {"json": _ANY}}} for name in called]
    if not rendered:
        return {}
    if request.parallel_tools is False:
        losses["parallel_tool_calls"] = None
    return {"toolConfig": {"tools": rendered, **_choice(choice, bool(listed), losses)}}


def _called(request: Request) -> list[str]:
    """Names of the tools that were called in earlier turns."""
    parts = [part for turn in request.messages for part in turn.parts]
    names = dict.fromkeys(part.name for part in parts if isinstance(part, ToolUse))
    names |= dict.fromkeys(part.name for part in parts if isinstance(part, ToolResult) and part.name)
    return list(names)


def _rendered(tool: Tool | ServerTool, losses: dict[str, None]) -> list[dict[str, Any]]:
    if isinstance(tool, ServerTool):
        raise not_carried(f"The tool {tool.name}, which its vendor runs, is", "tools")
    if tool.grammar is not None:
        losses["grammar"] = None
    mark, tool = tool.cache, freeform.as_function(tool)
    body: dict[str, Any] = {"name": tool.name}
    if tool.description:
        body["description"] = tool.description
    body["inputSchema"] = {"json": {**(tool.schema or _ANY), "type": "object"}}
    if tool.strict:
        body["strict"] = True
    return [{"toolSpec": body}, *cache_point(mark, losses)]


def _choice(choice: ToolChoice | None, offered: bool, losses: dict[str, None]) -> dict[str, Any]:
    if choice is None:
        return {}
    if choice.mode == "none":
        if offered:
            losses["tool_choice"] = None  # they have to be there for the calls before
        return {}
    if choice.mode == "named":
        return {"toolChoice": {"tool": {"name": choice.names[0]}}}
    return {"toolChoice": {"any" if choice.mode == "required" else "auto": {}}}
