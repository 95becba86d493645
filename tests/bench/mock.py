"""A fast upstream for benchmarks: ``python -m tests.bench.mock PORT``. One epoll loop, no parser, answers made before.

It speaks the format that the path names. A whole answer has 1.4 kB. A stream has 100 chunks, each written alone,
as a model makes them; the model's name says how: ``bench`` at once, ``paced`` one each 20 ms, ``slow`` one a
second, ``idle`` the first and then nothing, ``endless`` as fast as they are taken, for ever.
"""

from __future__ import annotations

import heapq
import itertools
import random
import re
import select
import socket
import sys
import time
from dataclasses import dataclass

from tests.bench.answers import Script, script

PACES = {"paced": 0.02, "slow": 1.0}
FORMATS = (
    (b"/chat/completions", "openai_chat"),
    (b"/messages", "anthropic"),
    (b"/responses", "openai_responses"),
    (b"enerateContent", "gemini"),
)
_MODEL = re.compile(rb'"model":\s*"([^"]*)"|/models/([^:/]+):')
READ = 65_536
"""Bytes at once; a buffer beyond 128 kB costs a system call to get and one to give back, four times the read itself."""
EDGE = 600
"""Where a long body is looked at: the text in its middle tells nothing."""


@dataclass(eq=False, slots=True)
class Caller:
    """One connection, and the stream that it is being told."""

    socket: socket.socket
    edge: bytes = b""
    """The beginning of a request that has not come whole."""
    left: int = 0
    """What it lacks, when that is known."""
    script: Script | None = None
    sent: int = 0
    """Pieces of the stream so far."""
    endless: bool = False
    pace: float = 0
    unsent: bytes = b""


