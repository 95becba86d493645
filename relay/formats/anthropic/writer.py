"""Events -> Claude's streams. Source: https://platform.claude.com/docs/en/build-with-claude/streaming"""

from __future__ import annotations

import msgspec

from openopen8.core.errors import Problem
from relay.formats import ids
from relay.formats.anthropic.building import Call, Wire, send
from relay.formats.anthropic.citations import shown
from relay.formats.anthropic.content import mark_before, shown_as
from relay.formats.anthropic.errors import error_object
from relay.formats.anthropic.response import ending, head
from relay.formats.anthropic.thoughts import mark_block, seal, thinking_block
from relay.formats.anthropic.usage import render_usage
from relay.formats.format import Asked
from relay.neutral import (
    Arguments,
    Begin,
    Block,
    Citation,
    Cite,
    Delta,
    End,
    Event,
    Logprobs,
    Opaque,
    Part,
    Sign,
    Stop,
    Text,
    Thinking,
    ToolUse,
    Usage,
    UsageReport,
)


class MessageWriter:
    """Events for a Claude caller, who gets the first choice: this format has but one."""

    __slots__ = ("_asked", "_behind", "_calls", "_open", "_sign", "_started", "_stop", "_thought", "_usage", "_wire",
                 "losses")  # fmt: skip

    def __init__(self, asked: Asked) -> None:
        self.losses: dict[str, None] = {}
        self._asked = asked
        self._wire = Wire()
        self._started = False
        self._open: type[Text] | type[Thinking] | None = None  # the block under way, if it is no call
        self._thought: tuple[Thinking, list[str]] = (Thinking(), [])
        self._sign: Opaque | None = None  # of the current text
        self._behind = False  # a signature stands right before what comes next
        self._calls: list[Call] = []
        self._stop: Stop | None = None
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """The bytes for one event; the stop reason waits for ``end``."""
        if getattr(event, "choice", 0):
            self.losses["choices"] = None
            return b""
        if isinstance(event, UsageReport):
            self._usage = event.usage
            return b""
        out = b"" if self._started else self._start()
        if isinstance(event, Delta):
            return out + self._delta(event)
        if isinstance(event, Arguments):
            return out + self._arguments(event)
        if isinstance(event, Begin):
            return out + self._begin(event.part)
        return out + self._further(event)

    def end(self, usage: Usage) -> bytes:
        """What is still open, ``message_delta`` with the counts, ``message_stop``."""
        out = (b"" if self._started else self._start()) + self._close()
        stop = self._stop
        called = bool(self._calls)
        delta = ending(stop.reason, stop.sequence, stop.detail, called) if stop else ending(None, None, "", called)
        out += send({"type": "message_delta", "delta": delta, "usage": render_usage(usage)})
        return out + send({"type": "message_stop"})

    def fail(self, problem: Problem) -> bytes:
        """An ``error`` event; official clients raise on it."""
        return send(error_object(problem, self._asked.request_id))

    def _start(self) -> bytes:
        self._started = True
        empty = {"content": (), "stop_reason": None, "stop_sequence": None}
        message = {**head(self._asked), **empty, "usage": render_usage(self._usage)}
        return send({"type": "message_start", "message": message})

    def _delta(self, event: Delta) -> bytes:
        if event.kind in ("text", "refusal"):
            return self._text(event.text)
        if event.kind == "thinking":
            out = b"" if self._open is Thinking else self._think(Thinking())
            self._thought[1].append(event.text)
            return out + self._wire.delta("thinking_delta", "thinking", event.text)
        self.losses["audio"] = None
        return self._text(event.text) if event.kind == "transcript" else b""

    def _further(self, event: Event) -> bytes:
        if isinstance(event, Stop):
            self._stop = self._stop or event
        elif isinstance(event, End):
            return self._end()
        elif isinstance(event, Sign):
            return self._signed(event)
        elif isinstance(event, Cite):
            return self._cite(event.citation, event.late)
        elif isinstance(event, Logprobs):
            self.losses["logprobs"] = None
        return b""

    def _begin(self, part: Part) -> bytes:
        one = shown_as(part, self.losses)
        if isinstance(one, Text):
            return self._speak(one)
        if isinstance(one, Thinking):
            return self._think(one)
        if isinstance(one, ToolUse):
            return self._call(one)
        if isinstance(one, Block):
            self._behind, out = False, self._close()
            return out + self._wire.whole(one.raw)
        return b""

    def _text(self, text: str) -> bytes:
        out = b"" if self._open is Text and self._sign is None else self._opened()
        return out + self._wire.text(text) if text else out

    def _opened(self) -> bytes:
        """A new block of text."""
        out = self._close()
        self._open, self._behind = Text, False
        return out + self._wire.begin({"type": "text", "text": ""})

    def _speak(self, part: Text) -> bytes:
        """A text begins; its block does with its first words."""
        out = self._close()
        if part.text:
            out += self._text(part.text)
        for citation in part.citations:
            out += self._cite(citation)
        self._sign = part.signature
        return out if self._sign is None or self._open is Text else out + self._close()

    def _cite(self, citation: Citation, late: bool = False) -> bytes:
        if late:
            self.losses["citations"] = None  # its block has ended
            return b""
        cited = shown(citation, self.losses)
        if cited is None:
            return b""
        out = b"" if self._open is Text else self._opened()
        return out + self._wire.delta("citations_delta", "citation", cited)

    def _think(self, part: Thinking) -> bytes:
        out = self._close()
        self._behind = False
        if part.redacted:
            return out + self._wire.whole(thinking_block(part))
        self._open, self._thought = Thinking, (part, [part.text])
        out += self._wire.begin(thinking_block(Thinking()))
        if part.text:
            out += self._wire.delta("thinking_delta", "thinking", part.text)
        return out + self._sealed(part) if part.signature is not None else out

    def _signed(self, event: Sign) -> bytes:
        if self._open is Thinking:
            part, pieces = self._thought
            text, id = "".join(pieces), part.id or event.id
            return self._sealed(msgspec.structs.replace(part, text=text, signature=event.signature, id=id))
        if any(call.open or not call.sent for call in self._calls):
            self.losses["signature"] = None  # it would have had to come before the call
            return b""
        self._sign = event.signature
        return b"" if self._open is Text else self._close()

    def _sealed(self, part: Thinking) -> bytes:
        return self._wire.delta("signature_delta", "signature", seal(part))

    def _call(self, part: ToolUse) -> bytes:
        call = Call(self._wire, part, part.id or ids.made(self._asked.request_id, len(self._calls)))
        waiting = any(earlier.open or not earlier.sent for earlier in self._calls)
        self._calls.append(call)
        return self._advanced() if waiting else self._close_other() + self._called(call)

    def _called(self, call: Call) -> bytes:
        state = mark_before(call.part, self._behind)
        self._behind = False
        return (self._wire.whole(mark_block(state)) if state is not None else b"") + call.begin()

    def _arguments(self, event: Arguments) -> bytes:
        call = self._calls[event.call] if 0 <= event.call < len(self._calls) else None
        if call is None or call.ended:
            self.losses["arguments"] = None
            return b""
        out = call.add(event.text)
        return out if call.sent else self._advanced()

    def _advanced(self) -> bytes:
        """Lets the calls that wait begin, as far as those before them are complete."""
        out, last = b"", len(self._calls) - 1
        for at, call in enumerate(self._calls):
            out += b"" if call.sent else self._called(call)
            if call.open and (call.ended or (at < last and call.complete)):
                out += call.close()
            if call.open:
                break
        return out

    def _end(self) -> bytes:
        if self._open is not None:
            return self._close_other()
        last = self._calls[-1] if self._calls else None
        if last is None or last.ended:
            return b""
        if last.open:
            return last.close()
        last.ended = True
        return b""

    def _close(self) -> bytes:
        """Ends whatever is open, and lets out the calls that wait."""
        out = self._close_other()
        for call in self._calls:
            out += b"" if call.sent else self._called(call)
            out += call.close() if call.open else b""
        return out

    def _close_other(self) -> bytes:
        """Ends a text or a thought, and shows the signature of a text behind it."""
        out = b"" if self._open is None else self._wire.end()
        self._open = None
        if self._sign is not None:
            out += self._wire.whole(mark_block(self._sign))
            self._sign, self._behind = None, True
        return out
