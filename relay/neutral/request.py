"""A chat request."""

from __future__ import annotations

from typing import Literal

from relay.neutral.options import Reasoning, Shape, Voice
from relay.neutral.parts import Part, Text, ToolUse
from relay.neutral.tools import ServerTool, Tool, ToolChoice
from relay.neutral.value import CacheMark, Value

Role = Literal["system", "user", "assistant"]


class Message(Value, frozen=True):
    """One turn. ``system`` stands here only for instructions in the middle of a conversation.

    Results of tools are parts of a user's turn. ``name`` tells speakers of one role apart.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str = ""


class Request(Value, frozen=True):
    """A chat request. ``None`` means: not given, the model's default holds.

    ``system`` are the instructions before the first turn (OpenAI's developer messages are instructions too).
    ``losses`` names fields of the caller's body that have no place here; ``render_request`` passes them on
    with those that the target lacks.
    """

    model: str
    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    tools: tuple[Tool | ServerTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    shape: Shape | None = None
    reasoning: Reasoning | None = None
    verbosity: str | None = None
    modalities: tuple[str, ...] = ()
    """``text``, ``audio``, ``image``; empty: text."""
    voice: Voice | None = None
    prediction: tuple[Text, ...] = ()
    user: str | None = None
    safety_id: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    service_tier: str | None = None
    """In OpenAI's words: ``auto``, ``default``, ``flex``, ``scale``, ``priority``."""
    cache: CacheMark | None = None
    """Cache all of the prompt."""
    cache_key: str | None = None
    cache_retention: str | None = None
    losses: tuple[str, ...] = ()


def tool_names(messages: tuple[Message, ...]) -> dict[str, str]:
    """The tool's name by the id of its call, for formats whose results name the tool."""
    return {
        part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolUse) and part.id
    }
