"""The mock upstream tells what it is asked for, whole, however requests come and answers are taken."""

from __future__ import annotations

import json
import socket
import time
from urllib.request import urlopen

import pytest

from tests.bench.answers import CHUNKS, ENDS
from tests.bench.load import Load, post, run_load
from tests.bench.reading import Reading
from tests.bench.servers import mock
from tests.server.processes import until


@pytest.mark.parametrize(
    ("format", "path", "body"),
    [
        ("openai_chat", "/v1/chat/completions", b'{"stream":true,"model":"bench"}'),
        ("openai_chat", "/v1/chat/completions", b'{"model":"paced","stream":true}'),
        ("openai_chat", "/v1/chat/completions", b'{"model":"bench","a":"' + b"word " * 50_000 + b'","stream":true}'),
        ("anthropic", "/v1/messages", b'{"stream": true,"model":"bench@anthropic"}'),
        ("gemini", "/v1beta/models/bench@gemini:streamGenerateContent?alt=sse", b"{}"),
    ],
    ids=["quick", "paced", "long", "anthropic", "gemini"],
)
def test_the_mock_tells_the_whole_stream_in_the_format_of_the_path(format: str, path: str, body: bytes) -> None:
    with mock() as server:
        load = Load(server.port, [post(path, body, {})], 4, 30, 0, count=8, words=CHUNKS, mark=ENDS[format])
        figures = run_load(load)
    assert (figures.total, figures.faults) == (8, {})


def test_the_mock_takes_a_request_cut_anywhere() -> None:
    body = b'{"model":"bench","stream":true,"a":"' + b"word " * 600 + b'"}'
    request = b"".join(post("/v1/chat/completions", body, {}))
    with mock() as server:
        for cut in (*range(1, 250), *range(250, len(request), 50)):
            with socket.create_connection(("127.0.0.1", server.port)) as caller:
                caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                caller.sendall(request[:cut])
                time.sleep(0.001)  # so that it mostly comes in two
                caller.sendall(request[cut:])
                reading = Reading(1000, CHUNKS, ENDS["openai_chat"])
                while not reading.feed(data := caller.recv(65_536)):
                    assert data
                assert reading.fault == "" and data.endswith(b"0\r\n\r\n")  # a stream


def test_a_caller_that_does_not_read_is_told_no_more_than_its_buffers_take() -> None:
    with mock() as server, socket.create_connection(("127.0.0.1", server.port)) as caller:
        caller.sendall(b"".join(post("/v1/chat/completions", b'{"model":"endless","stream":true}', {})))
        told = [-1]

        def quiet() -> bool:
            told.append(_told(server.port))
            return told[-1] == told[-2] > 0

        until(quiet, lambda: str(told))


def _told(port: int) -> int:
    with urlopen(f"http://127.0.0.1:{port}/told") as answer:
        return int(json.load(answer)["endless"])
