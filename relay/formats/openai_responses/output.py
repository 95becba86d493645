"""Items of an answer <-> parts. Source: https://platform.openai.com/docs/api-reference/responses/object"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay.formats import freeform, ids
from relay.formats.marks import NOTHING
from relay.formats.media import guessed_type
from relay.formats.openai_responses.citations import (
    FORMAT_NAME,
    parse_annotation,
    parse_logprobs,
    render_annotation,
    render_logprobs,
    word,
)
from relay.formats.openai_responses.offered import Offered
from relay.formats.openai_responses.thoughts import mark_item, parse_reasoning, reasoning_item
from relay.neutral import (
    Audio,
    Block,
    Citation,
    Image,
    Logprob,
    Opaque,
    Part,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolUse,
    kind_of,
)


def item_id(kind: str, request_id: str, index: int) -> str:
    """The id of an item that we made: ``msg``, ``rs``, ``fc``, ``ctc``, ``ig``."""
    tail = "".join(char for char in request_id if char.isascii() and char.isalnum())[-24:]
    return f"{kind}_{tail}_{index}"


def parse_item(item: dict[str, Any]) -> Iterator[Part | Opaque]:
    """What an item holds, as lenient as can be; an ``Opaque`` is the signature of the part beside it."""
    kind = word(item.get("type"))
    if kind == "message":
        yield from (part for raw in dicts(item.get("content")) if (part := _content(raw)) is not None)
    elif kind in ("function_call", "custom_tool_call"):
        yield parse_call(item)
    elif kind == "reasoning":
        yield from parse_reasoning(word(item.get("id")), thought_text(item), word(item.get("encrypted_content")))
    elif kind == "image_generation_call" and word(item.get("result")):
        yield parse_image(item)
    elif kind and kind != "image_generation_call":
        yield Block(FORMAT_NAME, kind, item)


def parse_call(item: dict[str, Any]) -> ToolUse:
    """A call of one of the caller's tools."""
    free = item.get("type") == "custom_tool_call"
    id = word(item.get("call_id")) or word(item.get("id"))
    return ToolUse(id, word(item.get("name")), word(item.get("input" if free else "arguments")), free)


def parse_image(item: dict[str, Any]) -> Image:
    """A picture that was made."""
    kind = guessed_type(f"x.{word(item.get('output_format')) or 'png'}", "image/png")
    return Image(Source("base64", word(item.get("result")), kind))


def thought_text(item: dict[str, Any]) -> str:
    """The summary of a reasoning item, or the thoughts themselves where open models show them."""
    shown = [word(part.get("text")) for part in dicts(item.get("summary"))]
    return "\n\n".join(text for text in shown or map(_text_of, dicts(item.get("content"))) if text)


def logprobs_of(item: dict[str, Any]) -> tuple[Logprob, ...]:
    """The log probabilities of a message's text."""
    if item.get("type") != "message":
        return ()
    return tuple(one for raw in dicts(item.get("content")) for one in parse_logprobs(raw.get("logprobs")))


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects in a list, as far as it is one."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text_of(part: dict[str, Any]) -> str:
    return word(part.get("text"))


def _content(raw: dict[str, Any]) -> Part | None:
    if raw.get("type") == "refusal":
        return Refusal(text) if (text := word(raw.get("refusal"))) else None
    text = _text_of(raw)
    cited = (parse_annotation(one) for one in dicts(raw.get("annotations")))
    return Text(text, tuple(one for one in cited if one is not None)) if text else None


