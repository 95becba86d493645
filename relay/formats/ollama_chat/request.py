"""Neutral -> Ollama's requests. Sources: https://docs.ollama.com/api/chat, https://docs.ollama.com/modelfile
(options), https://docs.ollama.com/capabilities/thinking, …/structured-outputs, …/tool-calling
"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats import freeform
from relay.formats.fields import not_carried
from relay.formats.format import Rendered
from relay.formats.lost import lose, one_text
from relay.formats.ollama_chat.turns import Conversation
from relay.neutral import Request, ServerTool, Tool, effort_of

_LOST = {
    "logit_bias": "logit_bias",
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
"""Options that Ollama has not, and what their callers call them."""

_LEVELS = {"minimal": "low", "low": "low", "medium": "medium"}
"""Of thinking; models without levels take any of them for true. All that is more is ``high``."""

_ANY: dict[str, Any] = {"type": "object", "properties": {}}


def render_request(request: Request) -> Rendered:
    """The body for Ollama. Raises Problem 400 for what has no form here."""
    losses: dict[str, None] = dict.fromkeys(request.losses)
    one_text(request)
    fields = {
        "format": _shape(request, losses),
        "think": _think(request),
        "tools": _tools(request, losses) or None,
        "logprobs": request.logprobs or None,
        "top_logprobs": request.top_logprobs,
        "options": _options(request) or None,
    }
    body: dict[str, Any] = {
        "model": request.model,
        "messages": Conversation(request, losses).messages,
        "stream": request.stream,  # where it is missing, Ollama streams
    }
    body.update((name, value) for name, value in fields.items() if value is not None)
    lose(request, _LOST, losses)
    if request.service_tier not in (None, "auto", "default"):
        losses["service_tier"] = None
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _options(request: Request) -> dict[str, Any]:
    options = {
        "num_predict": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "min_p": request.min_p,
        "seed": request.seed,
        "stop": list(request.stop) or None,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
    }
    return {name: value for name, value in options.items() if value is not None}


def _shape(request: Request, losses: dict[str, None]) -> dict[str, Any] | str | None:
    shape = request.shape
    if shape is None:
        return None
    if shape.description:
        losses["response_format.description"] = None
    return "json" if shape.schema is None else shape.schema


def _think(request: Request) -> bool | str | None:
    """Only a wish for no thinking, or for so much of it: models that can think do."""
    wish = request.reasoning
    if wish is None:
        return None
    if wish.off:
        return False
    effort = effort_of(wish)
    return True if effort is None else _LEVELS.get(effort, "high")


def _tools(request: Request, losses: dict[str, None]) -> list[dict[str, Any]]:
    """The tools that may be called; that one must be can't be said."""
    choice, listed = request.tool_choice, list(request.tools)
    if choice is not None and choice.mode == "none":
        return []  # nothing can be called that is not there
    if choice is not None and choice.names:
        listed = [tool for tool in listed if tool.name in choice.names]
    if not listed:
        return []
    if choice is not None and choice.mode != "auto":
        losses["tool_choice"] = None
    if request.parallel_tools is False:
        losses["parallel_tool_calls"] = None
    return [_tool(tool, losses) for tool in listed]


def _tool(tool: Tool | ServerTool, losses: dict[str, None]) -> dict[str, Any]:
    if isinstance(tool, ServerTool):
        raise not_carried(f"The tool {tool.name}, which its vendor runs, is", "tools")
    lost = {"strict": tool.strict, "grammar": tool.grammar, "cache_control": tool.cache}
    losses.update((name, None) for name, value in lost.items() if value)
    tool = freeform.as_function(tool)
    described = {"description": tool.description} if tool.description else {}
    return {"type": "function", "function": {"name": tool.name, **described, "parameters": tool.schema or _ANY}}
