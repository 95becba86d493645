"""Neutral -> Cohere's requests. Source: https://docs.cohere.com/reference/chat"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats import freeform
from relay.formats.cohere_chat.turns import Conversation
from relay.formats.fields import not_carried
from relay.formats.format import Rendered
from relay.formats.lost import clamped, lose, one_text
from relay.neutral import Request, ServerTool, Tool, budget_of

_LOST = {
    "min_p": "min_p",
    "logit_bias": "logit_bias",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "verbosity": "verbosity",
    "prediction": "prediction",
    "store": "store",
    "metadata": "metadata",
    "user": "user",
    "safety_id": "safety_identifier",
    "cache": "cache_control",
    "cache_key": "prompt_cache_key",
    "cache_retention": "prompt_cache_retention",
}
"""Options that Cohere has not, and what their callers call them."""

_MOST_STOPS = 5

_ANY: dict[str, Any] = {"type": "object", "properties": {}}


def render_request(request: Request) -> Rendered:
    """The body for Cohere. Raises Problem 400 for what has no form here."""
    losses: dict[str, None] = dict.fromkeys(request.losses)
    one_text(request)
    talk = Conversation(request, losses)
    options = {
        "max_tokens": request.max_tokens,
        "temperature": clamped(request.temperature, 0, 1, "temperature", losses),
        "p": clamped(request.top_p, 0.01, 0.99, "top_p", losses) if request.top_p != 1 else None,
        "k": request.top_k,
        "seed": request.seed,
        "frequency_penalty": clamped(request.frequency_penalty, 0, 1, "frequency_penalty", losses),
        "presence_penalty": clamped(request.presence_penalty, 0, 1, "presence_penalty", losses),
        "stop_sequences": _stops(request, losses),
        "response_format": _shape(request, losses),
        "thinking": _thinking(request),
        "documents": talk.documents or None,
        "citation_options": _citing(talk),
        **_tools(request, losses),
    }
    body: dict[str, Any] = {"model": request.model, "messages": talk.messages, "stream": request.stream}
    body.update((name, value) for name, value in options.items() if value is not None)
    lose(request, _LOST, losses)
    if request.service_tier not in (None, "auto", "default"):
        losses["service_tier"] = None
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _stops(request: Request, losses: dict[str, None]) -> list[str] | None:
    if len(request.stop) > _MOST_STOPS:
        losses["stop"] = None
    return list(request.stop[:_MOST_STOPS]) or None


def _shape(request: Request, losses: dict[str, None]) -> dict[str, Any] | None:
    shape = request.shape
    if shape is None:
        return None
    if shape.description:
        losses["response_format.description"] = None
    return {"type": "json_object", **({"json_schema": shape.schema} if shape.schema is not None else {})}


def _thinking(request: Request) -> dict[str, Any] | None:
    """Only a wish for no thinking, or for so much of it: models that can think do."""
    wish = request.reasoning
    if wish is None:
        return None
    if wish.off:
        return {"type": "disabled"}
    budget = budget_of(wish)
    return {"type": "enabled", **({"token_budget": budget} if budget else {})}


def _citing(talk: Conversation) -> dict[str, Any] | None:
    return {"mode": "off"} if talk.documents and not talk.cites else None


def _tools(request: Request, losses: dict[str, None]) -> dict[str, Any]:
    choice, listed = request.tool_choice, list(request.tools)
    if choice is not None and choice.names:  # one tool can't be named, but it can be the only one
        listed = [tool for tool in listed if tool.name in choice.names]
    if not listed:
        return {}
    if request.parallel_tools is False:
        losses["parallel_tool_calls"] = None
    strict = [isinstance(tool, Tool) and bool(tool.strict) for tool in listed]
    if any(strict) and not all(strict):
        losses["strict"] = None
    forced = {"required": "REQUIRED", "named": "REQUIRED", "none": "NONE"}.get(choice.mode if choice else "")
    tools = [_tool(tool, losses) for tool in listed]
    return {"tools": tools, "strict_tools": True if all(strict) else None, "tool_choice": forced}


def _tool(tool: Tool | ServerTool, losses: dict[str, None]) -> dict[str, Any]:
    if isinstance(tool, ServerTool):
        raise not_carried(f"The tool {tool.name}, which its vendor runs, is", "tools")
    if tool.grammar is not None:
        losses["grammar"] = None
    if tool.cache is not None:
        losses["cache_control"] = None
    tool = freeform.as_function(tool)
    described = {"description": tool.description} if tool.description else {}
    return {"type": "function", "function": {"name": tool.name, **described, "parameters": tool.schema or _ANY}}
