"""The load generator counts an answer only when it is whole."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bench.answers import ENDS, script
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
    return run_load(Load(port, [post("/", BODY, {})], 1, 30, 0, count=count, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [WHOLE, STREAM], ids=["whole", "stream"])
def test_an_answer_ends_at_its_last_byte_wherever_it_is_cut(answer: bytes) -> None:
    for cut in range(1, len(answer)):
        reading = Reading(MARK if answer is STREAM else b"", 1000)
        assert [reading.feed(answer[:cut]), reading.feed(answer[cut:])] == [False, True], cut
        assert reading.fault == ""


def test_an_answer_in_single_bytes_ends_at_its_last() -> None:
    reading = Reading(MARK, 1000)
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
        (script("openai_chat").head + script("openai_chat").tail, "short"),
        (b"", "lost"),
    ],
)
def test_what_is_not_whole_is_a_failure(answer: bytes, fault: str) -> None:
    mark = MARK if answer.startswith(script("openai_chat").head) else b""
    with answering(answer, fault == "lost") as port:
        figures = ask(port, mark=mark, size=1000)
    assert (figures.total, figures.faults) == (0, {fault: 3})


def test_a_held_rate_asks_by_the_clock() -> None:
    with mock() as server:
        figures = ask(server.port, count=20, rate=200)
    assert (figures.total, figures.failures) == (20, 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", b'{"stream":true,"model":"bench"}'),
        ("/v1/messages", b'{"stream": true,"model":"bench@anthropic"}'),
        ("/v1beta/models/bench@gemini:streamGenerateContent?alt=sse", b"{}"),
        ("/v1/chat/completions", b'{"model":"paced","stream":true}'),
        ("/v1/chat/completions", b'{"model":"bench","messages":"' + b"word " * 50_000 + b'","stream":true}'),
    ],
)
def test_the_mock_tells_the_whole_stream_in_the_format_of_the_path(path: str, body: bytes) -> None:
    format = {"messages": "anthropic", "models/bench@gemini": "gemini"}
    name = next((found for part, found in format.items() if part in path), "openai_chat")
    with mock() as server:
        load = Load(server.port, [post(path, body, {})], 4, 30, 0, count=8, mark=ENDS[name], size=10_000)
        figures = run_load(load)
    assert (figures.total, figures.faults) == (8, {})


def test_the_mock_takes_a_request_cut_anywhere() -> None:
    request = b"".join(post("/v1/chat/completions", b'{"model":"bench","stream":true}', {}))
    with mock() as server:
        for cut in range(1, len(request)):
            with socket.create_connection(("127.0.0.1", server.port)) as caller:
                caller.sendall(request[:cut])
                caller.sendall(request[cut:])
                reading = Reading(MARK, 1000)
                while not reading.feed(caller.recv(65_536)):
                    pass
                assert reading.fault == ""


def test_a_caller_that_does_not_read_is_not_sent_more_than_it_takes() -> None:
    with mock() as server, socket.create_connection(("127.0.0.1", server.port)) as caller:
        caller.sendall(b"".join(post("/v1/chat/completions", b'{"model":"endless","stream":true}', {})))
        ask(server.port)  # others are answered
        assert server.memory_mb() < 200
