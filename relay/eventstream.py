"""AWS's binary event streams to frames: an incremental decoder that may be cut anywhere.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import msgspec

from relay.framing import MAX_FRAME, Frame, FramingError

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_LEAST = _PRELUDE.size + _CRC.size

_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; 6 (bytes) and 7 (text) say their length first."""

_TEXT = 7


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message. ``kind`` is ``event``, ``exception`` or ``error``, ``name`` which one."""

    kind: str
    name: str
    payload: bytes


Framed = Callable[[Message], Frame | None]
"""The frame that a message is for its reader; None for what says nothing."""


class EventStream:
    """Decodes one stream; every message has to match both its checksums."""

    __slots__ = ("_buffer", "_framed")

    def __init__(self, framed: Framed) -> None:
        self._buffer = bytearray()
        self._framed = framed

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their message."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes. Raises FramingError; the decoder is then of no more use."""
        self._buffer += data
        frames: list[Frame] = []
        start = 0
        while (size := self._size(start)) and size <= len(self._buffer) - start:
            frame = self._framed(_message(bytes(self._buffer[start : start + size])))
            frames += [frame] if frame is not None else []
            start += size
        del self._buffer[:start]
        return frames

    def close(self) -> list[Frame]:
        """Nothing: a message that was cut in the middle is none."""
        self._buffer.clear()
        return []

    def _size(self, start: int) -> int:
        """The size of the message at ``start``; 0 while its prelude is not complete."""
        if len(self._buffer) - start < _PRELUDE.size:
            return 0
        size, headers, crc = _PRELUDE.unpack_from(self._buffer, start)
        if zlib.crc32(self._buffer[start : start + 8]) != crc:
            raise FramingError("An event's prelude does not match its checksum.")
        if size < _LEAST + headers or size > MAX_FRAME:
            raise FramingError(f"An event says that it has {size} bytes.")
        return int(size)


def _message(raw: bytes) -> Message:
    (crc,) = _CRC.unpack_from(raw, len(raw) - _CRC.size)
    if zlib.crc32(raw[: -_CRC.size]) != crc:
        raise FramingError("An event does not match its checksum.")
    end = _PRELUDE.size + int(_PRELUDE.unpack_from(raw)[1])
    headers = _headers(raw[_PRELUDE.size : end])
    kind = headers.get(":message-type", "event")
    name = headers.get({"exception": ":exception-type", "error": ":error-code"}.get(kind, ":event-type"), "")
    payload = raw[end : -_CRC.size]
    if kind == "error":  # it has no body
        payload = msgspec.json.encode({"message": headers.get(":error-message", "")})
    return Message(kind, name, payload)


def _headers(raw: bytes) -> dict[str, str]:
    """The headers that are text."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(raw):
            name = raw[at + 1 : at + 1 + raw[at]].decode()
            at += 1 + raw[at]
            kind, at = raw[at], at + 1
            size = _SIZES.get(kind)
            if size is None:
                size, at = int.from_bytes(raw[at : at + 2], "big"), at + 2
            if kind == _TEXT:
                found[name] = raw[at : at + size].decode()
            at += size
    except (IndexError, UnicodeDecodeError):
        raise FramingError("An event's headers can't be read.") from None
    return found