def render_items(
    parts: tuple[Part, ...],
    logprobs: tuple[Logprob, ...],
    request_id: str,
    tools: Offered,
    losses: dict[str, None],
) -> list[dict[str, Any]]:
    """The items of an answer."""
    items: list[dict[str, Any]] = []
    open_message: list[dict[str, Any]] | None = None
    behind, called = False, 0
    for part in parts:
        shown = shown_as(part, losses)
        if shown is None:
            continue
        if isinstance(shown, Text | Refusal):
            if shown.text and open_message is None:
                open_message = []
                items.append(message_item(item_id("msg", request_id, len(items)), open_message))
            if shown.text and open_message is not None:
                open_message.append(content_part(shown, logprobs, losses))
                logprobs = () if isinstance(shown, Text) else logprobs
        else:
            items += _before(shown, behind, request_id, len(items))
            items.append(_item(shown, request_id, len(items), called, tools))
            called += isinstance(shown, ToolUse)
            open_message = None
        behind = isinstance(shown, Text | Image) and shown.signature is not None
        if isinstance(shown, Text | Image) and shown.signature is not None:
            items.append(mark_item(item_id("rs", request_id, len(items)), shown.signature))
            open_message = None
    return items


def _before(part: Part, behind: bool, request_id: str, at: int) -> list[dict[str, Any]]:
    state = mark_before(part, behind)
    return [] if state is None else [mark_item(item_id("rs", request_id, at), state)]


def mark_before(part: Part, behind: bool) -> Opaque | None:
    """The signature that goes before a call; ``behind``: the one of the part before it stands there already."""
    if not isinstance(part, ToolUse):
        return None
    return part.signature or (NOTHING if behind else None)


def shown_as(part: Part, losses: dict[str, None]) -> Part | None:
    """The part as it can be shown here; None, and a loss, where it can't be."""
    if isinstance(part, Audio):
        losses["audio"] = None
        return Text(part.transcript) if part.transcript else None
    if isinstance(part, Text | Refusal | Thinking | ToolUse):
        return part
    if isinstance(part, Image) and part.source.kind == "base64":
        return part
    if isinstance(part, Block) and part.format == FORMAT_NAME:
        return part
    losses[kind_of(part)] = None
    return None


def _item(part: Part, request_id: str, at: int, called: int, tools: Offered) -> dict[str, Any]:
    if isinstance(part, Thinking):
        return reasoning_item(item_id("rs", request_id, at), part)
    if isinstance(part, ToolUse):
        id = part.id or ids.made(request_id, called)
        return call_item(part, id, request_id, at, tools)
    if isinstance(part, Image):
        return image_item(item_id("ig", request_id, at), part)
    assert isinstance(part, Block)
    return part.raw


def message_item(id: str, content: list[dict[str, Any]], status: str = "completed") -> dict[str, Any]:
    """A message of the model."""
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": content}


def content_part(part: Text | Refusal, logprobs: tuple[Logprob, ...], losses: dict[str, None]) -> dict[str, Any]:
    """The content of a message."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return text_part(part.text, part.citations, logprobs, losses)


def text_part(
    text: str, citations: tuple[Citation, ...], logprobs: tuple[Logprob, ...], losses: dict[str, None]
) -> dict[str, Any]:
    """A text with its annotations."""
    found = (render_annotation(citation, text, losses) for citation in citations)
    annotations = [one for one in found if one is not None]
    return {"type": "output_text", "annotations": annotations, "logprobs": render_logprobs(logprobs), "text": text}


def call_item(part: ToolUse, id: str, request_id: str, at: int, tools: Offered) -> dict[str, Any]:
    """A call of a tool; custom ones were JSON only because their vendor knows nothing else."""
    space, name = tools.spaced.get(part.name, ("", part.name))
    named = {"call_id": id, "name": name, **({"namespace": space} if space else {})}
    if not part.freeform and part.name not in tools.custom:
        head = {"id": item_id("fc", request_id, at), "type": "function_call", "status": "completed"}
        return {**head, "arguments": part.arguments or "{}", **named}
    text = part.arguments if part.freeform else freeform.as_text(part.arguments)
    head = {"id": item_id("ctc", request_id, at), "type": "custom_tool_call", "status": "completed"}
    return {**head, "input": text, **named}


def image_item(id: str, part: Image) -> dict[str, Any]:
    """A picture that was made."""
    format = part.source.media_type.rpartition("/")[2] or "png"
    return {
        "id": id,
        "type": "image_generation_call",
        "status": "completed",
        "output_format": format,
        "result": part.source.value,
    }
