"""Events -> OpenAI chat streams. Source: https://platform.openai.com/docs/api-reference/chat-streaming"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from relay.formats import freeform, ids
from relay.formats.format import Asked
from relay.formats.openai_chat.message import lose_others, render_citation, render_image, render_logprobs
from relay.formats.openai_chat.response import custom_tools, finish_reason
from relay.formats.openai_chat.thoughts import detail, encrypted, render_extra
from relay.formats.openai_chat.usage import render_usage
from relay.formats.openai_errors import error_object
from relay.framing import sse
from relay.neutral import (
    Arguments,
    Audio,
    Begin,
    Citation,
    Cite,
    Delta,
    End,
    Event,
    Image,
    Logprobs,
    Part,
    Refusal,
    Sign,
    Start,
    Stop,
    Text,
    Thinking,
    ToolUse,
    Usage,
    UsageReport,
)

DONE = b"data: [DONE]\n\n"

_encode = msgspec.json.Encoder().encode

_FIELDS = {"text": "content", "refusal": "refusal", "thinking": "reasoning_content"}


class _Choice:
    """What one choice has come to, as far as later chunks depend on it."""

    __slots__ = ("calls", "cited", "current", "details", "ended", "held", "images", "refused", "spoken", "thought")

    def __init__(self) -> None:
        self.refused = self.ended = False
        self.calls = self.details = self.images = self.spoken = 0
        self.cited: list[Citation] = []
        self.held: dict[int, list[str]] = {}  # arguments of calls whose tool takes any text
        self.current: Part | None = None
        self.thought: list[str] = []


class ChatWriter:
    """Chunks for an OpenAI caller."""

    __slots__ = ("_choices", "_custom", "_head", "_include_usage", "_request_id", "_tail", "losses")

    def __init__(self, asked: Asked) -> None:
        self.losses: dict[str, None] = {}
        self._head = chunk_head(f"chatcmpl-{asked.request_id}", asked.now_s, asked.model)
        self._tail = b',"usage":null}' if asked.include_usage else b"}"
        self._include_usage = asked.include_usage
        self._request_id = asked.request_id
        self._custom = custom_tools(asked.fields)
        self._choices: dict[int, _Choice] = {}

    def feed(self, event: Event) -> bytes:
        """The chunks for one event."""
        if isinstance(event, Delta):
            choice = self._choices.get(event.choice)
            begun = b"" if choice is not None else self._begin(event.choice)
            return begun + self._delta(self._choices[event.choice], event)
        if isinstance(event, UsageReport):
            return b""
        if isinstance(event, Start):
            return self._begin(0)
        begun = self._begin(getattr(event, "choice", 0))
        return begun + self._other(event)

    def end(self, usage: Usage) -> bytes:
        """Finish reasons that are still missing, the usage chunk when asked for, and [DONE]."""
        out = self._begin(0)
        for index, choice in sorted(self._choices.items()):
            if not choice.ended:
                out += self._stop(choice, Stop("stop", index))
        if self._include_usage:
            out += usage_chunk(self._head, usage)
        return out + DONE

    def fail(self, problem: Problem) -> bytes:
        """The error as last event; official clients raise on it."""
        return sse(_encode(error_object(problem)))

    def _begin(self, index: int) -> bytes:
        if index in self._choices:
            return b""
        self._choices[index] = _Choice()
        return self._chunk(index, {"role": "assistant", "content": "", "refusal": None})

    def _delta(self, choice: _Choice, event: Delta) -> bytes:
        if event.kind == "text":
            if type(choice.current) is not Text:
                choice.current = Text("")
            choice.spoken += len(event.text)
            return self._piece(event.choice, b'{"content":' + _encode(event.text) + b"}")
        if event.kind == "thinking":
            if type(choice.current) is not Thinking:
                choice.current = Thinking()
                choice.thought.clear()
            choice.thought.append(event.text)
        elif event.kind == "refusal":
            choice.refused, choice.current = True, Refusal("")
        field = _FIELDS.get(event.kind)
        return self._chunk(event.choice, {field: event.text} if field else _sound(event))

    def _other(self, event: Event) -> bytes:
        if isinstance(event, Arguments):
            return self._arguments(self._choices[event.choice], event)
        if isinstance(event, Begin):
            return self._part(self._choices[event.choice], event)
        if isinstance(event, Stop):
            return self._stop(self._choices[event.choice], event)
        if isinstance(event, Sign):
            return self._sign(self._choices[event.choice], event)
        if isinstance(event, Cite):
            self._choices[event.choice].cited.append(event.citation)
        elif isinstance(event, End):
            self._choices[event.choice].current = None
        elif isinstance(event, Logprobs):
            return self._chunk(event.choice, {}, logprobs=render_logprobs(event.logprobs))
        return b""

    def _part(self, choice: _Choice, event: Begin) -> bytes:
        part, choice.current = event.part, event.part
        if isinstance(part, ToolUse):
            return self._call(choice, event.choice, part)
        if isinstance(part, Text | Refusal):
            choice.cited += part.citations if isinstance(part, Text) else ()
            delta = Delta(part.text, event.choice, "text" if isinstance(part, Text) else "refusal")
            return self._delta(choice, delta) if part.text else b""
        if isinstance(part, Thinking):
            return self._think(choice, event.choice, part)
        if isinstance(part, Image):
            choice.images += 1
            return self._chunk(event.choice, {"images": [render_image(part, choice.images - 1)]})
        if isinstance(part, Audio):
            return self._chunk(event.choice, {"audio": {"id": part.id}}) + self._sounded(event.choice, part)
        lose_others((part,), self.losses)
        return b""

    def _sounded(self, index: int, part: Audio) -> bytes:
        out = self._chunk(index, {"audio": {"data": part.source.value}}) if part.source else b""
        return out + (self._chunk(index, {"audio": {"transcript": part.transcript}}) if part.transcript else b"")

    def _call(self, choice: _Choice, index: int, part: ToolUse) -> bytes:
        out, at = self._released(choice, index), choice.calls
        choice.calls += 1
        body: dict[str, Any] = {"index": at, "id": part.id or ids.made(self._request_id, at, index)}
        if part.freeform:
            body.update({"type": "custom", "custom": {"name": part.name, "input": part.arguments}})
        elif part.name in self._custom:
            choice.held[at] = [part.arguments]
            body.update({"type": "custom", "custom": {"name": part.name, "input": ""}})
        else:
            body.update({"type": "function", "function": {"name": part.name, "arguments": part.arguments}})
        if part.signature is not None:
            body["extra_content"] = render_extra(part.signature)
        return out + self._chunk(index, {"tool_calls": [body]})

    def _arguments(self, choice: _Choice, event: Arguments) -> bytes:
        if event.call in choice.held:
            choice.held[event.call].append(event.text)
            return b""
        free = isinstance(choice.current, ToolUse) and choice.current.freeform
        inner = {"custom": {"input": event.text}} if free else {"function": {"arguments": event.text}}
        return self._chunk(event.choice, {"tool_calls": [{"index": event.call, **inner}]})

    def _released(self, choice: _Choice, index: int) -> bytes:
        """Inputs of tools that take any text: known once the JSON around them is complete."""
        out = b""
        for at, pieces in choice.held.items():
            text = freeform.as_text("".join(pieces))
            out += self._chunk(index, {"tool_calls": [{"index": at, "custom": {"input": text}}]})
        choice.held.clear()
        return out

    def _think(self, choice: _Choice, index: int, part: Thinking) -> bytes:
        choice.thought[:] = [part.text] if part.text else []
        out = self._chunk(index, {"reasoning_content": part.text}) if part.text else b""
        if part.signature is None:
            return out
        choice.current = part
        return out + self._signed(choice, index, part)

    def _sign(self, choice: _Choice, event: Sign) -> bytes:
        part, state = choice.current, event.signature
        if isinstance(part, ToolUse):
            body = {"index": choice.calls - 1, "extra_content": render_extra(state)}
            return self._chunk(event.choice, {"tool_calls": [body]})
        if isinstance(part, Thinking):
            whole = msgspec.structs.replace(part, text="".join(choice.thought), signature=state, id=part.id or event.id)
            return self._signed(choice, event.choice, whole)
        choice.details += 1
        return self._chunk(event.choice, {"reasoning_details": [encrypted(state, choice.details - 1)]})

    def _signed(self, choice: _Choice, index: int, part: Thinking) -> bytes:
        found = detail(part, choice.details)
        choice.details += len(found)
        return self._chunk(index, {"reasoning_details": found})

    def _stop(self, choice: _Choice, event: Stop) -> bytes:
        if choice.ended:
            return b""
        choice.ended = True
        out = self._released(choice, event.choice)
        # At once: official clients can't join two lists of citations.
        places = [render_citation(cited, 0, choice.spoken, self.losses) for cited in choice.cited]
        if found := [place for place in places if place is not None]:
            out += self._chunk(event.choice, {"annotations": found})
        return out + self._chunk(event.choice, {}, finish_reason(event.reason, choice.refused))

    def _chunk(
        self, index: int, delta: dict[str, Any], finish: str | None = None, logprobs: dict[str, Any] | None = None
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._framed(_encode(choice))

    def _piece(self, index: int, delta: bytes) -> bytes:
        return self._framed(b'{"index":%d,"delta":%b,"logprobs":null,"finish_reason":null}' % (index, delta))

    def _framed(self, choice: bytes) -> bytes:
        return b"data: " + self._head + choice + b"]" + self._tail + b"\n\n"


def _sound(event: Delta) -> dict[str, Any]:
    """A piece of a spoken answer."""
    if event.kind == "expires":
        return {"audio": {"expires_at": int(event.text)}}
    return {"audio": {"data" if event.kind == "audio" else "transcript": event.text}}


def chunk_head(id: str, created: int, model: str) -> bytes:
    """A chunk's bytes up to and with the bracket that opens its choices."""
    fields = {"id": id, "object": "chat.completion.chunk", "created": created, "model": model, "choices": ()}
    return _encode(fields)[:-2]


def usage_chunk(head: bytes, usage: Usage) -> bytes:
    """The event with the counts and no choices that ``include_usage`` asks for."""
    tier = b',"service_tier":' + _encode(usage.tier) if usage.tier else b""
    return b"data: " + head + b"]" + tier + b',"usage":' + _encode(render_usage(usage)) + b"}\n\n"
