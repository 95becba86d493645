"""Tools and tool choice of Gemini <-> neutral. Source: https://ai.google.dev/api/caching#Tool"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats import freeform
from relay.formats.fields import Fields, not_carried
from relay.formats.gemini.dialect import json_schema
from relay.formats.gemini.parts import needed
from relay.formats.gemini.words import FORMAT_NAME, snake
from relay.formats.schema import for_gemini
from relay.neutral import Request, ServerTool, Tool, ToolChoice


def parse_tools(fields: Fields) -> tuple[tuple[Tool | ServerTool, ...], ToolChoice | None]:
    """``tools`` and ``toolConfig``."""
    tools: list[Tool | ServerTool] = []
    for item in fields.items("tools"):
        for name in ("functionDeclarations", "function_declarations"):
            tools += [_function(declared) for declared in item.items(name)]
        tools += [ServerTool(FORMAT_NAME, snake(name), {name: value}) for name, value in item.whole().items()]
    choice, checked = _choice(fields.inner("toolConfig", "tool_config"))
    if checked:
        tools = [msgspec.structs.replace(tool, strict=True) if isinstance(tool, Tool) else tool for tool in tools]
    return tuple(tools), choice


def _function(fields: Fields) -> Tool:
    name, description = needed(fields, "name"), fields.text("description") or ""
    own = fields.object("parameters")
    plain = fields.object("parametersJsonSchema", "parameters_json_schema")
    fields.drop_rest()
    return Tool(name, description, plain if plain is not None else None if own is None else json_schema(own))


def _choice(fields: Fields | None) -> tuple[ToolChoice | None, bool]:
    """The choice, and whether arguments are held to their schemas."""
    config = fields.inner("functionCallingConfig", "function_calling_config") if fields else None
    if fields is None or config is None:
        if fields is not None:
            fields.drop_rest()
        return None, False
    path, mode = config.spelling("mode"), (config.text("mode") or "").upper()
    names = config.texts("allowedFunctionNames", "allowed_function_names")
    config.drop_rest()
    fields.drop_rest()
    if mode not in ("", "MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"):
        raise invalid(f"{path} must be AUTO, ANY, NONE or VALIDATED.", path)
    if mode == "ANY":
        return ToolChoice("named" if len(names) == 1 else "required", names), False
    if mode == "NONE":
        return ToolChoice("none"), False
    if mode == "VALIDATED":
        return (ToolChoice("auto", names) if names else None), not names
    return (ToolChoice("auto") if mode == "AUTO" else None), False


def render_tools(request: Request, losses: dict[str, None]) -> dict[str, Any]:
    """The fields about tools."""
    declared: list[dict[str, Any]] = []
    served: list[dict[str, Any]] = []
    for tool in request.tools:
        if isinstance(tool, Tool):
            declared.append(_declared(tool, losses))
        elif tool.format == FORMAT_NAME:
            served.append(tool.raw)
        else:
            raise not_carried(f"The tool {tool.name}, which its vendor runs, is", "tools")
    body: dict[str, Any] = {}
    if declared or served:
        body["tools"] = [*([{"functionDeclarations": declared}] if declared else []), *served]
    if declared and request.parallel_tools is False:
        losses["parallel_tool_calls"] = None
    config = _rendered_choice(request.tool_choice, any(isinstance(t, Tool) and t.strict for t in request.tools))
    if declared and config:
        body["toolConfig"] = {"functionCallingConfig": config}
    return body


def _declared(tool: Tool, losses: dict[str, None]) -> dict[str, Any]:
    if tool.cache is not None:
        losses["cache_control"] = None
    function = freeform.as_function(tool)
    body: dict[str, Any] = {"name": tool.name}
    if function.description:
        body["description"] = function.description
    if not function.schema:
        return body
    reduced = for_gemini(function.schema)
    for change in () if tool.freeform else reduced.changes:
        losses[f"tools.{tool.name}.{change}"] = None
    if reduced.schema.get("properties"):  # an object without properties is refused; nothing means the same
        body["parameters"] = reduced.schema
    return body


def _rendered_choice(choice: ToolChoice | None, strict: bool) -> dict[str, Any]:
    """``VALIDATED`` holds arguments to their schemas, and may name some of the tools, without asking for a call."""
    if choice is None or choice.mode == "auto":
        if choice is not None and choice.names:
            return {"mode": "VALIDATED", "allowedFunctionNames": list(choice.names)}
        return {"mode": "VALIDATED"} if strict else {} if choice is None else {"mode": "AUTO"}
    if choice.mode == "none":
        return {"mode": "NONE"}
    return {"mode": "ANY", **({"allowedFunctionNames": list(choice.names)} if choice.names else {})}
