"""Events -> Responses streams. Source: https://platform.openai.com/docs/api-reference/responses-streaming"""

from __future__ import annotations

import msgspec

from openopen8.core.errors import Problem
from relay.formats import ids
from relay.formats.format import Asked
from relay.formats.openai_responses.building import Call, Message, Thought, Wire
from relay.formats.openai_responses.envelope import ending, error_event, failure, response_object
from relay.formats.openai_responses.offered import offered
from relay.formats.openai_responses.output import (
    image_item,
    item_id,
    mark_before,
    shown_as,
)
from relay.formats.openai_responses.thoughts import mark_item
from relay.framing import sse
from relay.neutral import (
    Arguments,
    Begin,
    Block,
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
    Stop,
    Text,
    Thinking,
    ToolUse,
    Usage,
    UsageReport,
)

_encode = msgspec.json.Encoder().encode


class ResponsesWriter:
    """Events for a Responses caller, who gets the first choice: this format has but one."""

    __slots__ = ("_asked", "_behind", "_calls", "_open", "_refused", "_sign", "_started", "_stop", "_tools", "_wire",
                 "losses")  # fmt: skip

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._wire = Wire(asked.request_id)
        self.losses: dict[str, None] = self._wire.losses
        self._tools = offered(asked.fields)
        self._open: Message | Thought | None = None
        self._sign: Opaque | None = None  # of the current text
        self._behind = False  # a signature stands right before what comes next
        self._calls: list[Call] = []
        self._stop: Stop | None = None
        self._refused = False
        self._started = False

    def feed(self, event: Event) -> bytes:
        """The bytes for one event."""
        if getattr(event, "choice", 0):
            self.losses["choices"] = None
            return b""
        if isinstance(event, UsageReport):
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
        """What is still open, and the whole response."""
        out = b"" if self._started else self._start()
        out += self._close()
        status, details = ending(self._stop.reason if self._stop else None, self._refused)
        whole = response_object(self._asked, status, self._wire.output, usage, **details)
        return out + self._wire.send(f"response.{status}", response=whole)

    def fail(self, problem: Problem) -> bytes:
        """The response as failed, for programs that look there, and the error, on which official clients raise."""
        out = b"" if self._started else self._start()
        whole = response_object(self._asked, "failed", self._wire.output, None, error=failure(problem))
        out += self._wire.send("response.failed", response=whole)
        return out + sse(_encode({**error_event(problem), "sequence_number": self._wire.number()}), "error")

    def _start(self) -> bytes:
        self._started = True
        begun = response_object(self._asked, "in_progress", [], None)
        return self._wire.send("response.created", response=begun) + self._wire.send(
            "response.in_progress", response=begun
        )

    def _delta(self, event: Delta) -> bytes:
        if event.kind == "text":
            return self._text(event.text)
        if event.kind == "thinking":
            out = b"" if isinstance(self._open, Thought) else self._think(Thinking())
            return out + self._open.delta(event.text) if isinstance(self._open, Thought) else out
        if event.kind == "refusal":
            self._refused |= bool(event.text)
            out, message = self._message()
            return out + message.refusal(event.text)
        self.losses["audio"] = None
        return self._text(event.text) if event.kind == "transcript" else b""

    def _arguments(self, event: Arguments) -> bytes:
        if event.call < len(self._calls) and self._calls[event.call].open:
            return self._calls[event.call].delta(event.text)
        return b""

    def _further(self, event: Event) -> bytes:
        if isinstance(event, Stop):
            self._stop = event
            return self._close()
        if isinstance(event, End):
            return self._end()
        if isinstance(event, Sign):
            return self._signed(event)
        if isinstance(event, Cite) and event.late:
            self.losses["citations"] = None  # its item is complete
            return b""
        if isinstance(event, Cite | Logprobs):
            out, message = self._message()
            return out + (message.cite(event.citation) if isinstance(event, Cite) else message.logprobs(event.logprobs))
        return b""

    def _begin(self, part: Part) -> bytes:
        shown = shown_as(part, self.losses)
        if isinstance(shown, Text | Refusal):
            return self._speak(shown)
        if isinstance(shown, Thinking):
            return self._think(shown)
        if isinstance(shown, ToolUse):
            return self._call(shown)
        if isinstance(shown, Image):
            out = self._close(calls=False)
            at = self._wire.place()
            out += self._wire.whole(at, image_item(self._id("ig", at), shown))
            self._behind = False
            return out + self._mark(shown.signature) if shown.signature else out
        if isinstance(shown, Block):
            out = self._close(calls=False) + self._wire.whole(self._wire.place(), shown.raw)
            self._behind = False
            return out
        return b""

    def _text(self, text: str) -> bytes:
        out, message = self._message()
        return out + message.text(text)

    def _speak(self, part: Text | Refusal) -> bytes:
        out, message = (self._open.end_part(), self._open) if isinstance(self._open, Message) else (b"", None)
        if self._sign is not None:
            out, message = out + self._close(calls=False), None
        if part.text:
            if message is None:
                more, message = self._message()
                out += more
            self._refused |= isinstance(part, Refusal)
            out += message.refusal(part.text) if isinstance(part, Refusal) else message.text(part.text)
        for citation in part.citations if isinstance(part, Text) else ():
            out += message.cite(citation) if message else b""
        return out + self._signed(Sign(part.signature)) if isinstance(part, Text) and part.signature else out

    def _think(self, part: Thinking) -> bytes:
        out = self._close(calls=False)
        self._open = thought = Thought(self._wire, part)
        self._behind = False
        return out + thought.begin()

    def _call(self, part: ToolUse) -> bytes:
        out = self._close(calls=False)
        state = mark_before(part, self._behind)
        if state is not None:
            out += self._mark(state)
        id = part.id or ids.made(self._asked.request_id, len(self._calls))
        call = Call(self._wire, part, id, self._tools)
        self._calls.append(call)
        self._behind = False
        return out + call.begin()

    def _message(self) -> tuple[bytes, Message]:
        """The message that is open, or a new one."""
        if isinstance(self._open, Message) and self._sign is None:
            return b"", self._open
        out = self._close(calls=False)
        self._open = message = Message(self._wire)
        self._behind = False
        return out, message

    def _signed(self, event: Sign) -> bytes:
        if isinstance(self._open, Thought):
            self._open.sign(event.signature, event.id)
            return b""
        self._sign = event.signature
        return b"" if isinstance(self._open, Message) else self._close(calls=False)

    def _end(self) -> bytes:
        if isinstance(self._open, Message):
            return self._open.end_part() if self._sign is None else self._close(calls=False)
        if self._open is not None:
            return self._close(calls=False)
        return self._calls[-1].close() if self._calls and self._calls[-1].open else b""

    def _close(self, calls: bool = True) -> bytes:
        """Closes what is open. Calls stay open beside other items, since upstreams may mix their pieces."""
        out = b"" if self._open is None else self._open.close()
        self._open = None
        if calls:
            for call in self._calls:
                out += call.close() if call.open else b""
        if self._sign is not None:
            state, self._sign = self._sign, None
            out += self._mark(state)
        return out

    def _mark(self, state: Opaque) -> bytes:
        at = self._wire.place()
        self._behind = True
        return self._wire.whole(at, mark_item(self._id("rs", at), state))

    def _id(self, kind: str, at: int) -> str:
        return item_id(kind, self._asked.request_id, at)
