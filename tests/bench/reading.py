"""Reads answers on one connection: just enough to know where each ends and that it is whole."""

from __future__ import annotations

WORD = b"word "
"""What the mock says, over and over."""
END = b"\r\n0\r\n\r\n"
"""The last chunk of a chunked body, with the end of the one before."""


class Reading:
    """``feed`` says when the answer at hand is complete; ``fault`` then says what is wrong with it ("" = nothing).

    ``size`` is the least that a body of known length has; a stream has so many ``words``, and ``mark`` in its end.
    """

    __slots__ = ("_head", "_left", "_parts", "begun", "fault", "mark", "size", "words")

    def __init__(self, size: int = 0, words: int = 0, mark: bytes = b"") -> None:
        self.size, self.words, self.mark = size, words, mark
        self.reset()

    def reset(self) -> None:
        """The next answer begins."""
        self.begun = False
        self.fault = ""
        self._head = b""
        self._left = 0
        self._parts: list[bytes] | None = None
        """Of a chunked body; None while the length is known."""

    def feed(self, data: bytes) -> bool:
        if not self.begun:
            return self._begin(data)
        if self._parts is not None:
            return self._chunk(data)
        self._left -= len(data)
        return self._left <= 0

    def _begin(self, data: bytes) -> bool:
        if self._head:
            data = self._head + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._head = data
            return False
        self.begun = True
        if data[9:12] != b"200":
            self.fault = data[9:12].decode("latin-1")
        at = data.find(b"ength: ", 0, end)  # Content-Length, whatever its case
        if at < 0:
            self._parts = []
            return self._chunk(data[end + 2 :])  # with the blank line, in case of a body without a chunk
        length = int(data[at + 7 : data.find(b"\r", at)])
        if length < self.size and not self.fault:
            self.fault = "short"
        self._left = length - (len(data) - end - 4)
        return self._left <= 0

    def _chunk(self, data: bytes) -> bool:
        parts = self._parts
        assert parts is not None
        parts.append(data)
        if not data.endswith(b"\n") or not b"".join(parts[-8:]).endswith(END):
            return False
        self._check(b"".join(parts))
        return True

    def _check(self, body: bytes) -> None:
        if self.fault:
            return
        # a chunk's frame may stand in the middle of a word; mostly it does not, and taking frames off costs more
        if body.count(WORD) < self.words and _unchunked(body).count(WORD) < self.words:
            self.fault = "short"
        elif self.mark not in body[-4096:]:
            self.fault = "no end"


def _unchunked(body: bytes) -> bytes:
    """The payload of a chunked body that begins with the line break before its first chunk."""
    parts, at = [], 2
    while (size := int(body[at : (end := body.find(b"\r\n", at))], 16)) > 0:
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 4 + size
    return b"".join(parts)
