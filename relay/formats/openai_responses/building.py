"""Items under way in a stream for the caller: each sends its events and is, at its end, an item of the answer."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats.openai_responses.citations import render_annotation, render_logprobs
from relay.formats.openai_responses.offered import Offered
from relay.formats.openai_responses.output import call_item, content_part, item_id, message_item, text_part
from relay.formats.openai_responses.thoughts import reasoning_item, seal_whole
from relay.framing import sse
from relay.neutral import Citation, Logprob, Opaque, Refusal, Thinking, ToolUse

_encode = msgspec.json.Encoder().encode


class Wire:
    """The stream's events, numbered, and the items that are complete."""

    __slots__ = ("_items", "_sequence", "losses", "request_id")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.losses: dict[str, None] = {}
        self._sequence = 0
        self._items: list[dict[str, Any] | None] = []

    @property
    def output(self) -> list[dict[str, Any]]:
        """The items that are complete."""
        return [item for item in self._items if item is not None]

    def number(self) -> int:
        """The next event's."""
        self._sequence += 1
        return self._sequence - 1

    def send(self, type: str, **fields: Any) -> bytes:
        """One event."""
        return sse(_encode({"type": type, **fields, "sequence_number": self.number()}), type)

    def place(self) -> int:
        """A new item's place."""
        self._items.append(None)
        return len(self._items) - 1

    def added(self, at: int, item: dict[str, Any]) -> bytes:
        """An item begins."""
        return self.send("response.output_item.added", output_index=at, item=item)

    def done(self, at: int, item: dict[str, Any]) -> bytes:
        """An item is complete."""
        self._items[at] = item
        return self.send("response.output_item.done", output_index=at, item=item)

    def whole(self, at: int, item: dict[str, Any]) -> bytes:
        """An item that comes at once."""
        return self.added(at, item) + self.done(at, item)


class Message:
    """A message; its content is texts and refusals, one after the other."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._at = wire.place()
        self._id = item_id("msg", wire.request_id, self._at)
        self._content: list[dict[str, Any]] = []
        self._part: _Text | _Refusal | None = None
        self._begun = False

    def text(self, text: str) -> bytes:
        """A piece of text."""
        out = self._turn(_Text)
        return out + self._part.delta(text) if self._part else out

    def refusal(self, text: str) -> bytes:
        """A piece of a refusal."""
        out = self._turn(_Refusal)
        return out + self._part.delta(text) if self._part else out

    def cite(self, citation: Citation) -> bytes:
        """A citation of the current text."""
        out = self._turn(_Text)
        return out + self._part.cite(citation) if isinstance(self._part, _Text) else out

    def logprobs(self, logprobs: tuple[Logprob, ...]) -> bytes:
        """How likely the tokens of the current text were."""
        out = self._turn(_Text)
        return out + self._part.likely(logprobs) if isinstance(self._part, _Text) else out

    def end_part(self) -> bytes:
        """The current text or refusal is complete."""
        if self._part is None:
            return b""
        out, item = self._part.end()
        self._content.append(item)
        self._part = None
        return out

    def close(self) -> bytes:
        """The message is complete."""
        out = self.end_part()
        return out + self._wire.done(self._at, message_item(self._id, self._content))

    def _turn(self, kind: type[_Text] | type[_Refusal]) -> bytes:
        if type(self._part) is kind:
            return b""
        out = b""
        if not self._begun:
            self._begun = True
            out = self._wire.added(self._at, message_item(self._id, [], "in_progress"))
        out += self.end_part()
        self._part = kind(self._wire, {"item_id": self._id, "output_index": self._at,
                                       "content_index": len(self._content)})  # fmt: skip
        return out + self._part.begin()


class _Text:
    """A text of a message."""

    def __init__(self, wire: Wire, place: dict[str, Any]) -> None:
        self._wire = wire
        self._place = place
        fields = _encode({"type": "response.output_text.delta", **place})
        self._head = b"event: response.output_text.delta\ndata: " + fields[:-1] + b',"delta":'
        self._pieces: list[str] = []
        self._citations: list[Citation] = []
        self._annotations = 0
        self._logprobs: list[Logprob] = []

    def begin(self) -> bytes:
        """The part begins."""
        empty = text_part("", (), (), {})
        return self._wire.send("response.content_part.added", **self._place, part=empty)

    def delta(self, text: str) -> bytes:
        """What streams mostly consist of, so it is put together by hand."""
        self._pieces.append(text)
        return b'%b%b,"logprobs":[],"sequence_number":%d}\n\n' % (self._head, _encode(text), self._wire.number())

    def likely(self, logprobs: tuple[Logprob, ...]) -> bytes:
        """Log probabilities come after their text: with a delta that adds none."""
        self._logprobs += logprobs
        rendered = render_logprobs(logprobs)
        return self._wire.send("response.output_text.delta", **self._place, delta="", logprobs=rendered)

    def cite(self, citation: Citation) -> bytes:
        """An annotation."""
        annotation = render_annotation(citation, "".join(self._pieces), self._wire.losses)
        if annotation is None:
            return b""
        self._citations.append(citation)
        self._annotations += 1
        return self._wire.send(
            "response.output_text.annotation.added",
            **self._place,
            annotation_index=self._annotations - 1,
            annotation=annotation,
        )

    def end(self) -> tuple[bytes, dict[str, Any]]:
        """The events of its end, and the whole part."""
        text = "".join(self._pieces)
        part = text_part(text, tuple(self._citations), tuple(self._logprobs), self._wire.losses)
        out = self._wire.send("response.output_text.done", **self._place, text=text, logprobs=part["logprobs"])
        return out + self._wire.send("response.content_part.done", **self._place, part=part), part


class _Refusal:
    """The model's own words for not answering."""

    def __init__(self, wire: Wire, place: dict[str, Any]) -> None:
        self._wire = wire
        self._place = place
        self._pieces: list[str] = []

    def begin(self) -> bytes:
        """The part begins."""
        empty = content_part(Refusal(""), (), {})
        return self._wire.send("response.content_part.added", **self._place, part=empty)

    def delta(self, text: str) -> bytes:
        """A piece."""
        self._pieces.append(text)
        return self._wire.send("response.refusal.delta", **self._place, delta=text)

    def end(self) -> tuple[bytes, dict[str, Any]]:
        """The events of its end, and the whole part."""
        part = content_part(Refusal("".join(self._pieces)), (), {})
        out = self._wire.send("response.refusal.done", **self._place, refusal=part["refusal"])
        return out + self._wire.send("response.content_part.done", **self._place, part=part), part


