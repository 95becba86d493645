"""The blocks of Claude's answers <-> neutral parts. Source: https://platform.claude.com/docs/en/api/messages"""

from __future__ import annotations

from typing import Any

from relay.formats import ids
from relay.formats.anthropic.citations import parse_citations, shown, word
from relay.formats.anthropic.thoughts import OWN, mark_block, parse_redacted, parse_thinking, thinking_block
from relay.formats.anthropic.tools import json_text
from relay.formats.freeform import as_input
from relay.formats.marks import NOTHING
from relay.neutral import Audio, Block, Opaque, Part, Refusal, Text, Thinking, ToolUse, kind_of


def parse_block(raw: dict[str, Any]) -> tuple[Part | Opaque, ...]:
    """What one block holds, as lenient as can be."""
    kind = word(raw.get("type"))
    if kind == "text":
        text = Text(word(raw.get("text")), parse_citations(raw.get("citations")))
        return (text,) if text.text or text.citations else ()
    if kind == "thinking":
        return parse_thinking(word(raw.get("thinking")), word(raw.get("signature")))
    if kind == "redacted_thinking":
        return parse_redacted(word(raw.get("data")))
    if kind == "tool_use":
        name = word(raw.get("name"))
        return (ToolUse(word(raw.get("id")), name, arguments(raw.get("input"))),) if name else ()
    return (Block(OWN, kind, dict(raw)),) if kind else ()


def arguments(value: object) -> str:
    """A call's input as JSON text; compatible vendors send it as text, too."""
    return json_text(value) if isinstance(value, dict) else word(value)


def shown_as(part: Part, losses: dict[str, None]) -> Part | None:
    """The part as it can be shown here; None, and a loss, where it can't be."""
    if isinstance(part, Audio):
        losses["audio"] = None
        return Text(part.transcript) if part.transcript else None
    if isinstance(part, Refusal):
        return Text(part.text)
    if isinstance(part, Text | Thinking | ToolUse) or (isinstance(part, Block) and part.format == OWN):
        return part
    losses[kind_of(part)] = None
    return None


def render_content(parts: tuple[Part, ...], request_id: str, losses: dict[str, None]) -> list[dict[str, Any]]:
    """All blocks, each signature beside its part."""
    out: list[dict[str, Any]] = []
    behind, calls = False, 0
    for part in parts:
        one = shown_as(part, losses)
        if isinstance(one, ToolUse):
            state = mark_before(one, behind)
            out += [mark_block(state)] if state is not None else []
            out.append(call_block(one, one.id or ids.made(request_id, calls), as_input(one)))
            calls += 1
        elif isinstance(one, Thinking):
            out.append(thinking_block(one))
        elif isinstance(one, Block):
            out.append(one.raw)
        elif isinstance(one, Text):
            out += text_blocks(one, losses)
        behind = isinstance(one, Text) and one.signature is not None
    return out


def mark_before(call: ToolUse, behind: bool) -> Opaque | None:
    """The signature that goes before a call; ``behind``: the one of the part before it stands there already."""
    return call.signature or (NOTHING if behind else None)


def call_block(call: ToolUse, id: str, input: dict[str, Any]) -> dict[str, Any]:
    """A call of a tool, under an id that the caller can answer with."""
    return {"type": "tool_use", "id": id, "name": call.name, "input": input}


def text_blocks(part: Text, losses: dict[str, None]) -> list[dict[str, Any]]:
    """A text and its signature; no block without words."""
    block: dict[str, Any] = {"type": "text", "text": part.text}
    if cited := [one for citation in part.citations if (one := shown(citation, losses)) is not None]:
        block["citations"] = cited
    found = [block] if part.text or cited else []
    return [*found, mark_block(part.signature)] if part.signature is not None else found
