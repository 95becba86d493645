"""Streams of JSON, one value a line, to frames: an incremental decoder that may be cut anywhere.

Source: https://github.com/ndjson/ndjson-spec
"""

from __future__ import annotations

from relay.framing import MAX_FRAME, Frame, FramingError, is_whole


class JsonLines:
    """Decodes one stream. Lines that are empty are no frames."""

    __slots__ = ("_buffer", "_max")

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._max = max_frame

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their line."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The lines that ``data`` completes. Raises FramingError; the decoder is then of no more use."""
        *ended, rest = data.split(b"\n")
        frames: list[Frame] = []
        for line in ended:
            self._keep(line)
            frames += self._taken(b"\n")
        self._keep(rest)
        return frames

    def close(self) -> list[Frame]:
        """The last line, where only its end is missing: one that was cut in its middle is none."""
        if not is_whole(bytes(self._buffer)):
            self._buffer.clear()
        return self._taken(b"")

    def _keep(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > self._max:
            raise FramingError(f"A line is larger than {self._max} bytes.")

    def _taken(self, end: bytes) -> list[Frame]:
        raw = bytes(self._buffer)
        self._buffer.clear()
        line = raw.strip()
        return [Frame("", line, raw + end)] if line else []
