"""Claude's messages <-> neutral turns. Source: https://platform.claude.com/docs/en/api/messages/create (messages)"""

from __future__ import annotations

from typing import Any

from openopen8.core.errors import invalid
from relay.formats import ids
from relay.formats.anthropic.citations import parse_citations, sendable
from relay.formats.anthropic.models import Model
from relay.formats.anthropic.parts import (
    cache_mark,
    needed,
    parse_content,
    parse_part,
    parse_texts,
    render_cache,
    render_part,
)
from relay.formats.anthropic.thoughts import OWN, parse_redacted, parse_thinking, thinking_block
from relay.formats.anthropic.tools import json_text
from relay.formats.fields import Fields, not_carried
from relay.formats.freeform import as_input
from relay.formats.marks import attached
from relay.neutral import (
    Audio,
    Block,
    Message,
    Opaque,
    Part,
    Refusal,
    Request,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    kind_of,
)


def parse_messages(fields: Fields) -> tuple[Message, ...]:
    """All turns. Instructions may follow a turn of the user's."""
    turns: list[Message] = []
    for item in fields.items("messages"):
        role = item.text("role") or ""
        if role == "assistant":
            said = (one for kind, block in parse_content(item) for one in _said(kind, block))
            turn = Message("assistant", attached(said))
        elif role == "system" and turns:
            turn = Message("system", parse_texts(item, "content"))
        elif role == "user":
            turn = Message("user", tuple(_shown(kind, block) for kind, block in parse_content(item)))
        else:
            raise invalid(f"{item.path}.role must be user or assistant.", f"{item.path}.role")
        item.drop_rest()
        turns.append(turn)
    return tuple(turns)


def _shown(kind: str, fields: Fields) -> Part:
    """A block of a user's turn."""
    if kind != "tool_result":
        return parse_part(kind, fields)
    id, is_error = needed(fields, "tool_use_id"), fields.flag("is_error") or False
    cache = cache_mark(fields)
    parts = tuple(parse_part(inner, item) for inner, item in parse_content(fields))
    fields.drop_rest()
    return ToolResult(id, parts, is_error, cache=cache)


def _said(kind: str, fields: Fields) -> tuple[Part | Opaque, ...]:
    """A block of the model's turn: parts, or the signature of the part beside it."""
    found: tuple[Part | Opaque, ...]
    if kind == "text":
        citations = parse_citations(fields.take("citations"))
        found = (Text(needed(fields, "text"), citations, cache_mark(fields)),)
    elif kind == "thinking":
        found = parse_thinking(needed(fields, "thinking"), fields.text("signature") or "")
    elif kind == "redacted_thinking":
        found = parse_redacted(needed(fields, "data"))
    elif kind == "tool_use":
        arguments = json_text(fields.object("input") or {})
        call = ToolUse(needed(fields, "id"), needed(fields, "name"), arguments, cache=cache_mark(fields))
        caller = fields.object("caller")  # who called is told by newer models, and is "direct" for all but programs
        if caller is not None and caller.get("type") != "direct":
            fields.lose("caller")
        found = (call,)
    else:
        return (parse_part(kind, fields),)
    fields.drop_rest()
    return found


def render_messages(request: Request, model: Model, losses: dict[str, None]) -> list[dict[str, Any]]:
    """All turns, without instructions that :func:`instructions` moves to the front. Claude refuses empty ones."""
    out: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for message in request.messages:
        if message.name:
            losses["name"] = None
        if message.role == "system":
            if model.instructions_amid:
                waiting += _blocks(message.parts, losses)
        else:
            blocks = _spoken(message, losses) if message.role == "assistant" else _asked(message, losses)
            if blocks:
                out.append({"role": message.role, "content": blocks})
        waiting = _inserted(waiting, out, losses)
    if waiting:
        out.append({"role": "user", "content": waiting})
    if out and out[-1]["role"] == "assistant":
        _trimmed(out[-1]["content"])
    return out


def _inserted(
    waiting: list[dict[str, Any]], out: list[dict[str, Any]], losses: dict[str, None]
) -> list[dict[str, Any]]:
    """Instructions stand right after a turn of the user's, or wait for the next one."""
    role = out[-1]["role"] if out else ""
    if not waiting:
        return []
    if role == "user":
        out.append({"role": "system", "content": waiting})
    elif role == "system":
        out[-1]["content"] += waiting
    else:
        losses["system_position"] = None
        return waiting
    return []