class Mock:
    """Answers all that is ready, then gives each running stream its next piece, and so on."""

    def __init__(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._epoll = select.epoll()
        self._epoll.register(listener, select.EPOLLIN)
        self._callers: dict[int, Caller] = {}
        self._paths: dict[bytes, tuple[Script, bool]] = {}
        self._bursts: set[Caller] = set()
        self._told = 0
        """Bytes of endless streams; ``GET`` anything asks for it."""
        self._paced: list[tuple[float, int, Caller]] = []
        """A heap: when the next piece is due, a number that tells two of one moment apart, whose it is."""
        self._numbers = itertools.count()
        self._chance = random.Random(8).random

    def run(self) -> None:
        listener = self._listener.fileno()
        while True:
            for number, event in self._events():
                if number == listener:
                    self._accept()
                elif event & select.EPOLLOUT:
                    self._writable(self._callers[number])
                else:
                    self._readable(self._callers[number])
            for caller in list(self._bursts):
                self._next_piece(caller)
            if self._paced:
                self._tick(time.monotonic())

    def _events(self) -> list[tuple[int, int]]:
        if self._bursts:
            return self._epoll.poll(0)
        if self._paced:
            # epoll waits in whole milliseconds, which would bunch the streams' chunks
            select.select([self._epoll.fileno()], (), (), max(0.0, self._paced[0][0] - time.monotonic()))
            return self._epoll.poll(0)
        return self._epoll.poll()

    def _accept(self) -> None:
        for _ in range(64):
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._callers[connection.fileno()] = Caller(connection)
            self._epoll.register(connection, select.EPOLLIN)

    def _readable(self, caller: Caller) -> None:
        try:
            data = caller.socket.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return self._lost(caller)
        if caller.left:  # of a body whose head is known
            caller.left -= len(data)
            caller.edge += data[: max(0, 2 * EDGE - len(caller.edge))]
            if caller.left <= 0:
                self._answer(caller, caller.edge + data[-EDGE:])
            return
        if caller.edge:
            data = caller.edge + data
        lacking = missing(data)
        if lacking == 0:
            self._answer(caller, data)
        elif lacking > 0:
            caller.edge, caller.left = data[: 2 * EDGE], lacking
        else:
            caller.edge = data

    def _answer(self, caller: Caller, request: bytes) -> None:
        """``request``: as it came, or the edges of a long one."""
        caller.edge, caller.left = b"", 0
        line = request[: request.find(b"\r")]
        if line.startswith(b"GET "):
            body = b'{"endless":%d}' % self._told
            return self._send(caller, b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        path = self._paths.get(line)
        if path is None:
            path = self._paths[line] = path_of(line)
        answers, stream = path
        if not (stream or b'"stream":true' in request or b'"stream": true' in request):
            return self._send(caller, answers.whole)
        found = _MODEL.search(request)
        model = (found[1] or found[2]).decode().partition("@")[0] if found else ""
        caller.script, caller.sent, caller.endless = answers, 0, model == "endless"
        caller.pace = PACES.get(model, 0)
        if caller.endless:  # what is not taken stays here, not in the kernel
            caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, READ)
        self._send(caller, answers.head)
        if model == "idle":
            self._send(caller, answers.pieces[0])
        elif caller.pace:
            # many are opened at once: each gets a beat of its own after its first piece
            self._next_piece(caller)
            self._queue(caller, time.monotonic() + caller.pace * (0.5 + self._chance() / 2))
        else:
            self._bursts.add(caller)

    def _next_piece(self, caller: Caller) -> bool:
        """Send one; False when it was the last."""
        answers = caller.script
        if answers is None:
            return False
        if caller.sent < len(answers.pieces):
            caller.sent += 1
            self._send(caller, answers.pieces[caller.sent - 1])
            self._told += caller.endless and len(answers.pieces[caller.sent - 1])
            if caller.endless and caller.sent == len(answers.pieces):
                caller.sent = 1  # the first may begin the stream
            return True
        self._bursts.discard(caller)
        caller.script = None
        self._send(caller, answers.tail)
        return False

    def _queue(self, caller: Caller, due: float) -> None:
        heapq.heappush(self._paced, (due, next(self._numbers), caller))

    def _tick(self, now: float) -> None:
        paced = self._paced
        while paced and paced[0][0] <= now:
            due, _, caller = heapq.heappop(paced)
            if self._next_piece(caller):
                self._queue(caller, due + caller.pace)

    def _send(self, caller: Caller, data: bytes) -> None:
        if caller.unsent:
            caller.unsent += data
            return
        try:
            sent = caller.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return self._lost(caller)
        if sent < len(data):  # a slow reader: its stream waits until it has room
            caller.unsent = data[sent:]
            self._bursts.discard(caller)
            self._epoll.modify(caller.socket, select.EPOLLIN | select.EPOLLOUT)

    def _writable(self, caller: Caller) -> None:
        data, caller.unsent = caller.unsent, b""
        self._send(caller, data)
        if not caller.unsent and caller.socket.fileno() >= 0:
            self._epoll.modify(caller.socket, select.EPOLLIN)
            if caller.script is not None and not caller.pace:
                self._bursts.add(caller)

    def _lost(self, caller: Caller) -> None:
        number = caller.socket.fileno()
        if number >= 0:
            self._epoll.unregister(number)
            caller.socket.close()
            del self._callers[number]
        self._bursts.discard(caller)
        caller.script, caller.unsent = None, b""


def path_of(line: bytes) -> tuple[Script, bool]:
    """What a request line asks for: the format, and whether the path itself asks for a stream."""
    return script(next((name for end, name in FORMATS if end in line), "openai_chat")), b":stream" in line


def missing(data: bytes) -> int:
    """Bytes that the request lacks; -1 while that is not known."""
    end = data.find(b"\r\n\r\n") + 4
    if end < 4:
        return -1
    head = data[:end].lower()
    at = head.find(b"content-length:")
    if at >= 0:
        return max(0, end + int(head[at + 15 : head.find(b"\r", at)]) - len(data))
    return -1 if b"transfer-encoding:" in head and not data.endswith(b"0\r\n\r\n") else 0


def main(port: int) -> None:
    Mock(socket.create_server(("127.0.0.1", port), backlog=4096)).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
