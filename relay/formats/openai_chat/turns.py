"""Messages of OpenAI chat <-> neutral turns. A result of a tool is a message here and a part there.

Source: https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay.formats import freeform, ids
from relay.formats.fields import Fields, not_carried
from relay.formats.media import source_of
from relay.formats.openai_chat.parts import cache_mark, inner_of, needed, parse_content, render_part
from relay.formats.openai_chat.thoughts import (
    parse_extra,
    parse_thoughts,
    render_extra,
    render_thoughts,
    signed,
)
from relay.neutral import (
    Audio,
    Image,
    Message,
    Part,
    Refusal,
    Request,
    Role,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    kind_of,
    spoken,
)

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def parse_messages(fields: Fields) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """The instructions before the first turn, and the turns."""
    return _split(_turns(fields))


def _turns(fields: Fields) -> list[Message]:
    turns: list[Message] = []
    calling = ""  # id of the last call in the older form, which has none
    for at, item in enumerate(fields.items("messages")):
        role = item.text("role") or ""
        if role in ("tool", "function"):
            result = _result(item, calling if role == "function" else None)
            if turns and turns[-1].role == "user" and _results(turns[-1]):
                turns[-1] = Message("user", (*turns[-1].parts, result))
            else:
                turns.append(Message("user", (result,)))
            continue
        if role not in _ROLES:
            raise not_carried(f"Messages of the role {role!r} are", f"{item.path}.role")
        turn = _assistant(item, at) if role == "assistant" else _plain(item, _ROLES[role])
        calling = next((part.id for part in turn.parts if isinstance(part, ToolUse)), calling)
        turns.append(turn)
    return turns


def _results(turn: Message) -> bool:
    return bool(turn.parts) and all(isinstance(part, ToolResult) for part in turn.parts)


def _split(turns: list[Message]) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    first = next((at for at, turn in enumerate(turns) if turn.role != "system"), len(turns))
    if first == len(turns):
        # Nothing but instructions: other formats want a turn to answer.
        turns = [*turns[:-1], Message("user", turns[-1].parts)]
        first = len(turns) - 1
    system = tuple(part for turn in turns[:first] for part in turn.parts if isinstance(part, Text))
    return system, tuple(turns[first:])


def _plain(fields: Fields, role: Role) -> Message:
    name = fields.text("name") or ""
    parts = parse_content(fields)
    if role == "system":
        for part in parts:
            if not isinstance(part, Text):
                raise not_carried("An instruction that is not text is", f"{fields.path}.content")
    fields.drop_rest()
    return Message(role, parts, name)


def _result(fields: Fields, calling: str | None) -> ToolResult:
    id = needed(fields, "tool_call_id") if calling is None else calling
    result = ToolResult(id, parse_content(fields), name=fields.text("name") or "", cache=cache_mark(fields))
    fields.drop_rest()
    return result


def _assistant(fields: Fields, at: int) -> Message:
    name = fields.text("name") or ""
    plain = fields.text("reasoning_content", "reasoning") or ""
    details, audio = fields.take("reasoning_details"), fields.inner("audio")
    fields.take("reasoning")  # the same again under another name
    if fields.take("annotations"):
        fields.lose("annotations")
    parts: list[Part] = [*parse_thoughts(plain, details), *parse_content(fields)]
    refusal = fields.text("refusal")
    if refusal:
        parts.append(Refusal(refusal))
    if audio is not None:
        parts.append(_spoken(audio))
    parts += [Image(source_of(needed(inner_of(item, "image_url"), "url"))) for item in fields.items("images")]
    parts += [_call(item) for item in fields.items("tool_calls")]
    older = fields.inner("function_call")
    if older is not None:
        parts.append(ToolUse(ids.placed(at, 0), needed(older, "name"), older.text("arguments") or ""))
    fields.drop_rest()
    return Message("assistant", signed(parts, details), name)


def _spoken(fields: Fields) -> Audio:
    """An earlier answer's sound. Programs send the whole object back; the id says it all."""
    audio = Audio(id=needed(fields, "id"), transcript=fields.text("transcript") or "")
    fields.take("data")
    fields.take("expires_at")
    fields.drop_rest()
    return audio


def _call(fields: Fields) -> ToolUse:
    id, kind = fields.text("id") or "", fields.text("type") or "function"
    if kind not in ("function", "custom"):
        raise not_carried(f"A tool call of the type {kind!r} is", fields.path)
    fields.take("index")
    signature = parse_extra(fields.take("extra_content"))
    inner = inner_of(fields, kind)
    text = inner.text("arguments" if kind == "function" else "input") or ""
    call = ToolUse(id, needed(inner, "name"), text, kind == "custom", signature)
    inner.drop_rest()
    fields.drop_rest()
    return call