def _trimmed(blocks: list[dict[str, Any]]) -> None:
    """Claude refuses white space at the end of a turn that it is to continue."""
    if blocks[-1]["type"] == "text":
        blocks[-1] = {**blocks[-1], "text": blocks[-1]["text"].rstrip()}


def instructions(request: Request, model: Model, losses: dict[str, None]) -> list[dict[str, Any]]:
    """The instructions before the first turn, and those that can't stand where they stood."""
    parts: list[Part] = list(request.system)
    later = [part for turn in request.messages if turn.role == "system" for part in turn.parts]
    if later and not model.instructions_amid:
        losses["system_position"] = None
        parts += later
    return _blocks(tuple(parts), losses)


def _blocks(parts: tuple[Part, ...], losses: dict[str, None]) -> list[dict[str, Any]]:
    return [block for part in parts if (block := render_part(part, losses)) is not None]


def _asked(message: Message, losses: dict[str, None]) -> list[dict[str, Any]]:
    """A user's turn. Claude wants results of tools before everything else."""
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
    return [*(_result(part, losses) for part in results), *_blocks(rest, losses)]


def _result(part: ToolResult, losses: dict[str, None]) -> dict[str, Any]:
    body: dict[str, Any] = {"type": "tool_result", "tool_use_id": ids.fitted(part.id)}
    if blocks := _blocks(part.parts, losses):
        body["content"] = blocks
    if part.is_error:
        body["is_error"] = True
    return {**body, **render_cache(part.cache, losses)}


def _spoken(message: Message, losses: dict[str, None]) -> list[dict[str, Any]]:
    found = (_spoken_block(part, losses) for part in message.parts)
    return [block for block in found if block is not None]


def _spoken_block(part: Part, losses: dict[str, None]) -> dict[str, Any] | None:
    """One block of the model's turn as Claude takes it back: its own thoughts, nobody else's."""
    if isinstance(part, Text | ToolUse) and part.signature is not None:
        losses["signature"] = None
    if isinstance(part, ToolUse):
        call = {"type": "tool_use", "id": ids.fitted(part.id), "name": part.name, "input": as_input(part)}
        return {**call, **render_cache(part.cache, losses)}
    if isinstance(part, Thinking):
        if not _left_out(part):
            return thinking_block(part)
        losses["thinking"] = None
        return None
    if isinstance(part, Text):
        return _cited(part, render_part(part, losses), losses)
    if isinstance(part, Refusal) or (isinstance(part, Block) and part.format == OWN):
        return render_part(part, losses)
    if isinstance(part, Block):
        raise not_carried(f"{part.format}'s part {part.kind!r} is", "messages")
    losses[f"assistant.{kind_of(part)}"] = None
    return {"type": "text", "text": part.transcript} if isinstance(part, Audio) and part.transcript else None


def _cited(part: Text, block: dict[str, Any] | None, losses: dict[str, None]) -> dict[str, Any] | None:
    cited = [sendable(citation) for citation in part.citations]
    if block is None or not cited:
        return block
    if None in cited:
        losses["citations"] = None
    known = [citation for citation in cited if citation is not None]
    return {**block, "citations": known} if known else block


def thoughts_missing(request: Request) -> bool:
    """True where thinking can't go on: the turn that called the tools does not begin with a thought of Claude's.

    Source: https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks
    """
    turns = [turn for turn in request.messages if turn.role != "system"]
    if turns and turns[-1].role == "assistant":
        return True  # thinking can't begin in the middle of a turn
    if len(turns) < 2 or not any(isinstance(part, ToolResult) for part in turns[-1].parts):
        return False
    said = next((turn for turn in reversed(turns) if turn.role == "assistant"), None)
    shown = (part for part in said.parts if not _left_out(part)) if said else iter(())
    return not isinstance(next(shown, None), Thinking)


def _left_out(part: Part) -> bool:
    if isinstance(part, Thinking):
        return part.signature is None or part.signature.maker != OWN
    return isinstance(part, Text | Refusal) and not part.text.strip()
