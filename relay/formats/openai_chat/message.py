"""The message of an OpenAI chat answer <-> neutral parts.

Source: https://platform.openai.com/docs/api-reference/chat/object#chat-object-choices
"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats import freeform, ids
from relay.formats.logprobs import parse_logprobs as entries_of
from relay.formats.media import source_of, url_of
from relay.formats.openai_chat.thoughts import parse_extra, parse_thoughts, render_extra, render_thoughts, signed
from relay.neutral import Audio, Citation, Image, Logprob, Part, Refusal, Source, Text, Thinking, ToolUse, kind_of

_encode = msgspec.json.encode


def parse_message(message: dict[str, Any]) -> tuple[Part, ...]:
    """All parts, as lenient as can be: vendors differ."""
    plain = word(message.get("reasoning_content")) or word(message.get("reasoning"))
    parts: list[Part] = [*parse_thoughts(plain, message.get("reasoning_details"))]
    text, thought = content_texts(message.get("content"))
    if thought and not parts:
        parts.append(Thinking(thought))
    cited = parse_annotations(message.get("annotations"))
    if text or cited:
        parts.append(Text(text, cited))
    if refusal := word(message.get("refusal")):
        parts.append(Refusal(refusal))
    if isinstance(message.get("audio"), dict):
        parts.append(parse_audio(message["audio"]))
    parts += [image for item in dicts(message.get("images")) if (image := parse_image(item))]
    older = message.get("function_call")
    calls = [*dicts(message.get("tool_calls")), *([{"function": older}] if isinstance(older, dict) else [])]
    parts += [call for item in calls if (call := parse_call(item))]
    return signed(parts, message.get("reasoning_details"))


def content_texts(content: object) -> tuple[str, str]:
    """Text and thoughts of ``content``: a string, or a list of parts as Mistral's reasoning models send."""
    if isinstance(content, str):
        return content, ""
    texts, thoughts = list[str](), list[str]()
    for part in dicts(content):
        texts.append(word(part.get("text")))
        inner = part.get("thinking")
        thoughts += [word(piece.get("text")) for piece in dicts(inner)] if isinstance(inner, list) else [word(inner)]
    return "".join(texts), "".join(thoughts)


def parse_call(item: dict[str, Any]) -> ToolUse | None:
    """One call of a tool; None for what names none."""
    custom = item.get("custom")
    inner = custom if isinstance(custom, dict) else item.get("function")
    if not isinstance(inner, dict) or not word(inner.get("name")):
        return None
    text = arguments(inner.get("input" if isinstance(custom, dict) else "arguments"))
    signature = parse_extra(item.get("extra_content"))
    return ToolUse(word(item.get("id")), inner["name"], text, isinstance(custom, dict), signature)


def arguments(value: object) -> str:
    """Arguments as JSON text; some vendors send them as an object."""
    if isinstance(value, dict | list):
        return _encode(value).decode()
    return word(value)


def parse_audio(audio: dict[str, Any]) -> Audio:
    """A spoken answer."""
    data, expires = word(audio.get("data")), audio.get("expires_at")
    return Audio(
        Source("base64", data) if data else None,
        id=word(audio.get("id")),
        transcript=word(audio.get("transcript")),
        expires_at=expires if type(expires) is int else None,
    )


def parse_image(item: dict[str, Any]) -> Image | None:
    """A picture as OpenRouter sends it: https://openrouter.ai/docs/features/multimodal/image-generation"""
    inner = item.get("image_url")
    url = word(inner.get("url")) if isinstance(inner, dict) else ""
    return Image(source_of(url)) if url else None


def parse_annotations(annotations: object) -> tuple[Citation, ...]:
    """Pages of the web that the text rests on."""
    inners = [item.get("url_citation") for item in dicts(annotations)]
    return tuple(
        Citation(
            word(inner.get("url")),
            word(inner.get("title")),
            start=_place(inner.get("start_index")),
            end=_place(inner.get("end_index")),
        )
        for inner in inners
        if isinstance(inner, dict)
    )


