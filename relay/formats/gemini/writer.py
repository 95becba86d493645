"""Events -> Gemini's streams, as SSE or as one growing JSON array. Source: https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from relay.formats.format import Asked
from relay.formats.gemini.candidate import (
    answered_call,
    candidate,
    finish_reason,
    media_part,
    render_logprobs,
    sound_part,
)
from relay.formats.gemini.errors import error_object
from relay.formats.gemini.grounding import render_grounding
from relay.formats.gemini.thoughts import Waiting, carried, thought_part
from relay.formats.gemini.usage import render_usage
from relay.framing import JsonArray, sse
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
    Opaque,
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

_encode = msgspec.json.Encoder().encode

_Parts = list[dict[str, Any]]


class ContentWriter:
    """Chunks for a Gemini caller. Finish reasons and counts come last, in one chunk."""

    __slots__ = ("_array", "_choices", "_end", "_request_id", "_tail", "losses")

    def __init__(self, asked: Asked) -> None:
        self.losses: dict[str, None] = {}
        self._array = JsonArray() if asked.array else None
        self._request_id = asked.request_id
        self._tail = {"modelVersion": asked.model, "responseId": asked.request_id}
        self._end = _encode(self._tail)[1:]
        self._choices: dict[int, _Choice] = {}

    def feed(self, event: Event) -> bytes:
        """The bytes for one event."""
        if type(event) is Delta and event.kind == "text" and (flowing := self._choices.get(event.choice)) is not None:
            if flowing.flows(event.text):
                return self._piece(event)
        elif isinstance(event, Start | UsageReport):
            return b""
        index: int = getattr(event, "choice", 0)
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(self._request_id, index, self.losses)
        if isinstance(event, Logprobs):
            further = {"logprobsResult": render_logprobs(event.logprobs)}
            return self._chunk({"candidates": [candidate(index, [{"text": ""}], "", further)]})
        parts = choice.stopped(event) if isinstance(event, Stop) else choice.read(event)
        return self._chunk({"candidates": [candidate(index, parts)]}) if parts else b""

    def end(self, usage: Usage) -> bytes:
        """What is still open, the last chunk with finish reasons and counts, and the end of the array."""
        choices = sorted(self._choices.items()) or [(0, _Choice(self._request_id, 0, self.losses))]
        candidates = [choice.ended() for _, choice in choices]
        return self._chunk({"candidates": candidates, "usageMetadata": render_usage(usage)}) + self._close()

    def fail(self, problem: Problem) -> bytes:
        """The error as last chunk; official clients raise on it."""
        return self._framed(error_object(problem, self._request_id)) + self._close()

    def _piece(self, event: Delta) -> bytes:
        """What streams mostly consist of, so it is put together by hand."""
        value = b'{"candidates":[{"content":{"parts":[{"text":%b}],"role":"model"},"index":%d}],%b' % (
            _encode(event.text),
            event.choice,
            self._end,
        )
        return self._array.item(value) if self._array else b"data: " + value + b"\n\n"

    def _chunk(self, fields: dict[str, Any]) -> bytes:
        return self._framed({**fields, **self._tail})

    def _framed(self, value: dict[str, Any]) -> bytes:
        return self._array.item(_encode(value)) if self._array else sse(_encode(value))

    def _close(self) -> bytes:
        return self._array.close() if self._array else b""


class _Call:
    """A call whose arguments are coming: it is sent whole."""

    __slots__ = ("done", "number", "part", "pieces", "sent")

    def __init__(self, part: ToolUse, number: int) -> None:
        self.part = part
        self.number = number
        self.pieces = [part.arguments]
        self.done = self.sent = False

    def whole(self) -> ToolUse:
        """The call with all arguments."""
        return msgspec.structs.replace(self.part, arguments="".join(self.pieces))


class _Choice:
    """One candidate, as far as later chunks depend on it."""

    __slots__ = ("_calls", "_choice", "_cited", "_current", "_losses", "_request_id", "_sound", "_text", "_thought",
                 "_waiting", "stop")  # fmt: skip

    def __init__(self, request_id: str, choice: int, losses: dict[str, None]) -> None:
        self.stop: Stop | None = None
        self._request_id = request_id
        self._choice = choice
        self._losses = losses
        self._current: Part | None = None
        self._text: list[str] = []
        self._sound = ""
        self._thought: list[str] = []
        self._waiting = Waiting()
        self._calls: list[_Call] = []
        self._cited: list[tuple[int, str, Citation]] = []

    def flows(self, text: str) -> bool:
        """True where a piece of text is only that, since one came before it."""
        if type(self._current) is not Text or not self._text or not text:
            return False
        self._text.append(text)
        return True

    def read(self, event: Event) -> _Parts:
        """The parts to send for one event."""
        if isinstance(event, Delta):
            return self._delta(event)
        if isinstance(event, Arguments):
            if event.call < len(self._calls) and not self._calls[event.call].sent:
                self._calls[event.call].pieces.append(event.text)
            return []
        if isinstance(event, Begin):
            return [*self._closed(), *self._begun(event.part)]
        if isinstance(event, Sign):
            return self._signed(event.signature, event.id)
        if isinstance(event, Cite):
            self._cited.append((0, "", event.citation))
            return []
        return self._closed(whole=True) if isinstance(event, End) else []

    def stopped(self, event: Stop) -> _Parts:
        """Nothing more is to come."""
        self.stop = event
        return [*self._closed(), *self._released(everything=True)]

    def ended(self) -> dict[str, Any]:
        """What is still open, as the last candidate."""
        parts = [*self._closed(), *self._released(everything=True)]
        if field := self._waiting.field():
            parts.append({"text": "", **field})
        stop = self.stop
        reason = finish_reason(stop.reason if stop else None, stop.detail if stop else "")
        text = "".join(self._text)
        grounding = render_grounding([(0, said or text, citation) for _, said, citation in self._cited], self._losses)
        further = {"groundingMetadata": grounding} if grounding else {}
        return candidate(self._choice, parts or [{"text": ""}], reason, further)

    def _delta(self, event: Delta) -> _Parts:
        if event.kind == "thinking":
            out = self._turn(Thinking())
            self._thought.append(event.text)
            return [*out, thought_part(event.text)]
        if event.kind in ("text", "refusal"):
            out = self._turn(Text("") if event.kind == "text" else Refusal(""))
            return [*out, *self._say(event.text)]
        out = self._turn(Audio())
        if event.kind == "audio":
            piece = sound_part(event.text, self._sound)
            self._sound = piece["inlineData"]["mimeType"]
            return [*out, piece]
        if event.kind == "transcript" and event.text:
            self._losses["audio.transcript"] = None
        return out

    def _turn(self, part: Part) -> _Parts:
        """A part of another kind begins by itself."""
        if type(self._current) is type(part):
            return []
        out = self._closed()
        self._start(part)
        return out

    def _start(self, part: Part) -> None:
        self._current = part
        if isinstance(part, Text | Refusal):
            self._ground()
            self._text.clear()
        self._thought.clear()

    def _ground(self) -> None:
        """Citations keep the text that they are of."""
        text = "".join(self._text)
        self._cited = [(0, said or text, citation) for _, said, citation in self._cited]

    def _say(self, text: str) -> _Parts:
        if not text:
            return []
        self._text.append(text)
        return [{"text": text, **self._waiting.field()}]

    def _begun(self, part: Part) -> _Parts:
        self._start(part)
        if isinstance(part, ToolUse):
            self._calls.append(_Call(part, len(self._calls)))
            return []
        if isinstance(part, Thinking):
            self._thought[:] = [part.text] if part.text else []
            return [thought_part(part.text)] if part.text else []
        if isinstance(part, Text | Refusal):
            out = self._say(part.text)
            if isinstance(part, Text):
                self._cited += [(0, "", citation) for citation in part.citations]
                out += self._signed(part.signature) if part.signature else []
            return out
        if isinstance(part, Audio) and part.source is None and not part.transcript:
            return []
        raw = media_part(part, self._losses)
        state = part.signature if isinstance(part, Image) else None
        return [] if raw is None else carried(raw, state, self._waiting.field())

    def _signed(self, state: Opaque, id: str = "") -> _Parts:
        current = self._current
        if isinstance(current, Thinking):
            self._current = msgspec.structs.replace(current, signature=state, id=current.id or id)
            return []
        if isinstance(current, ToolUse):
            call = self._calls[-1]
            call.part = msgspec.structs.replace(call.part, signature=state)
            return []
        if not isinstance(current, Text | Image):
            self._start(Text(""))
        return carried({"text": ""}, state, self._waiting.field())

    def _closed(self, whole: bool = False) -> _Parts:
        """Another part begins; ``whole``: the current one is known to be complete."""
        part, self._current = self._current, None
        if isinstance(part, Thinking):
            own = self._waiting.add(msgspec.structs.replace(part, text="".join(self._thought)))
            return [] if own is None else [own]
        if isinstance(part, ToolUse) and whole:
            self._calls[-1].done = True
            return self._released()
        return []

    def _released(self, everything: bool = False) -> _Parts:
        """Calls that are complete, in the order in which they began: upstreams may mix their arguments."""
        out: _Parts = []
        for call in self._calls:
            if call.sent:
                continue
            if not (call.done or everything):
                break
            call.sent = True
            part = call.whole()
            raw = answered_call(part, self._request_id, call.number, self._choice)
            out += carried(raw, part.signature, self._waiting.field())
        return out
