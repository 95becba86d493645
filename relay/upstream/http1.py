"""One HTTP/1.1 connection to a provider: one question at a time, its answer parsed by llhttp in strict mode.

The parser's callbacks set flags only: an exception there would look like an error of the provider.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from relay.upstream.body import Unsent
from relay.upstream.coding import inflater
from relay.upstream.failure import Failure, garbage, too_large
from relay.upstream.head import LARGEST_HEAD, Head, last_head
from relay.upstream.http1_answer import Http1Answer
from relay.upstream.outgoing import Outgoing

if TYPE_CHECKING:
    from relay.upstream.pool import Pool, Shelf

JOINED = 64 * 1024
"""Bodies up to so many bytes are copied into one buffer with their head; larger ones are written as they lie."""

SLICE = 256 * 1024
"""Bytes of a larger body that are handed over at once; the rest waits until the provider has read."""

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Connection(asyncio.Protocol):
    """Made by the pool; ``answer`` is what it waits for, None while it is idle."""

    transport: asyncio.Transport

    def __init__(self, pool: Pool, shelf: Shelf) -> None:
        self.shelf = shelf
        self.loop = asyncio.get_running_loop()
        self.answer: Http1Answer | None = None
        self.quiet = 0
        """Ticks without a sign of life."""
        self.gone = False
        self._pool = pool
        self._parser = HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._raw = b""
        self._open = self._complete = self._keep = self._surplus = False
        self._status = 0
        self._interim = 0
        self._bodiless = False
        self._big = False
        self._choked = False
        self._unsent: Unsent | None = None
        self._backlog = 0
        self._padding = 0

    # --- for client and pool ---

    def ask(self, outgoing: Outgoing) -> Http1Answer:
        """Write the request; the answer fills itself."""
        answer = Http1Answer(self)
        if self.transport.is_closing():
            self._lost(answer, None)
            return answer
        self.answer = answer
        self.quiet = self._interim = self._padding = 0
        self._open = self._complete = self._keep = self._surplus = self._big = False
        self._raw = b""
        self._write(outgoing)
        return answer

    def tick(self, patience: int, idle: int) -> None:
        """A moment has passed."""
        answer = self.answer
        self.quiet += 1
        if answer is None:
            if self.quiet > idle:
                self.transport.abort()
        elif answer.finishing:
            answer.finishing += 1
            if answer.finishing > 2:
                answer.give_up()
        elif answer.waits or (self._big and self._uploads()):
            self.quiet = 0
        elif self.quiet > patience:
            answer.fail(Failure("timeout", "The provider did not answer in time."))

    def cut(self) -> None:
        """Close at once; the answer is told by whoever cuts."""
        self.answer = self._unsent = None
        self.gone = True
        self.transport.abort()

    def stop_reading(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def go_on_reading(self) -> None:
        self.quiet = 0
        if not self.transport.is_closing():
            self.transport.resume_reading()

    # --- for the event loop ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        answer = self.answer
        if answer is None:  # nobody asked: whatever it is, the next answer can't be trusted
            self.transport.abort()
            return
        self.quiet = 0
        broken = False
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            broken, self._surplus = not self._complete, True
        new = answer.status == 0
        if new and not self._take_head(answer, data, broken):
            return
        if self._parts:
            self._push(answer)
        elif not self._complete and not new:
            self._pad(answer, len(data))
        if self.answer is not answer:  # closed by its sink, or too large
            return
        if broken:
            answer.fail(garbage())
        elif self._complete:
            self._finish(answer)
        elif new:
            answer.wake()

    def eof_received(self) -> None:
        self._hung_up(None)
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._hung_up(exc)
        self._pool.lost(self)
        # the parser holds our methods
        del self._parser

    def pause_writing(self) -> None:
        self._choked = True

    def resume_writing(self) -> None:
        self._choked = False
        self._write_on()

    # --- for the parser ---

    def on_message_begin(self) -> None:
        if self._complete:
            self._surplus = True

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        self._status = self._parser.get_status_code()
        if 100 <= self._status < 200:
            self._interim += 1
            return
        self._open = True
        if self._bodiless:
            self._complete, self._keep = True, self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        if self._complete:
            self._surplus = True
        else:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        if self._open and not self._complete:
            self._complete, self._keep = True, self._parser.should_keep_alive()

    # --- reading ---

    def _take_head(self, answer: Http1Answer, data: bytes, broken: bool) -> bool:
        """True once the head is complete and acceptable."""
        self._raw = self._raw + data if self._raw else data
        if not self._open:
            if broken:
                answer.fail(garbage())
            elif len(self._raw) > LARGEST_HEAD:
                answer.fail(too_large())
            return False
        raw, self._raw = last_head(self._raw, self._interim), b""
        head = Head(raw)
        try:
            self._accept(answer, head, raw)
        except Failure as failure:
            answer.fail(failure)
            return False
        return True

    def _accept(self, answer: Http1Answer, head: Head, raw: bytes) -> None:
        coding = head.get("transfer-encoding")
        if not raw.startswith(b"HTTP/1.") or self._status < 100 or len(raw) > LARGEST_HEAD:
            raise garbage()
        if coding is not None and (coding.lower() != "chunked" or not raw.startswith(b"HTTP/1.1")):
            raise garbage()
        if not raw.startswith(b"HTTP/1.1"):
            self._surplus = True  # what HTTP/1.0 says about keeping connections is not worth trusting
        answer.begin(self._status, head, inflater(head.get("content-encoding")))

    def _push(self, answer: Http1Answer) -> None:
        parts, self._parts = self._parts, []
        self._padding = 0
        answer.push(parts[0] if len(parts) == 1 else b"".join(parts))

    def _pad(self, answer: Http1Answer, size: int) -> None:
        """Bytes that are no body: chunk sizes with extensions, trailers. They may not go on for ever."""
        self._padding += size
        if self._padding > LARGEST_HEAD:
            answer.fail(garbage())

    def _finish(self, answer: Http1Answer) -> None:
        """The answer is complete: the connection is free before anybody hears of it."""
        self.answer = None
        if answer.waits:
            self.go_on_reading()
        if self._bodiless:
            self._parser = HttpResponseParser(self)  # the old one waits for a body
        unsent = self._big and (self._unsent is not None or self.transport.get_write_buffer_size() > 0)
        if self._keep and not self._surplus and not unsent:
            self._pool.release(self)
        else:
            self._unsent = None
            self.transport.abort()
        answer.end(None)

    def _hung_up(self, exc: Exception | None) -> None:
        answer, self.answer = self.answer, None
        self._unsent = None
        if answer is not None:
            self._lost(answer, exc)

    def _lost(self, answer: Http1Answer, exc: Exception | None) -> None:
        if answer.status and exc is None and self._until_close(answer):
            answer.end(None)
            return
        answer.stale = not self._raw and answer.status == 0
        answer.end(Failure("broken", "The connection to the provider broke."))

    def _until_close(self, answer: Http1Answer) -> bool:
        """True for an answer that the connection's end ends."""
        return not {"content-length", "transfer-encoding"} & set(answer.headers)

    # --- writing ---

    def _write(self, outgoing: Outgoing) -> None:
        template, body = outgoing.template, outgoing.body
        self._bodiless = template.method == "HEAD"
        if not body and template.method not in _WITH_BODY:
            self.transport.write(template.head + b"\r\n")
        elif isinstance(body, bytes) and len(body) <= JOINED:
            self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (template.head, len(body), body))
        else:
            self._big, self._backlog = True, -1
            self.transport.write(b"%bcontent-length: %d\r\n\r\n" % (template.head, len(body)))
            self._unsent = Unsent(body)
            self._write_on()

    def _write_on(self) -> None:
        while self._unsent is not None and not self._choked:
            unsent = self._unsent
            try:
                piece = unsent.take(SLICE)
            except OSError:
                return self._unreadable()
            if not unsent:
                self._unsent = None
            self.transport.write(piece)

    def _unreadable(self) -> None:
        """The disk does not give back what was written to it: the provider waits for the rest in vain."""
        self._unsent = None
        if self.answer is not None:  # in the next turn: whoever asked does not listen yet
            failure = Failure("other", "The upload can't be read any more.")
            asyncio.get_running_loop().call_soon(self.answer.fail, failure)

    def _uploads(self) -> bool:
        """True while the provider reads the request, however slowly."""
        backlog = self.transport.get_write_buffer_size() + len(self._unsent or b"")
        moved, self._backlog = backlog != self._backlog, backlog
        return moved
