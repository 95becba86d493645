"""Callers with open streams: ``python -m tests.bench.readers PORT HOW`` with requests on standard input.

HOW is ``all``: what comes is read at once; or ``sip``: one byte a second.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.bench.load import READ, Request
from tests.bench.servers import ROOT

AT_ONCE = 100
PATIENCE = 120.0
"""Seconds for the opening of all."""
READY = "ready"


class TooMany(Exception):
    """The streams could not be opened."""


def main(port: int, sip: bool, requests: Sequence[bytes]) -> None:
    sockets: list[socket.socket] = []
    latest = time.monotonic() + PATIENCE
    for first in range(0, len(requests), AT_ONCE):  # not all in one moment: that is another test
        if time.monotonic() > latest:
            raise SystemExit(f"{len(sockets)} streams were open after {PATIENCE:.0f} s")
        fresh = [_open(port, sip, request) for request in requests[first : first + AT_ONCE]]
        for connection in fresh:
            _await_first_event(connection)
        sockets += fresh
    print(READY, flush=True)
    (_sip if sip else _read_all)(sockets)


def _open(port: int, sip: bool, request: bytes) -> socket.socket:
    connection = socket.socket()
    if sip:  # a small window: what is not read stays with the server
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(request)
    return connection


def _await_first_event(connection: socket.socket) -> None:
    seen = b""
    while b"data:" not in seen:
        data = connection.recv(512)
        if not data or len(seen) > 8192:
            raise SystemExit(f"no stream: {seen[:300]!r}")
        seen += data


def _read_all(sockets: list[socket.socket]) -> None:
    """Until every stream has ended."""
    epoll, left = select.epoll(), {connection.fileno(): connection for connection in sockets}
    for number in left:
        epoll.register(number, select.EPOLLIN)
    while left:
        for number, _ in epoll.poll():
            if not left[number].recv(READ):
                epoll.unregister(number)
                left.pop(number).close()


def _sip(sockets: list[socket.socket]) -> None:
    while True:
        for connection in sockets:
            connection.recv(1)
        time.sleep(1)


@contextmanager
def reading(port: int, requests: Sequence[Request], how: str = "all") -> Iterator[None]:
    """The streams of ``requests``, held open by a process of its own."""
    if not requests:
        yield
        return
    words = [sys.executable, "-m", "tests.bench.readers", str(port), how]
    process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        json.dump([(head + body).decode() for head, body in requests], process.stdin)
        process.stdin.close()
        if process.stdout.readline().strip() != READY:
            raise TooMany(f"they were not open after {PATIENCE:.0f} s")
        yield
    finally:
        process.kill()
        process.wait()


def raise_limit(wanted: int) -> int:
    """Let this process and its children have so many open files, as far as the machine allows; how many it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limits in ((wanted, max(hard, wanted)), (min(wanted, hard), hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        except (ValueError, OSError):
            continue
        return limits[0]
    return soft


if __name__ == "__main__":
    raise_limit(65_536)
    main(int(sys.argv[1]), sys.argv[2] == "sip", [text.encode() for text in json.load(sys.stdin)])
