"""Bodies that come packed although that was not asked for: unpacked, within bounds."""

from __future__ import annotations

import zlib

from relay.upstream.failure import Failure, too_large

LARGEST_STEP = 16 * 1024 * 1024
"""Bytes that one read may unpack to: forty times what texts need, far from what a bomb wants."""

_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 47}


class Inflater:
    """Unpacks one body, piece by piece."""

    def __init__(self, coding: str) -> None:
        window = _WINDOW.get(coding.strip().lower())
        if window is None:  # br, zstd, several at once: nobody may send these unasked
            raise Failure("broken", "The provider packed its answer in a way that was not asked for.")
        self._object = zlib.decompressobj(window)
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        """What ``data`` unpacks to; raises Failure."""
        self._begun = True
        try:
            if self._object.eof:  # zlib would keep all that follows
                raise zlib.error
            found = self._object.decompress(data, LARGEST_STEP)
        except zlib.error:
            raise Failure("broken", "The provider's answer can't be unpacked.") from None
        if self._object.unconsumed_tail:
            raise too_large()
        return found

    def close(self) -> Failure | None:
        """The body has ended; a failure when what was packed has not."""
        if self._begun and not self._object.eof:
            return Failure("broken", "The provider's answer ended in the middle.")
        return None


def inflater(coding: str | None) -> Inflater | None:
    """What unpacks a body with this ``content-encoding``; None when it is not packed. Raises Failure."""
    if not coding or coding.strip().lower() == "identity":
        return None
    return Inflater(coding)
