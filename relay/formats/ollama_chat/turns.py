"""Neutral turns -> Ollama's messages: one text each, pictures beside it.

Source: https://docs.ollama.com/api/chat, https://docs.ollama.com/capabilities/tool-calling, …/vision
"""

from __future__ import annotations

from typing import Any

from relay.formats.fields import no_place, not_carried
from relay.formats.freeform import as_input
from relay.neutral import (
    Audio,
    Block,
    Document,
    Image,
    Message,
    Part,
    Refusal,
    Request,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    kind_of,
    spoken,
    tool_names,
)

Object = dict[str, Any]


class Conversation:
    """The messages."""

    def __init__(self, request: Request, losses: dict[str, None]) -> None:
        self.messages: list[Object] = []
        self._losses = losses
        self._names = tool_names(request.messages)
        if request.system:
            self.messages.append({"role": "system", **self._content(request.system)})
        for message in request.messages:
            if message.name:
                losses["name"] = None
            self._add(message)

    def _add(self, message: Message) -> None:
        if message.role == "assistant":
            said = self._said(message.parts)
            self.messages += [said] if said["content"] or len(said) > 2 else []
            return
        for part in message.parts:
            if isinstance(part, ToolResult):
                self.messages.append(self._result(part))
        rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
        if rest:
            self.messages.append({"role": message.role, **self._content(rest)})

    def _content(self, parts: tuple[Part, ...]) -> Object:
        """The texts as one, and the pictures. Raises Problem 400."""
        for part in parts:
            self._uncached(part)
        images = [self._picture(part) for part in parts if isinstance(part, Image)]
        texts = [self._text(part) for part in parts if not isinstance(part, Image)]
        content = "\n\n".join(text for text in texts if text)
        return {"content": content, "images": images} if images else {"content": content}

    def _text(self, part: Part) -> str:
        if isinstance(part, Text | Refusal):
            return part.text
        if isinstance(part, Document) and part.source.kind == "text":
            self._losses["document"] = None
            head = [line for line in (part.title or part.name, part.context) if line]
            return "\n\n".join([*head, part.source.value])
        if isinstance(part, Audio) and part.source is None and part.transcript:
            return part.transcript
        raise no_place(part)

    def _picture(self, part: Image) -> str:
        """Its bytes: Ollama fetches nothing."""
        if part.source.kind != "base64":
            raise not_carried("A picture by an address or another vendor's id is", "messages")
        if part.detail not in ("", "auto"):
            self._losses["detail"] = None
        return part.source.value

    def _result(self, part: ToolResult) -> Object:
        self._uncached(part)
        if part.is_error:
            self._losses["is_error"] = None
        name = part.name or self._names.get(part.id, "")
        told = {"tool_name": name, "tool_call_id": part.id}
        return {"role": "tool", **self._content(part.parts), **{key: value for key, value in told.items() if value}}

    def _said(self, parts: tuple[Part, ...]) -> Object:
        """The model's own turn, with what it thought: it goes on from there after its calls."""
        for part in parts:
            self._unkept(part)
        body: Object = {"role": "assistant", "content": spoken(parts)}
        thoughts = "\n\n".join(part.text for part in parts if isinstance(part, Thinking) and part.text)
        if thoughts:
            body["thinking"] = thoughts
        calls = [_call(part) for part in parts if isinstance(part, ToolUse)]
        return {**body, "tool_calls": calls} if calls else body

    def _unkept(self, part: Part) -> None:
        """Tells what of the model's own turn does not go back."""
        self._uncached(part)
        if isinstance(part, Block):
            raise no_place(part)
        if isinstance(part, Text) and part.citations:
            self._losses["citations"] = None
        if isinstance(part, Text | Thinking | ToolUse) and part.signature is not None:
            self._losses["signature"] = None
        if isinstance(part, Thinking) and part.redacted:
            self._losses["thinking"] = None
        if not isinstance(part, Text | Refusal | Thinking | ToolUse):
            self._losses[f"assistant.{kind_of(part)}"] = None

    def _uncached(self, part: Part) -> None:
        if getattr(part, "cache", None) is not None:
            self._losses["cache_control"] = None


def _call(part: ToolUse) -> Object:
    told = {"id": part.id} if part.id else {}
    return {**told, "function": {"name": part.name, "arguments": as_input(part)}}