class Thought:
    """A reasoning item."""

    def __init__(self, wire: Wire, part: Thinking) -> None:
        self._wire = wire
        self._at = wire.place()
        self._part = part
        self._pieces: list[str] = []
        self._id = part.id or item_id("rs", wire.request_id, self._at)
        self._named = ""

    def begin(self) -> bytes:
        """The item begins; one that has an id of its own is going to be encrypted."""
        item: dict[str, Any] = {"id": self._id, "type": "reasoning", "summary": []}
        if self._part.id:
            item["encrypted_content"] = ""
        text = self._part.text
        self._part = msgspec.structs.replace(self._part, text="")
        out = self._wire.added(self._at, item)
        return out + self.delta(text) if text else out

    def delta(self, text: str) -> bytes:
        """A piece of the summary."""
        out = b""
        if not self._pieces:
            empty = {"type": "summary_text", "text": ""}
            out = self._wire.send("response.reasoning_summary_part.added", **self._place(), part=empty)
        self._pieces.append(text)
        return out + self._wire.send("response.reasoning_summary_text.delta", **self._place(), delta=text)

    def sign(self, state: Opaque, id: str) -> None:
        """The proof that the thought is the model's own; it is sent at the end, with the name if that came late."""
        self._part = msgspec.structs.replace(self._part, signature=state)
        self._named = "" if self._part.id else id

    def close(self) -> bytes:
        """The thought is complete."""
        text, out = "".join(self._pieces), b""
        if text:
            part = {"type": "summary_text", "text": text}
            out += self._wire.send("response.reasoning_summary_text.done", **self._place(), text=text)
            out += self._wire.send("response.reasoning_summary_part.done", **self._place(), part=part)
        whole = msgspec.structs.replace(self._part, text=text)
        item = reasoning_item(self._id, whole)
        if self._named:
            item["encrypted_content"] = seal_whole(msgspec.structs.replace(whole, id=self._named))
        return out + self._wire.done(self._at, item)

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._id, "output_index": self._at, "summary_index": 0}


class Call:
    """A call of a tool. The input of a custom tool whose vendor knows only JSON is sent at the end."""

    def __init__(self, wire: Wire, part: ToolUse, id: str, tools: Offered) -> None:
        self._wire = wire
        self._at = wire.place()
        self._part = msgspec.structs.replace(part, id=id, arguments="")
        self._first = part.arguments
        self._free = part.freeform or part.name in tools.custom
        self._packed = self._free and not part.freeform
        self._pieces: list[str] = []
        self._tools = tools
        self.open = True

    def begin(self) -> bytes:
        """The item begins."""
        item = {**self._item(""), "status": "in_progress", "input" if self._free else "arguments": ""}
        out = self._wire.added(self._at, item)
        return out + self.delta(self._first) if self._first else out

    def delta(self, text: str) -> bytes:
        """A piece of the arguments."""
        self._pieces.append(text)
        return b"" if self._packed else self._send(text)

    def close(self) -> bytes:
        """The call is complete."""
        self.open = False
        text, out = "".join(self._pieces), b""
        item = self._item(text)
        if self._free:
            out += self._send(item["input"]) if self._packed else b""
            kind, told = "response.custom_tool_call_input.done", {"input": item["input"]}
        else:
            out += b"" if text else self._send(item["arguments"])
            kind, told = "response.function_call_arguments.done", {"arguments": item["arguments"]}
        out += self._wire.send(kind, item_id=item["id"], output_index=self._at, **told)
        return out + self._wire.done(self._at, item)

    def _send(self, text: str) -> bytes:
        kind = "custom_tool_call_input" if self._free else "function_call_arguments"
        id = item_id("ctc" if self._free else "fc", self._wire.request_id, self._at)
        return self._wire.send(f"response.{kind}.delta", item_id=id, output_index=self._at, delta=text)

    def _item(self, arguments: str) -> dict[str, Any]:
        part = msgspec.structs.replace(self._part, arguments=arguments)
        return call_item(part, part.id, self._wire.request_id, self._at, self._tools)
