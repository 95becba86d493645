"""The body of a request to a provider: in memory, or too large for that."""

from __future__ import annotations

from typing import Protocol


class Body(Protocol):
    """A body that does not lie in memory; it may be sent several times, so each reading starts anew."""

    def __len__(self) -> int: ...

    def piece(self, at: int, size: int) -> bytes:
        """At least one byte and at most ``size``, from the place ``at`` on. Raises OSError."""


def bytes_of(body: Body, start: int, size: int) -> bytes:
    """A part of a body as a whole. Raises OSError."""
    found = bytearray()
    while len(found) < size:
        piece = body.piece(start + len(found), size - len(found))
        if not piece:
            raise OSError("the body is shorter than it was said to be")
        found += piece
    return bytes(found)


class Unsent:
    """What of a large body has not been handed over yet."""

    __slots__ = ("_at", "_body", "_left")

    def __init__(self, body: bytes | Body) -> None:
        self._body = memoryview(body) if isinstance(body, bytes) else body
        self._at = 0
        self._left = len(body)

    def __len__(self) -> int:
        return self._left

    def take(self, size: int) -> bytes | memoryview:
        """The next bytes, at most ``size``. Raises OSError."""
        at = self._at
        piece = self._body[at : at + size] if isinstance(self._body, memoryview) else self._body.piece(at, size)
        if not piece:
            raise OSError("the body is shorter than it was said to be")
        self._at += len(piece)
        self._left -= len(piece)
        return piece
