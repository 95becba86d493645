"""An upload on disk: a file that has no name, so nothing is left of it when its request or the process has ended."""

from __future__ import annotations

import base64
import io
import os
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

from relay.upstream import Body, bytes_of


class Spool:
    """Written once from front to end, read as often as wanted; see ``Body``."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the request
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def write(self, data: bytes) -> None:
        """Add bytes. Raises OSError."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._size += len(data)

    def piece(self, at: int, size: int) -> bytes:
        """See ``Body``."""
        try:
            return os.pread(self._file.fileno(), size, at)
        except ValueError as error:  # it is closed
            raise OSError(str(error)) from None

    def close(self) -> None:
        """Give the disk's space back."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Edited:
    """A spool with other bytes in one place; see ``Body``."""

    spool: Spool
    start: int
    end: int
    instead: bytes

    def __len__(self) -> int:
        return len(self.spool) - (self.end - self.start) + len(self.instead)

    def piece(self, at: int, size: int) -> bytes:
        """See ``Body``."""
        inside = at - self.start
        if inside < 0:
            return self.spool.piece(at, min(size, -inside))
        if inside < len(self.instead):
            return self.instead[inside : inside + size]
        return self.spool.piece(inside - len(self.instead) + self.end, size)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A part of a body in base64; see ``Body``."""

    body: Body
    start: int
    size: int

    def __len__(self) -> int:
        return -(-self.size // 3) * 4

    def piece(self, at: int, size: int) -> bytes:
        """See ``Body``."""
        first, last = at // 4 * 3, min((at + size + 3) // 4 * 3, self.size)
        return base64.b64encode(bytes_of(self.body, self.start + first, last - first))[at % 4 :][:size]


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text with files in it; see ``Body``. ``starts``: where each piece begins, and where the last one ends."""

    pieces: tuple[bytes | Body, ...]
    starts: tuple[int, ...]

    @classmethod
    def put(cls, text: bytes, files: Iterable[tuple[bytes, Body]]) -> Self:
        """Each file in the place of its mark; marks stand in the order of their files."""
        pieces: list[bytes | Body] = []
        for mark, body in files:
            head, found, tail = text.partition(mark)
            if found:
                pieces += [head, body]
                text = tail
        pieces.append(text)
        return cls(tuple(pieces), tuple(accumulate(map(len, pieces), initial=0)))

    def __len__(self) -> int:
        return self.starts[-1]

    def piece(self, at: int, size: int) -> bytes:
        """See ``Body``."""
        nth = bisect_right(self.starts, at) - 1
        inside, found = at - self.starts[nth], self.pieces[nth]
        return found[inside : inside + size] if isinstance(found, bytes) else found.piece(inside, size)


class Window(io.RawIOBase):
    """One file of an upload, for those who read files."""

    def __init__(self, body: Body, start: int, size: int, looks: int = sys.maxsize) -> None:
        """``looks``: so many reads, then OSError."""
        self._body, self._start, self._size, self._looks = body, start, size, looks
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(len(buffer), self._size - self._at)
        if size <= 0:
            return 0
        if self._looks <= 0:
            raise OSError("the file has been looked at too often")
        self._looks -= 1
        piece = self._body.piece(self._start + self._at, size)
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
