"""Tools that a model may call, and how free it is to."""

from __future__ import annotations

from typing import Any, Literal

from relay.neutral.value import CacheMark, Value

ToolMode = Literal["auto", "none", "required", "named"]


class Tool(Value, frozen=True, tag="function"):
    """A tool of the caller's. ``schema`` is the JSON schema of its arguments; None: it takes none.

    ``freeform``: the model writes any text instead of JSON, kept to ``grammar`` (OpenAI's form) if given.
    """

    name: str
    description: str = ""
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    freeform: bool = False
    grammar: dict[str, Any] | None = None
    cache: CacheMark | None = None


class ServerTool(Value, frozen=True, tag="server"):
    """A tool that the vendor runs itself (web search, code, …), in the words of ``format``.

    Other formats refuse it with a 400: leaving it out would change what is asked.
    """

    format: str
    name: str
    raw: dict[str, Any]


class ToolChoice(Value, frozen=True):
    """``named``: exactly the tool ``names[0]``. ``auto`` and ``required`` with names: only those of all tools."""

    mode: ToolMode
    names: tuple[str, ...] = ()
