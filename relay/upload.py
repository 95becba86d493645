"""An upload on its way in: copied to disk while it is read, so that no attempt needs it in memory."""

from __future__ import annotations

from openopen8.core.errors import Problem
from relay.form import LARGEST_HEADER, Form, FormReader, boundary_of, type_of
from relay.gate import Gate
from relay.incoming import Incoming
from relay.intake import UNASKED, next_part, too_large
from relay.room import Kept
from relay.spool import Edited, Spool
from relay.upstream import Body, bytes_of

LARGEST_HEAD = 8 * LARGEST_HEADER + 1024
"""Bytes from a delimiter to the content of its part."""


class Upload:
    """One upload; ``form`` is there once all has been read. ``copied``: what is sent is another file as large."""

    form: Form

    def __init__(self, content_type: str, kept: Kept, copied: bool = False) -> None:
        boundary = boundary_of(content_type)
        self.content_type = type_of(boundary)
        self._mark = b"--" + boundary
        self._reader = FormReader(boundary)
        self._kept = kept
        self._times = 2 if copied else 1
        self._spool = Spool()
        self._copy: Spool | None = None

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises Problem."""
        self._reader.feed(data)
        self._kept.take(self._times * len(data))
        try:
            self._spool.write(data)
        except OSError:
            raise _full() from None

    def end(self) -> None:
        """All has come. Raises Problem 400."""
        self.form = self._reader.close(self._spool)

    def under(self, model: str) -> Body:
        """The bytes to send under the upstream's name of the model: every other one as it came."""
        part, name = self.form.part("model"), model.encode()
        if part is None or part.value == name:
            return self._spool
        return Edited(self._spool, part.start, part.start + part.size, name)

    def without(self, name: str) -> Body:
        """The bytes without a field that is looked at."""
        part = self.form.part(name)
        if part is None:
            return self._spool
        begin = max(0, part.start - LARGEST_HEAD)
        # the boundary stands nowhere but between parts, and the parser takes CRLF alone for a line's end
        begin += bytes_of(self._spool, begin, part.start - begin).rfind(self._mark)
        return Edited(self._spool, begin, part.start + part.size + len(b"\r\n"), b"")

    def copy(self) -> Spool:
        """A file for what is sent instead; it takes the place of the one of an earlier attempt. Raises Problem."""
        if self._copy is not None:
            self._copy.close()
        try:
            self._copy = Spool()
        except OSError:
            raise _full() from None
        return self._copy

    def close(self) -> None:
        """Forget it."""
        if self._copy is not None:
            self._copy.close()
        self._spool.close()
        self._kept.give_back()


async def read_upload(gate: Gate, request: Incoming) -> Form:
    """All of it, to disk; raises as ``read_body`` does. What is wrong with the form is told after its end."""
    knocked = request.declared is not None and request.declared <= UNASKED
    if request.declared is not None and not knocked:
        await gate.ledger.knock(request.ask())
        knocked = True
    upload, wrong = None, None
    try:
        copied = request.route.ability == "files"
        upload = request.upload = Upload(request.content_type, Kept(gate.disk), copied)
    except Problem as problem:
        wrong = problem
    except OSError:
        wrong = _full()
    size, more = 0, True
    while more:
        part, more = await next_part(request, gate.settings.body_timeout)
        size += len(part)
        if size > UNASKED and not knocked:
            await gate.ledger.knock(request.ask())
            knocked = True
        if size > gate.settings.max_body_bytes:
            raise too_large(gate.settings.max_body_bytes)
        wrong = wrong or _fed(upload, part, more)
    if wrong is not None:
        raise wrong
    assert upload is not None
    return upload.form


def _full() -> Problem:
    return Problem(503, "overloaded", "The gateway has no room on its disk. Try again.", headers={"retry-after": "1"})


def _fed(upload: Upload | None, part: bytes, more: bool) -> Problem | None:
    """Take the next bytes; returns what is wrong with them."""
    assert upload is not None
    try:
        upload.feed(part)
        if not more:
            upload.end()
    except Problem as problem:
        return problem
    return None
