"""Drives the relay through its door at the HTTP protocol, over a transport without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httptools
import uvicorn
from uvicorn.server import ServerState

from openopen8.server import door
from relay.app import Relay
from tests.relay.reply import Reply, Watch

PIECE = 65536


class Lobby:
    """What uvicorn keeps of one server: made once for a relay, its connections come and go."""

    def __init__(self, relay: Relay) -> None:
        self.config = uvicorn.Config(relay, **door.options(relay))  # type: ignore[arg-type]
        self.config.load()
        self.state = ServerState()

    def connect(self, transport: Line) -> Any:
        protocol: Any = self.config.http_protocol_class(
            config=self.config, server_state=self.state, app_state={}, _loop=asyncio.get_running_loop()
        )
        protocol.connection_made(transport)
        return protocol


class Line(asyncio.Transport):
    """A connection's server side: keeps what is written, and breaks when it is told to."""

    def __init__(self, peer: str, written: Callable[[bytes], None]) -> None:
        super().__init__({"peername": (peer, 12345), "sockname": ("127.0.0.1", 80)})
        self.closed = False
        self.reading = asyncio.Event()
        self.reading.set()
        self.lost: Callable[[Exception | None], None] = lambda _: None
        self._written = written

    def write(self, data: Any) -> None:
        if not self.closed:
            self._written(bytes(data))

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.lost, None)

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading.clear()

    def resume_reading(self) -> None:
        self.reading.set()

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False


class WireTalk:
    """One request on a connection of its own. ``break_at``: so many pieces (head, chunks, end) and it breaks."""

    def __init__(
        self, lobby: Lobby, request: bytes, peer: str, break_at: int | None = None, watch: Watch | None = None
    ) -> None:
        self.reply = Reply()
        self._break_at = break_at
        self._sent = 0
        self._watch = watch
        self._news = asyncio.Condition()
        self._over = asyncio.Event()
        self._line = Line(peer, self._written)
        self._parser = httptools.HttpResponseParser(self)
        self._protocol = lobby.connect(self._line)
        self._line.lost = self._lost
        self._lobby = lobby
        self._rest = [request[at : at + PIECE] for at in range(0, len(request), PIECE)]
        self._begun: set[asyncio.Task[None]] = set()
        self._telling: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._run())

    @property
    def done(self) -> bool:
        """True once the relay has done with the request."""
        return self._task.done()

    @property
    def unread(self) -> int:
        """Pieces of the request that were not taken."""
        return len(self._rest)

    async def until(self, part: bytes) -> None:
        """Wait until the caller has got ``part``."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: part in self.reply.body or self.done), 20)
        assert part in self.reply.body, self.reply.body

    def leave(self) -> None:
        """Hang up."""
        self._line.close()

    async def end(self) -> Reply:
        """Wait until the relay has done with the request."""
        await asyncio.wait_for(self._task, 30)
        return self.reply

    async def cancel(self) -> None:
        """As a server that is told to stop at once."""
        for task in self._mine():
            task.cancel()
        await asyncio.gather(*self._mine(), return_exceptions=True)
        self._line.close()
        await asyncio.gather(self._task, return_exceptions=True)

    # -- the wire ------------------------------------------------------------------------------------

    async def _run(self) -> None:
        tasks = self._lobby.state.tasks
        while self._rest and not self._over.is_set():
            if self._line.reading.is_set():
                before = set(tasks)
                self._protocol.data_received(self._rest.pop(0))
                self._begun |= tasks - before
            await asyncio.sleep(0)
        await self._over.wait()
        await asyncio.gather(*self._mine(), return_exceptions=True)
        self._line.close()
        async with self._news:
            self._news.notify_all()

    def _mine(self) -> set[asyncio.Task[None]]:
        return self._begun & self._lobby.state.tasks

    def _lost(self, error: Exception | None) -> None:
        self._over.set()
        self._protocol.connection_lost(error)

    def _written(self, data: bytes) -> None:
        for piece in _pieces(data, self.reply.status == 0):
            self._sent += 1
            if self._sent == self._break_at:
                return self._line.close()
            self._parser.feed_data(piece)
        self._telling = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    # -- the parser's words --------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        self.reply.headers[name.decode()] = value.decode()

    def on_headers_complete(self) -> None:
        self.reply.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if self._watch is not None:
            self._watch({"type": "http.response.body", "body": body})
        self.reply.body += body

    def on_message_complete(self) -> None:
        self.reply.whole = True
        self._over.set()


def _pieces(data: bytes, begins: bool) -> list[bytes]:
    """Head and rest apart, as an ASGI server would send them."""
    if not begins:
        return [data]
    head, blank, rest = data.partition(b"\r\n\r\n")
    return [head + blank, rest] if rest else [head + blank]
