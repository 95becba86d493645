"""The load generator counts an answer only when it is whole."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.bench.answers import CHUNKS, ENDS, script
from tests.bench.load import Figures, Load, post, run_load
from tests.bench.reading import Reading
from tests.bench.servers import mock

WHOLE = script("openai_chat").whole
STREAM = b"".join((script("openai_chat").head, *script("openai_chat").pieces, script("openai_chat").tail))
MARK = ENDS["openai_chat"]
BODY = b'{"model":"bench"}'


@contextmanager
def answering(answer: bytes, cut: bool) -> Iterator[int]:
    """A server that gives callers ``answer``, and hangs up when it is ``cut``; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    while connection.recv(65_536):
                        connection.sendall(answer)
                        if cut:
                            break

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def ask(port: int, count: int = 3, **more: object) -> Figures:
    load = Load(port, [post("/", BODY, {})], 1, 30, 0, count=count, size=1000, words=CHUNKS, mark=MARK)
    return run_load(replace(load, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [WHOLE, STREAM], ids=["whole", "stream"])
def test_an_answer_ends_at_its_last_byte_wherever_it_is_cut(answer: bytes) -> None:
    for cut in range(1, len(answer)):
        reading = Reading(1000, CHUNKS, MARK)
        assert [reading.feed(answer[:cut]), reading.feed(answer[cut:])] == [False, True], cut
        assert reading.fault == ""


def test_an_answer_in_single_bytes_ends_at_its_last() -> None:
    reading = Reading(1000, CHUNKS, MARK)
    assert [reading.feed(STREAM[at : at + 1]) for at in range(len(STREAM))].index(True) == len(STREAM) - 1
    assert reading.fault == ""


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (WHOLE.replace(b"200 OK", b"502 Bad Gateway"), "502"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "short"),
        (WHOLE[:-1], "lost"),
        (STREAM.replace(b"data: [DONE]", b"data: [DOOR]"), "no end"),
        (STREAM[:-5], "lost"),
        (STREAM.replace(script("openai_chat").pieces[0], b"", 1), "short"),
        (b"", "lost"),
    ],
)
def test_what_is_not_whole_is_a_failure(answer: bytes, fault: str) -> None:
    with answering(answer, fault == "lost") as port:
        figures = ask(port)
    assert (figures.total, figures.faults) == (0, {fault: 3})


def test_a_frame_in_the_middle_of_a_word_makes_no_answer_short() -> None:
    payload = b"".join(piece.partition(b"\r\n")[2][:-2] for piece in script("openai_chat").pieces)
    cut = payload.index(b"word ") + 2
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (payload[:cut], payload[cut:], b"[DONE]"))
    reading = Reading(1000, CHUNKS, MARK)
    assert reading.feed(script("openai_chat").head + framed + b"0\r\n\r\n")
    assert reading.fault == ""


def test_a_held_rate_asks_by_the_clock() -> None:
    with mock() as server:
        figures = ask(server.port, count=20, rate=200)
    assert (figures.total, figures.failures) == (20, 0)