def render_messages(request: Request, own: bool, losses: dict[str, None]) -> list[dict[str, Any]]:
    """All turns, instructions first. ``own``: an OpenAI model, which refuses others' fields."""
    out: list[dict[str, Any]] = []
    # One string: not every compatible vendor takes a list as system prompt.
    if system := "\n\n".join(part.text for part in request.system if part.text):
        out.append({"role": "system", "content": system})
    _unmarked(request.system, losses)
    for message in request.messages:
        _unmarked(message.parts, losses)
        if message.role == "assistant":
            out.append(_rendered_assistant(message, own, losses))
        else:
            out += _rendered_others(message, losses)
    return out


def _unmarked(parts: tuple[Part, ...], losses: dict[str, None]) -> None:
    if any(getattr(part, "cache", None) is not None for part in parts):
        losses["cache_control"] = None


def _named(message: Message) -> dict[str, Any]:
    return {"name": message.name} if message.name else {}


def _rendered_others(message: Message, losses: dict[str, None]) -> Iterator[dict[str, Any]]:
    """A turn of the user or of the system: its results as messages of their own, then the rest."""
    rest: list[Part] = []
    for part in message.parts:
        if not isinstance(part, ToolResult):
            rest.append(part)
            continue
        texts = [inner.text for inner in part.parts if isinstance(inner, Text | Refusal)]
        shown = [inner for inner in part.parts if not isinstance(inner, Text | Refusal)]
        if part.is_error:
            losses["is_error"] = None
        if shown:
            # Results are text here; what else they hold can only follow as the user's.
            losses["tool_result_image"] = None
            rest += [Text(f"Of the result of {part.id}:"), *shown]
        content = "\n\n".join(texts) or ("error" if part.is_error else "")
        yield {"role": "tool", "tool_call_id": part.id, "content": content}
    if rest or not message.parts:
        yield {"role": message.role, **_named(message), "content": _content(message.role, rest, losses)}


def _content(role: str, parts: list[Part], losses: dict[str, None]) -> str | list[dict[str, Any]]:
    texts = [part.text for part in parts if isinstance(part, Text | Refusal)]
    if len(texts) == len(parts) and (len(parts) <= 1 or role == "system"):
        return "\n\n".join(texts)
    return [render_part(part, losses) for part in parts]


def _rendered_assistant(message: Message, own: bool, losses: dict[str, None]) -> dict[str, Any]:
    body: dict[str, Any] = {"role": "assistant", **_named(message)}
    text = "".join(part.text for part in message.parts if isinstance(part, Text))
    calls = [part for part in message.parts if isinstance(part, ToolUse)]
    audio = next((part for part in message.parts if isinstance(part, Audio) and part.id), None)
    refusal = spoken(tuple(part for part in message.parts if isinstance(part, Refusal)))
    body["content"] = text or (None if refusal or calls or audio else "")
    body.update(_thoughts(message.parts, own, losses))
    if refusal:
        body["refusal"] = refusal
    if audio is not None:
        body["audio"] = {"id": audio.id}
    if calls:
        body["tool_calls"] = [_rendered_call(call, own, losses) for call in calls]
    for part in message.parts:
        if not isinstance(part, Text | Refusal | ToolUse | Thinking) and part is not audio:
            losses[f"assistant.{kind_of(part)}"] = None
    return body


def _thoughts(parts: tuple[Part, ...], own: bool, losses: dict[str, None]) -> dict[str, Any]:
    if not own:
        return render_thoughts(parts)
    if any(isinstance(part, Thinking) for part in parts):
        losses["thinking"] = None
    if any(isinstance(part, Text) and part.signature is not None for part in parts):
        losses["signature"] = None
    return {}


def _rendered_call(call: ToolUse, own: bool, losses: dict[str, None]) -> dict[str, Any]:
    id = ids.fitted(call.id, longest=ids.LONGEST) if own else call.id
    if call.freeform and own:
        return {"id": id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    arguments = freeform.as_arguments(call.arguments) if call.freeform else call.arguments or "{}"
    body: dict[str, Any] = {"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
    if call.signature is not None and not own:
        body["extra_content"] = render_extra(call.signature)
    elif call.signature is not None:
        losses["signature"] = None
    return body
