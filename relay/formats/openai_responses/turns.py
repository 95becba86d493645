"""Turns -> input items. Source: https://platform.openai.com/docs/api-reference/responses/create"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay.formats import ids
from relay.formats.fields import not_carried
from relay.formats.openai_responses.citations import FORMAT_NAME
from relay.formats.openai_responses.parts import render_part
from relay.formats.openai_responses.thoughts import OWN
from relay.neutral import Audio, Block, Message, Part, Refusal, Request, Text, Thinking, ToolResult, ToolUse, kind_of


def render_input(request: Request, losses: dict[str, None]) -> list[dict[str, Any]]:
    """All turns as items."""
    free = {
        part.id
        for turn in request.messages
        for part in turn.parts
        if isinstance(part, ToolUse | ToolResult) and part.freeform
    }
    items: list[dict[str, Any]] = []
    for at, turn in enumerate(request.messages):
        if turn.name:
            losses["name"] = None
        if turn.role == "assistant":
            items += _assistant(turn, at, losses)
        else:
            items += _other(turn, free, losses)
    return items


def unmarked(parts: tuple[Part, ...], losses: dict[str, None]) -> None:
    """Reports marks for caches: OpenAI's work without."""
    if any(getattr(part, "cache", None) is not None for part in parts):
        losses["cache_control"] = None


def _other(turn: Message, free: set[str], losses: dict[str, None]) -> Iterator[dict[str, Any]]:
    """A turn of the user or of the system: results are items of their own."""
    unmarked(turn.parts, losses)
    role = "developer" if turn.role == "system" else turn.role
    waiting: list[Part] = []
    for part in turn.parts:
        own_item = isinstance(part, ToolResult) or (isinstance(part, Block) and part.format == FORMAT_NAME)
        if own_item and waiting:
            yield _message(role, waiting, losses)
            waiting = []
        if isinstance(part, ToolResult):
            yield _result(part, part.id in free, losses)
        elif isinstance(part, Block) and own_item:
            yield part.raw
        else:
            waiting.append(part)
    if waiting or not turn.parts:
        yield _message(role, waiting, losses)


def _message(role: str, parts: list[Part], losses: dict[str, None]) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": _content(parts, losses)}


def _content(parts: list[Part], losses: dict[str, None]) -> str | list[dict[str, Any]]:
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text | Refusal):
        return parts[0].text
    return [render_part(part, losses) for part in parts]


def _result(part: ToolResult, free: bool, losses: dict[str, None]) -> dict[str, Any]:
    if part.is_error:
        losses["is_error"] = None
    for inner in part.parts:
        if isinstance(inner, Audio):
            raise not_carried("Sound in the result of a tool is", "messages")
    kind = "custom_tool_call_output" if free else "function_call_output"
    output = _content(list(part.parts), losses) or ("error" if part.is_error else "")
    return {"type": kind, "call_id": ids.fitted(part.id), "output": output}


def _assistant(turn: Message, at: int, losses: dict[str, None]) -> Iterator[dict[str, Any]]:
    unmarked(turn.parts, losses)
    said: list[Text | Refusal] = []
    called = 0
    for part in turn.parts:
        part = _transcript(part, losses)
        if isinstance(part, Text | Refusal):
            if isinstance(part, Text) and part.signature is not None:
                losses["signature"] = None
            if part.text:
                said.append(part)
            continue
        item = _item(part, at, called, losses)
        called += isinstance(part, ToolUse)
        if item is None:
            continue
        if said:
            yield _said(said)
            said = []
        yield item
    if said or not turn.parts:
        yield _said(said)


def _transcript(part: Part, losses: dict[str, None]) -> Part:
    if not isinstance(part, Audio):
        return part
    losses["assistant.audio"] = None
    return Text(part.transcript)


def _said(parts: list[Text | Refusal]) -> dict[str, Any]:
    if len(parts) < 2 and not any(isinstance(part, Refusal) for part in parts):
        return {"type": "message", "role": "assistant", "content": parts[0].text if parts else ""}
    content = [
        {"type": "refusal", "refusal": part.text}
        if isinstance(part, Refusal)
        else {"type": "output_text", "text": part.text, "annotations": []}
        for part in parts
    ]
    return {"type": "message", "role": "assistant", "content": content}


def _item(part: Part, at: int, called: int, losses: dict[str, None]) -> dict[str, Any] | None:
    """A part that is an item of its own; None for what can't be told, which is a loss."""
    if isinstance(part, ToolUse):
        if part.signature is not None:
            losses["signature"] = None
        return _call(part, ids.fitted(part.id) if part.id else ids.placed(at, called))
    if isinstance(part, Thinking):
        return _thought(part, losses)
    if isinstance(part, Block):
        if part.format != FORMAT_NAME:
            raise not_carried(f"{part.format}'s part {part.kind!r} is", "messages")
        return part.raw
    losses[f"assistant.{kind_of(part)}"] = None
    return None


def _call(part: ToolUse, id: str) -> dict[str, Any]:
    if part.freeform:
        return {"type": "custom_tool_call", "call_id": id, "name": part.name, "input": part.arguments}
    return {"type": "function_call", "call_id": id, "name": part.name, "arguments": part.arguments or "{}"}


def _thought(part: Thinking, losses: dict[str, None]) -> dict[str, Any] | None:
    """OpenAI takes back what it encrypted itself, and nothing else."""
    if part.signature is None or part.signature.maker not in (OWN, ""):
        losses["thinking"] = None
        return None
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    item: dict[str, Any] = {"type": "reasoning", "summary": summary, "encrypted_content": part.signature.data}
    return {**item, "id": part.id} if part.id else item
