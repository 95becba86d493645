"""Blocks of a Claude stream while they are written: one after the other, each begun, filled and ended.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats import freeform
from relay.formats.anthropic.content import call_block
from relay.framing import sse
from relay.neutral import ToolUse

_encode = msgspec.json.Encoder().encode

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_TEXT = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)

_HEAD = _encode({freeform.FIELD: ""})[:-2].decode()
"""What comes before any text as input."""


def send(value: dict[str, Any]) -> bytes:
    """One event, under its type."""
    return sse(_encode(value), value["type"])


class Wire:
    """The blocks by number; at most one is open."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at = -1

    def begin(self, block: dict[str, Any]) -> bytes:
        """``content_block_start``"""
        self._at += 1
        return send({"type": "content_block_start", "index": self._at, "content_block": block})

    def delta(self, kind: str, field: str, value: Any) -> bytes:
        """``content_block_delta``"""
        delta = {"type": kind, field: value}
        return send({"type": "content_block_delta", "index": self._at, "delta": delta})

    def text(self, text: str) -> bytes:
        """The same for text, which streams mostly consist of."""
        return _TEXT % (self._at, _encode(text))

    def end(self) -> bytes:
        """``content_block_stop``"""
        return send({"type": "content_block_stop", "index": self._at})

    def whole(self, block: dict[str, Any]) -> bytes:
        """A block that is known at once."""
        return self.begin(block) + self.end()


class Call:
    """One call of a tool. It waits while another one is open, since upstreams may mix their pieces."""

    __slots__ = ("_freeform", "_pieces", "_wire", "ended", "id", "open", "part", "sent")

    def __init__(self, wire: Wire, part: ToolUse, id: str) -> None:
        self.part = part
        self.id = id
        self.sent = False
        self.open = False
        self.ended = False  # nothing more is to come
        self._wire = wire
        self._freeform = part.freeform
        self._pieces = [part.arguments] if part.arguments else []

    @property
    def complete(self) -> bool:
        """True when its arguments can't go on."""
        if self.ended or self._freeform:
            return True
        try:
            _decode("".join(self._pieces).encode("utf-8", "replace"))
        except (msgspec.MsgspecError, RecursionError):
            return False
        return True

    def begin(self) -> bytes:
        """The block, with what came of its arguments so far."""
        self.sent = self.open = True
        out = self._wire.begin(call_block(self.part, self.id, {}))
        text = "".join(self._pieces)
        if self._freeform:
            return out + self._piece(_HEAD + _inside(text))
        return out + self._piece(text) if text else out

    def add(self, text: str) -> bytes:
        """A further piece."""
        self._pieces.append(text)
        if not self.open:
            return b""
        return self._piece(_inside(text) if self._freeform else text)

    def close(self) -> bytes:
        """The end of the block."""
        self.open = False
        self.ended = True
        return (self._piece('"}') if self._freeform else b"") + self._wire.end()

    def _piece(self, text: str) -> bytes:
        return self._wire.delta("input_json_delta", "partial_json", text)


def _inside(text: str) -> str:
    """``text`` within a JSON string."""
    return _encode(text).decode()[1:-1]
