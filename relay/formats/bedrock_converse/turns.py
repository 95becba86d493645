"""Neutral turns -> Converse's messages, which take turns strictly.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
"""

from __future__ import annotations

from typing import Any

from relay.formats import ids
from relay.formats.bedrock_converse.content import cache_point, render_part, thought_block
from relay.formats.bedrock_converse.models import tells_errors
from relay.formats.fields import not_carried
from relay.formats.freeform import as_input
from relay.neutral import Audio, Block, Message, Part, Refusal, Request, Text, Thinking, ToolResult, ToolUse, kind_of

Blocks = list[dict[str, Any]]


def render_system(request: Request, losses: dict[str, None]) -> Blocks:
    """All instructions: they can only stand at the front."""
    parts: list[Part] = list(request.system)
    later = [part for turn in request.messages if turn.role == "system" for part in turn.parts]
    if later:
        losses["system_position"] = None
    return _blocks((*parts, *later), losses)


def render_messages(request: Request, losses: dict[str, None]) -> Blocks:
    """All turns; neighbours of one role are one."""
    out: Blocks = []
    for message in request.messages:
        if message.name:
            losses["name"] = None
        if message.role == "system":
            continue
        blocks = _spoken(message, losses) if message.role == "assistant" else _asked(message, request.model, losses)
        if out and out[-1]["role"] == message.role:
            out[-1]["content"] += blocks
        elif blocks:
            out.append({"role": message.role, "content": blocks})
    _told_apart(out)
    return out


def _told_apart(messages: Blocks) -> None:
    """Documents of one name are refused."""
    seen: dict[str, int] = {}
    for block in (block for message in messages for block in message["content"] if "document" in block):
        name = block["document"]["name"]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            block["document"]["name"] = f"{name} ({seen[name]})"


def _blocks(parts: tuple[Part, ...], losses: dict[str, None]) -> Blocks:
    out: Blocks = []
    for part in parts:
        block = render_part(part, losses)
        if block is not None:
            out += [block, *cache_point(getattr(part, "cache", None), losses)]
    return out


def _asked(message: Message, model: str, losses: dict[str, None]) -> Blocks:
    """A user's turn: results of tools go first."""
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
    out: Blocks = []
    for part in results:
        out += [{"toolResult": _result(part, model, losses)}, *cache_point(part.cache, losses)]
    return out + _blocks(rest, losses)


def _result(part: ToolResult, model: str, losses: dict[str, None]) -> dict[str, Any]:
    found = (render_part(inner, losses) for inner in part.parts)
    content = [block for block in found if block is not None]
    body = {"toolUseId": ids.fitted(part.id), "content": content or [{"json": {}}]}  # it can't be empty
    if part.is_error and not tells_errors(model):
        losses["is_error"] = None
    return {**body, "status": "error"} if part.is_error and tells_errors(model) else body


def _spoken(message: Message, losses: dict[str, None]) -> Blocks:
    out: Blocks = []
    for part in message.parts:
        block = _spoken_block(part, losses)
        if block is not None:
            out += [block, *cache_point(getattr(part, "cache", None), losses)]
    return out


def _spoken_block(part: Part, losses: dict[str, None]) -> dict[str, Any] | None:
    """One block of the model's turn: its own thoughts, nobody else's."""
    if isinstance(part, Text | ToolUse) and part.signature is not None:
        losses["signature"] = None
    if isinstance(part, ToolUse):
        return {"toolUse": {"toolUseId": ids.fitted(part.id), "name": part.name, "input": as_input(part)}}
    if isinstance(part, Thinking):
        block = thought_block(part)
        if block is None:
            losses["thinking"] = None
        return block
    if isinstance(part, Text | Refusal):
        if isinstance(part, Text) and part.citations:
            losses["citations"] = None
        return render_part(part, losses)
    if isinstance(part, Block):
        raise not_carried(f"{part.format}'s part {part.kind!r} is", "messages")
    losses[f"assistant.{kind_of(part)}"] = None
    return {"text": part.transcript} if isinstance(part, Audio) and part.transcript else None
