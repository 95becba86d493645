"""Gemini's answers <-> neutral. Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.format import Asked, Garbage, Rendered
from relay.formats.gemini.candidate import (
    answered_call,
    blocked,
    candidate,
    choice_of,
    finish_reason,
    media_part,
    parse_raw,
    raw_parts,
    render_logprobs,
)
from relay.formats.gemini.grounding import parse_grounding, render_grounding
from relay.formats.gemini.thoughts import Waiting, attached, carried, thought_part
from relay.formats.gemini.usage import parse_usage, render_usage, searches
from relay.formats.gemini.words import dicts, word
from relay.formats.vendor import error_of, index_of, loads
from relay.neutral import Answer, Choice, Citation, Image, Part, Refusal, Text, Thinking, ToolUse


def parse_response(body: bytes) -> Answer:
    """The answer of a vendor, as lenient as can be. Raises Garbage."""
    try:
        value = loads(body)
    except ValueError:
        raise Garbage("The provider's answer is not JSON.") from None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]  # as streams without events begin
    error = error_of(value)
    if error is not None:
        raise Garbage(error.message)
    if not isinstance(value, dict):
        raise Garbage("The provider's answer is no object.")
    found = dicts(value.get("candidates"))
    choices = [_choice(index_of(item.get("index"), at), item) for at, item in enumerate(found)] or _blocked(value)
    if not choices:
        raise Garbage("The provider's answer has no candidates.")
    choices.sort(key=lambda choice: choice.index)
    model = word(value.get("modelVersion"))
    usage = parse_usage(value.get("usageMetadata"), searches(found, model))
    return Answer(word(value.get("responseId")), model, tuple(choices), usage)


def _blocked(value: dict[str, Any]) -> list[Choice]:
    stop = blocked(value)
    return [] if stop is None else [Choice(0, stop=stop.reason, detail=stop.detail)]


def _choice(at: int, item: dict[str, Any]) -> Choice:
    found = [(index, one) for index, raw in enumerate(raw_parts(item)) if (one := parse_raw(raw)) is not None]
    texts = [(index, part.text) for index, (part, _) in found if isinstance(part, Text) and part.text]
    cited: dict[int, list[Citation]] = {}
    for place, citation in parse_grounding(item, texts):
        cited.setdefault(texts[place][0], []).append(citation)
    parts = (
        (msgspec.structs.replace(part, citations=tuple(cited[index])), state)
        if index in cited and isinstance(part, Text)
        else (part, state)
        for index, (part, state) in found
    )
    return choice_of(at, item, attached(parts))


def render_response(answer: Answer, asked: Asked) -> Rendered:
    """The whole answer for the caller."""
    losses: dict[str, None] = {}
    candidates = [_rendered(choice, asked.request_id, losses) for choice in answer.choices]
    body: dict[str, Any] = {"candidates": candidates}
    if answer.usage is not None:
        body["usageMetadata"] = render_usage(answer.usage)
    body |= {"modelVersion": asked.model, "responseId": asked.request_id}
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _rendered(choice: Choice, request_id: str, losses: dict[str, None]) -> dict[str, Any]:
    shown = _Shown(request_id, choice.index, losses)
    for part in choice.parts:
        shown.add(part)
    further: dict[str, Any] = {}
    if grounding := render_grounding(shown.cited, losses):
        further["groundingMetadata"] = grounding
    if choice.logprobs:
        further["logprobsResult"] = render_logprobs(choice.logprobs)
    return candidate(choice.index, shown.closed(), finish_reason(choice.stop, choice.detail), further)


class _Shown:
    """The parts of a candidate for the caller."""

    def __init__(self, request_id: str, choice: int, losses: dict[str, None]) -> None:
        self._request_id = request_id
        self._choice = choice
        self._losses = losses
        self._waiting = Waiting()
        self._calls = 0
        self._parts: list[dict[str, Any]] = []
        self.cited: list[tuple[int, str, Citation]] = []

    def add(self, part: Part) -> None:
        """One more part."""
        if isinstance(part, Thinking):
            own = self._waiting.add(part)
            if own is not None:
                self._parts.append({**own, "text": part.text})
            elif part.text:
                self._parts.append(thought_part(part.text))
            return
        raw = self._raw(part)
        if raw is None:
            return
        state = part.signature if isinstance(part, Text | Image | ToolUse) else None
        field = self._waiting.field()
        self._parts += carried(raw, state, field)
        if isinstance(part, Text):
            self.cited += [(len(self._parts) - 1, part.text, citation) for citation in part.citations]

    def closed(self) -> list[dict[str, Any]]:
        """All parts; an answer without any has one without words."""
        if field := self._waiting.field():
            self._parts.append({"text": "", **field})
        return self._parts or [{"text": ""}]

    def _raw(self, part: Part) -> dict[str, Any] | None:
        if isinstance(part, Text | Refusal):
            empty = not part.text and not (isinstance(part, Text) and part.signature)
            return None if empty else {"text": part.text}
        if isinstance(part, ToolUse):
            self._calls += 1
            return answered_call(part, self._request_id, self._calls - 1, self._choice)
        return media_part(part, self._losses)
