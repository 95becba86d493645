"""A connection of the fast client without a socket: bytes in, what became of the answer out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from relay.upstream import Failure
from relay.upstream.http1 import Connection
from relay.upstream.pool import Pool, Shelf
from tests.relay.upstream.asking import question

AGAIN = b"HTTP/1.1 201 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\nagain\r\n0\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.reading = True

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return 0


@dataclass(frozen=True)
class Outcome:
    """What a caller sees of an answer."""

    status: int
    body: bytes
    failed: bool
    reused: bool
    headers: tuple[tuple[str, str], ...]


class Ear:
    """A sink that listens strictly."""

    def __init__(self) -> None:
        self.heard = b""
        self.ends: list[Failure | None] = []

    def data(self, data: bytes) -> None:
        assert type(data) is bytes and data and not self.ends
        self.heard += data

    def end(self, failure: Failure | None) -> None:
        assert not self.ends and (failure is None or isinstance(failure, Failure))
        self.ends.append(failure)


def outcome(pieces: Iterable[bytes], end: bool = True, method: str = "POST") -> Outcome:
    """What comes of an answer in these pieces, then of the connection's end. Needs a running event loop.

    Wherever the client wants to use the connection again, it really can.
    """
    pool, shelf = Pool(10, 10), Shelf()
    connection, wire = Connection(pool, shelf), Wire()
    connection.connection_made(wire)
    pool.add(connection)
    answer = connection.ask(question("http://provider.test", method=method))
    ear, listening = Ear(), False
    for piece in pieces:
        if wire.closed:  # a closed transport delivers nothing
            break
        connection.data_received(piece)
        if answer.status and not listening:
            answer.flow(ear)
            listening = True
    reused = not wire.closed and shelf == [connection]
    assert reused or wire.closed or not answer.over
    if reused:
        _used_again(connection, wire)
    if end and not wire.closed:
        connection.eof_received()
    connection.connection_lost(None)
    pool.close()
    assert wire.closed and answer.over and answer.connection is None and shelf == []
    assert len(ear.ends) == listening
    failed = not listening or ear.ends[0] is not None
    assert wire.reading or not reused
    return Outcome(answer.status, ear.heard, failed, reused, tuple(sorted(answer.headers.items())))


def _used_again(connection: Connection, wire: Wire) -> None:
    connection.shelf.clear()
    answer, ear = connection.ask(question("http://provider.test")), Ear()
    connection.data_received(AGAIN)
    answer.flow(ear)
    assert (answer.status, ear.heard, ear.ends) == (201, b"again", [None])
    assert connection.shelf == [connection] and not wire.closed


def consistent(raw: bytes, cuts: Iterable[int], method: str = "POST") -> Outcome:
    """The outcome of ``raw``, which must be the same however it is cut."""
    whole = outcome([raw], method=method)
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    found = outcome([raw[start:end] for start, end in itertools.pairwise(places)], method=method)
    for one in (whole, found):
        assert (one.status, one.body, one.failed, one.headers) == (
            whole.status,
            whole.body,
            whole.failed,
            whole.headers,
        )
    return whole
