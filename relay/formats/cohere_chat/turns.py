"""Neutral turns -> Cohere's messages, and the documents in them, which it wants beside.

Source: https://docs.cohere.com/reference/chat#request.body.messages and https://docs.cohere.com/docs/rag-citations
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from relay.formats.cohere_chat.answer import document_id
from relay.formats.fields import no_place, not_carried
from relay.formats.freeform import as_arguments
from relay.formats.media import url_of
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
)

Objects = list[dict[str, Any]]


class Conversation:
    """The messages, and the documents that were met in them."""

    def __init__(self, request: Request, losses: dict[str, None]) -> None:
        self.messages: Objects = []
        self.documents: Objects = []
        self.cites = False
        self._losses = losses
        if request.system:
            self.messages.append({"role": "system", "content": self._content(request.system)})
        for message in request.messages:
            if message.name:
                losses["name"] = None
            self._add(message)

    def _add(self, message: Message) -> None:
        if message.role == "assistant":
            said = self._said(message.parts)
            self.messages += [said] if len(said) > 1 else []
            return
        for part in message.parts:
            if isinstance(part, ToolResult):
                self.messages.append(self._result(part))
        rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
        if content := self._content(rest):
            self.messages.append({"role": message.role, "content": content})

    def _content(self, parts: tuple[Part, ...]) -> Objects:
        found = (self._block(part) for part in parts)
        return [block for block in found if block is not None]

    def _block(self, part: Part) -> dict[str, Any] | None:
        """A part of a turn; None for what is empty, or stands beside. Raises Problem 400."""
        if getattr(part, "cache", None) is not None:
            self._losses["cache_control"] = None
        if isinstance(part, Text | Refusal):
            return {"type": "text", "text": part.text} if part.text else None
        if isinstance(part, Image) and (url := url_of(part.source)):
            detail = {"detail": part.detail} if part.detail else {}
            return {"type": "image_url", "image_url": {"url": url, **detail}}
        if isinstance(part, Document):
            self._document(part)
            return None
        if isinstance(part, Audio) and part.source is None and part.transcript:
            return {"type": "text", "text": part.transcript}
        raise no_place(part)

    def _document(self, part: Document) -> None:
        data = {"text": _plain(part), "title": part.title or part.name, "context": part.context}
        told = {name: text for name, text in data.items() if text}
        self.documents.append({"id": document_id(len(self.documents)), "data": told})
        self.cites |= part.cite

    def _result(self, part: ToolResult) -> dict[str, Any]:
        texts = []
        for inner in part.parts:
            if not isinstance(inner, Text | Refusal):
                raise not_carried(f"A tool's result of the kind {kind_of(inner)} is", "messages")
            texts.append(inner.text)
        if part.is_error:
            self._losses["is_error"] = None
        if part.cache is not None:
            self._losses["cache_control"] = None
        return {"role": "tool", "tool_call_id": part.id, "content": "\n".join(texts)}

    def _said(self, parts: tuple[Part, ...]) -> dict[str, Any]:
        """The model's own turn; what it thought goes along as the plan of its calls."""
        calls = [_call(part) for part in parts if isinstance(part, ToolUse)]
        thoughts = [part for part in parts if isinstance(part, Thinking)]
        content = [text for part in parts if (text := self._spoken(part)) is not None]
        body: dict[str, Any] = {"role": "assistant", **({"content": content} if content else {})}
        plan = "\n\n".join(part.text for part in thoughts if part.text)
        if plan and calls:
            body["tool_plan"] = plan
        elif thoughts:
            self._losses["thinking"] = None
        if any(part.signature is not None for part in parts if isinstance(part, Text | Thinking | ToolUse)):
            self._losses["signature"] = None
        return {**body, "tool_calls": calls} if calls else body

    def _spoken(self, part: Part) -> dict[str, Any] | None:
        if isinstance(part, Text | Refusal):
            if isinstance(part, Text) and part.citations:
                self._losses["citations"] = None
            return self._block(part)
        if isinstance(part, Block):
            raise not_carried(f"{part.format}'s part {part.kind!r} is", "messages")
        if not isinstance(part, ToolUse | Thinking):
            self._losses[f"assistant.{kind_of(part)}"] = None
        return None


def _call(part: ToolUse) -> dict[str, Any]:
    arguments = as_arguments(part.arguments) if part.freeform else part.arguments or "{}"
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": arguments}}


def _plain(part: Document) -> str:
    """The document's text: Cohere reads no other files."""
    source = part.source
    if source.kind == "text":
        return source.value
    if source.kind == "base64" and source.media_type.startswith(("text/", "application/json")):
        try:
            return base64.b64decode(source.value, validate=True).decode()
        except (binascii.Error, ValueError):
            pass
    raise not_carried("A document that is no text is", "messages")