def parse_logprobs(logprobs: object) -> tuple[Logprob, ...]:
    """Log probabilities of the text, and of a refusal's words."""
    if not isinstance(logprobs, dict):
        return ()
    return entries_of([*dicts(logprobs.get("content")), *dicts(logprobs.get("refusal"))])


def render_logprobs(logprobs: tuple[Logprob, ...]) -> dict[str, Any] | None:
    """``logprobs`` of a choice."""
    return {"content": [_rendered_logprob(item) for item in logprobs], "refusal": None} if logprobs else None


def _rendered_logprob(item: Logprob) -> dict[str, Any]:
    plain = {"token": item.token, "logprob": item.logprob, "bytes": item.bytes}
    return {
        **plain,
        "top_logprobs": [{"token": top.token, "logprob": top.logprob, "bytes": top.bytes} for top in item.top],
    }


def render_message(
    parts: tuple[Part, ...], request_id: str, choice: int, custom: frozenset[str], losses: dict[str, None]
) -> dict[str, Any]:
    """The message of one choice. ``custom`` names the caller's tools that take any text."""
    text = "".join(part.text for part in parts if isinstance(part, Text))
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    calls = [part for part in parts if isinstance(part, ToolUse)]
    sounds = [part for part in parts if isinstance(part, Audio)]
    body: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (refusal or calls or sounds) else None,
        "refusal": refusal or None,
    }
    if cited := _annotations(parts, losses):
        body["annotations"] = cited
    body.update(render_thoughts(parts))
    if sounds:
        body["audio"] = render_audio(sounds[0])
    if pictures := [render_image(part, at) for at, part in enumerate(_images(parts))]:
        body["images"] = pictures
    if calls:
        body["tool_calls"] = [render_call(call, request_id, choice, at, custom) for at, call in enumerate(calls)]
    lose_others(parts, losses)
    return body


def lose_others(parts: tuple[Part, ...], losses: dict[str, None]) -> None:
    """Names the parts that have no place in a message."""
    for part in parts:
        if not isinstance(part, Text | Refusal | Thinking | ToolUse | Audio | Image):
            losses[kind_of(part)] = None


def _images(parts: tuple[Part, ...]) -> list[Image]:
    return [part for part in parts if isinstance(part, Image)]


def render_call(call: ToolUse, request_id: str, choice: int, at: int, custom: frozenset[str]) -> dict[str, Any]:
    """One call of a tool, under an id that the caller can answer with."""
    body: dict[str, Any] = {"id": call.id or ids.made(request_id, at, choice)}
    if call.freeform or call.name in custom:
        text = call.arguments if call.freeform else freeform.as_text(call.arguments)
        body.update({"type": "custom", "custom": {"name": call.name, "input": text}})
    else:
        body.update({"type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}})
    if call.signature is not None:
        body["extra_content"] = render_extra(call.signature)
    return body


def render_audio(audio: Audio) -> dict[str, Any]:
    """A spoken answer; official clients want all four fields."""
    data = audio.source.value if audio.source else ""
    return {"id": audio.id, "data": data, "expires_at": audio.expires_at or 0, "transcript": audio.transcript}


def render_image(image: Image, index: int) -> dict[str, Any]:
    """A picture as OpenRouter sends it."""
    return {"type": "image_url", "image_url": {"url": url_of(image.source)}, "index": index}


def _annotations(parts: tuple[Part, ...], losses: dict[str, None]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    at = 0
    for part in parts:
        if isinstance(part, Text):
            found += [item for cited in part.citations if (item := render_citation(cited, at, len(part.text), losses))]
            at += len(part.text)
    return found


def render_citation(cited: Citation, at: int, length: int, losses: dict[str, None]) -> dict[str, Any] | None:
    """A citation of a text that begins at character ``at``; only pages of the web have a form here."""
    if not cited.url:
        losses["citations"] = None
        return None
    start = at + (cited.start or 0)
    end = at + (length if cited.end is None else cited.end)
    inner = {"url": cited.url, "title": cited.title, "start_index": start, "end_index": end}
    return {"type": "url_citation", "url_citation": inner}


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def word(value: object) -> str:
    """``value`` if it is a string, else none."""
    return value if isinstance(value, str) else ""


def _place(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None
