"""A stream's events, folded into the whole answer that they amount to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import msgspec

from relay.neutral.answer import Answer, Choice, Logprob
from relay.neutral.events import (
    Arguments,
    Begin,
    Cite,
    Delta,
    DeltaKind,
    End,
    Event,
    Logprobs,
    Sign,
    Start,
    Stop,
    UsageReport,
)
from relay.neutral.parts import Audio, Citation, Image, Part, Refusal, Source, Text, Thinking, ToolUse
from relay.neutral.usage import Usage
from relay.neutral.value import Opaque

_EMPTY: dict[DeltaKind, Part] = {
    "text": Text(""),
    "refusal": Refusal(""),
    "thinking": Thinking(),
    "audio": Audio(),
    "transcript": Audio(),
    "expires": Audio(),
}


def fold(events: Iterable[Event]) -> Answer:
    """The whole answer that a stream amounts to; errors in it are left out."""
    folding = Folding()
    for event in events:
        folding.add(event)
    return folding.answer()


class _Grown:
    """One part that grows. Pieces are joined once, at the end."""

    __slots__ = ("audio", "citations", "closed", "expires", "part", "pieces", "signature")

    def __init__(self, part: Part) -> None:
        self.part = part
        self.closed = False
        self.expires: int | None = None
        self.pieces: list[str] = []
        self.audio: list[str] = []
        self.citations: list[Citation] = []
        self.signature: Opaque | None = None

    def whole(self) -> Part:
        """The part with all that was added."""
        part, more = self.part, "".join(self.pieces)
        changes: dict[str, Any] = {}
        if isinstance(part, Text | Refusal | Thinking) and more:
            changes["text"] = part.text + more
        elif isinstance(part, ToolUse) and more:
            changes["arguments"] = part.arguments + more
        elif isinstance(part, Audio):
            changes = self._sound(part, more)
        if isinstance(part, Text) and self.citations:
            changes["citations"] = (*part.citations, *self.citations)
        if self.signature is not None:
            changes["signature"] = self.signature
        return msgspec.structs.replace(part, **changes) if changes else part

    def _sound(self, part: Audio, more: str) -> dict[str, Any]:
        changes: dict[str, Any] = {"transcript": part.transcript + more} if more else {}
        if self.expires is not None:
            changes["expires_at"] = self.expires
        if self.audio:
            before = [part.source.value] if part.source else []
            kind = part.source.media_type if part.source else ""
            changes["source"] = Source("base64", joined_base64([*before, *self.audio]), kind)
        return changes


class _Growing:
    """One choice that grows."""

    __slots__ = ("calls", "index", "logprobs", "parts", "stop")

    def __init__(self, index: int) -> None:
        self.index = index
        self.parts: list[_Grown] = []
        self.calls: list[_Grown] = []
        self.logprobs: list[Logprob] = []
        self.stop: Stop | None = None

    def begin(self, part: Part) -> _Grown:
        grown = _Grown(part)
        self.parts.append(grown)
        if isinstance(part, ToolUse):
            self.calls.append(grown)
        return grown

    def last_text(self) -> _Grown:
        """The last text, ended or not."""
        texts = (grown for grown in reversed(self.parts) if isinstance(grown.part, Text))
        return next(texts, None) or self.current("text")

    def current(self, kind: DeltaKind) -> _Grown:
        """The open part if it is of this kind, else a new one."""
        empty = _EMPTY[kind]
        last = self.parts[-1] if self.parts else None
        if last is not None and not last.closed and type(last.part) is type(empty):
            return last
        return self.begin(empty)

    def signed(self) -> _Grown:
        """The open part if it can be signed; a signature on its own belongs to a text still to come."""
        last = self.parts[-1] if self.parts else None
        if last is not None and not last.closed and isinstance(last.part, Text | Image | ToolUse | Thinking):
            return last
        return self.begin(Text(""))

    def whole(self) -> Choice:
        parts, logprobs = tuple(grown.whole() for grown in self.parts), tuple(self.logprobs)
        stop = self.stop
        if stop is None:
            return Choice(self.index, parts, logprobs=logprobs)
        return Choice(self.index, parts, stop.reason, stop.sequence, stop.detail, logprobs)


class Folding:
    """Folds while the stream runs, for writers that send the whole at the end."""

    __slots__ = ("_choices", "_start", "_usage")

    def __init__(self) -> None:
        self._start = Start()
        self._choices: dict[int, _Growing] = {}
        self._usage: Usage | None = None

    def add(self, event: Event) -> None:
        """Takes one event in."""
        if isinstance(event, Delta):
            self._delta(event)
        elif isinstance(event, Start):
            self._start = event
        elif isinstance(event, UsageReport):
            self._usage = event.usage
        elif isinstance(event, Begin):
            self._choice(event.choice).begin(event.part)
        elif isinstance(event, Arguments):
            calls = self._choice(event.choice).calls
            if event.call < len(calls):
                calls[event.call].pieces.append(event.text)
        else:
            self._rest(event)

    def answer(self) -> Answer:
        """The whole so far."""
        choices = tuple(self._choices[index].whole() for index in sorted(self._choices))
        return Answer(self._start.id, self._start.model, choices or (Choice(0),), self._usage, self._start.fingerprint)

    def _choice(self, index: int) -> _Growing:
        found = self._choices.get(index)
        if found is None:
            found = self._choices[index] = _Growing(index)
        return found

    def _delta(self, event: Delta) -> None:
        grown = self._choice(event.choice).current(event.kind)
        if event.kind == "expires":
            grown.expires = int(event.text)
        else:
            (grown.audio if event.kind == "audio" else grown.pieces).append(event.text)

    def _rest(self, event: Event) -> None:
        if isinstance(event, Sign):
            grown = self._choice(event.choice).signed()
            grown.signature = event.signature
            if event.id and isinstance(grown.part, Thinking):
                grown.part = msgspec.structs.replace(grown.part, id=event.id)
        elif isinstance(event, Cite):
            choice = self._choice(event.choice)
            (choice.last_text() if event.late else choice.current("text")).citations.append(event.citation)
        elif isinstance(event, Logprobs):
            self._choice(event.choice).logprobs += event.logprobs
        elif isinstance(event, End):
            choice = self._choice(event.choice)
            if choice.parts:
                choice.parts[-1].closed = True
        elif isinstance(event, Stop):
            self._choice(event.choice).stop = event


def joined_base64(pieces: list[str]) -> str:
    """Base64 of all bytes that the pieces, each whole in itself, stand for."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece, validate=True) for piece in pieces)).decode()
    except (binascii.Error, ValueError):
        return "".join(pieces)
