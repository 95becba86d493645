"""Bytes <-> events: an incremental SSE decoder that may be cut anywhere, and the encoders."""

from __future__ import annotations

import re
from typing import Protocol

import msgspec

MAX_FRAME = 8 * 1024 * 1024
"""Largest frame in bytes; a model's single event is never near it, a broken upstream's may be."""

_raw = msgspec.json.Decoder(msgspec.Raw).decode

_BOM = b"\xef\xbb\xbf"
# Atomic: a lone CRLF must not be read as CR and LF, that is as a blank line.
_BLANK = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")


class FramingError(Exception):
    """The bytes are no event stream: a frame outgrew the limit."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One event. ``data`` is its data lines joined by LF; ``raw`` its exact bytes with the blank line.

    A frame that the stream's end cut off before its blank line gets one in ``raw``.
    """

    event: str
    data: bytes
    raw: bytes


class Decoder(Protocol):
    """Bytes of a stream to frames."""

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes. Raises FramingError."""

    def close(self) -> list[Frame]:
        """What the end of the stream leaves."""


class SSE:
    """Decodes one stream. ``skipped`` counts bytes of blocks without data, such as comments.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """

    __slots__ = ("_buffer", "_max", "_scanned", "skipped")

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._max = max_frame
        self._scanned = 0
        self.skipped = 0

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes. Raises FramingError; the decoder is then of no more use."""
        if not self._buffer and b"\r" not in data:
            return self._quick(data)
        self._buffer += data
        return self._thorough()

    def close(self) -> list[Frame]:
        """What the end of the stream leaves: vendors forget the last blank line.

        A frame that was cut in the middle is no event, so it must be ``[DONE]`` or whole JSON.
        """
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = 0
        frames: list[Frame] = []
        self._take(rest, frames)
        if not frames or _BLANK.search(rest, max(0, len(rest) - 2)):
            return frames
        if not is_whole(frames[0].data):
            self.skipped += len(rest)
            return []
        return [Frame(frames[0].event, frames[0].data, rest + b"\n\n")]

    def _quick(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        start = 0
        while (end := data.find(b"\n\n", start)) >= 0:
            if data.startswith(b"data: ", start) and data.find(b"\n", start, end) < 0 and end - start < self._max:
                frames.append(Frame("", data[start + 6 : end], data[start : end + 2]))
            else:
                self._take(data[start : end + 2], frames)
            start = end + 2
        self._keep(data[start:])
        return frames

    def _thorough(self) -> list[Frame]:
        frames: list[Frame] = []
        buffer, start, scan = self._buffer, 0, self._scanned
        while (match := _BLANK.search(buffer, scan)) is not None:
            end = match.end()
            if end == len(buffer) and match.group() == b"\r\n\r":
                break  # its LF is on the way; should another line end do so, it is an empty line and harmless
            self._take(bytes(buffer[start:end]), frames)
            start = scan = end
        del buffer[:start]
        self._check()
        return frames

    def _keep(self, rest: bytes) -> None:
        if rest:
            self._buffer += rest
            self._check()

    def _check(self) -> None:
        # Three bytes again: a blank line may be cut in any of its places.
        self._scanned = max(0, len(self._buffer) - 3)
        if len(self._buffer) > self._max:
            raise FramingError(f"A frame is larger than {self._max} bytes.")

    def _take(self, raw: bytes, frames: list[Frame]) -> None:
        if len(raw) > self._max:
            raise FramingError(f"A frame is larger than {self._max} bytes.")
        parsed = _parse(raw)
        if parsed is None:
            self.skipped += len(raw)
        else:
            frames.append(Frame(parsed[0], parsed[1], raw))


def _parse(block: bytes) -> tuple[str, bytes] | None:
    """Event name and data of one block; None when it has no data."""
    event, data = "", []
    for line in block.removeprefix(_BOM).splitlines():
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    return (event, b"\n".join(data)) if data else None


def is_whole(data: bytes) -> bool:
    """True for JSON that was not cut, and for OpenAI's ``[DONE]``."""
    try:
        _raw(data)
    except (msgspec.MsgspecError, RecursionError):
        return data.strip() == b"[DONE]"
    return True


def sse(data: bytes, event: str = "") -> bytes:
    """One event as bytes; line breaks inside ``data`` become further data lines."""
    head = b"event: " + event.encode() + b"\ndata: " if event else b"data: "
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(data.splitlines() or [b""])
    return head + data + b"\n\n"


class JsonArray:
    """Frames JSON values as one growing array: Gemini's streams without ``alt=sse``."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = False

    def item(self, value: bytes) -> bytes:
        """The bytes that add ``value`` (JSON) to the array."""
        head = b",\r\n" if self._begun else b"["
        self._begun = True
        return head + value

    def close(self) -> bytes:
        """The bytes that end the array."""
        return b"]\n" if self._begun else b"[]\n"
