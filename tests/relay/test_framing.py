"""Event streams: however they are written and wherever they are cut. (P6)"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.framing import SSE, Frame, FramingError, JsonArray, sse


def decode(stream: bytes, cuts: list[int] | None = None, *, max_frame: int = 1000) -> list[tuple[str, bytes]]:
    decoder, found, start = SSE(max_frame), list[Frame](), 0
    for at in [*sorted(cuts or []), len(stream)]:
        found += decoder.feed(stream[start:at])
        start = at
    found += decoder.close()
    return [(frame.event, frame.data) for frame in found]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [("", b"a")]),
        (b"data: a\r\n\r\n", [("", b"a")]),
        (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
        (b"data:a\n\ndata:  b\n\n", [("", b"a"), ("", b" b")]),
        (b"event: e\ndata: a\n\n", [("e", b"a")]),
        (b"data: a\nevent: e\nid: 1\nretry: 2\n\n", [("e", b"a")]),
        (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
        (b"data\n\n", [("", b"")]),
        (b": ping\n\ndata: a\n\n", [("", b"a")]),
        (b": ping\ndata: a\n: pong\n\n", [("", b"a")]),
        (b"event: ping\n\n", []),
        (b"\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
        (b"database: a\n\n", []),
        (b"data: [DONE]", [("", b"[DONE]")]),
        (b"data: [DONE]\r", [("", b"[DONE]")]),
        (b'data: {"a": 1}\n', [("", b'{"a": 1}')]),
        (b'data: {"a": ', []),
        ("data: é👋\n\n".encode(), [("", "é👋".encode())]),
        (b"", []),
    ],
)
def test_what_the_standard_says_holds_at_every_cut(stream: bytes, events: list[tuple[str, bytes]]) -> None:
    assert decode(stream) == events
    assert decode(stream, list(range(len(stream)))) == events
    for at in range(len(stream)):
        assert decode(stream, [at]) == events


_data = st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"").replace(b"\r", b""))
_line = st.sampled_from([b": ping", b":", b"event: x", b"id: 1", b"retry: 3", b"odd", "data: é👋".encode()])
_lines = st.lists(_line | _data.map(lambda raw: b"data: " + raw) | _data.map(lambda raw: b": " + raw), max_size=4)
_end = st.sampled_from([b"\n", b"\r\n", b"\r"])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Blocks of any lines, each stream with one kind of line end."""
    end = draw(_end)
    blocks = draw(st.lists(_lines, max_size=6))
    done = draw(st.sampled_from([[], [[b"data: [DONE]"]], [[b"data: [DONE]"]] * 2]))
    return b"".join(end.join([*block, b""]) + end for block in [*blocks, *done])


def by_the_book(stream: bytes) -> list[tuple[str, bytes]]:
    """The standard's algorithm, line by line over the whole stream."""
    found, event, data = [], "", list[bytes]()
    for line in stream.splitlines():
        if not line:
            if data:
                found.append((event, b"\n".join(data)))
            event, data = "", []
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value[1:] if value[:1] == b" " else value)
        elif name == b"event":
            event = (value[1:] if value[:1] == b" " else value).decode()
    return found


@settings(max_examples=300, deadline=None)
@given(streams(), st.lists(st.integers(0, 200), max_size=6))
def test_any_stream_reads_as_the_standard_says(stream: bytes, cuts: list[int]) -> None:
    assert decode(stream, [at for at in cuts if at < len(stream)]) == by_the_book(stream)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_read_without_an_error_and_each_is_counted(stream: bytes, at: int) -> None:
    decoder = SSE()
    found = decoder.feed(stream[:at]) + decoder.feed(stream[at:])
    assert sum(len(frame.raw) for frame in found) + decoder.skipped + decoder.pending == len(stream)


@settings(max_examples=200, deadline=None)
@given(streams())
def test_what_is_passed_on_raw_reads_the_same(stream: bytes) -> None:
    decoder = SSE()
    found = decoder.feed(stream) + decoder.close()
    assert decode(b"".join(frame.raw for frame in found)) == [(frame.event, frame.data) for frame in found]


def test_a_frame_keeps_its_exact_bytes() -> None:
    decoder = SSE()
    stream = b": x\r\ndata: a\r\n\r\n: ping\r\n\r\ndata: b\r\n\r\n"
    assert [frame.raw for frame in decoder.feed(stream)] == [b": x\r\ndata: a\r\n\r\n", b"data: b\r\n\r\n"]
    assert decoder.skipped == len(b": ping\r\n\r\n")


def test_the_last_frame_gets_the_blank_line_that_its_vendor_forgot() -> None:
    decoder = SSE()
    assert decoder.feed(b"data: [DONE]") == []
    (frame,) = decoder.close()
    assert decode(frame.raw + b"data: x\n\n") == [("", b"[DONE]"), ("", b"x")]


@pytest.mark.parametrize("cut", [1, 7, 90, 4000, 10_000])
@pytest.mark.parametrize("end", [b"", b"\n\n", b"\r\n\r\n", b"\ndata: y\n\n"])
def test_a_frame_beyond_the_limit_is_an_error_not_memory(cut: int, end: bytes) -> None:
    stream = b"data: a\n\ndata: " + b"x" * 5000 + end
    decoder = SSE(max_frame=1000)
    with pytest.raises(FramingError):
        for at in range(0, len(stream), cut):
            decoder.feed(stream[at : at + cut])
            assert decoder.pending <= 1000


def test_many_frames_together_may_be_larger_than_the_limit() -> None:
    assert len(decode(b"data: 12345\n\n" * 500, max_frame=20)) == 500


def test_a_frame_in_many_small_pieces_takes_linear_time() -> None:
    decoder = SSE()
    for _ in range(200_000):
        decoder.feed(b"xxxxxxxx")
    assert decoder.pending == 1_600_000


@given(st.binary(max_size=50), st.sampled_from(["", "message_stop"]))
def test_what_is_encoded_decodes_again(data: bytes, event: str) -> None:
    assert decode(sse(data, event)) == [(event, b"\n".join(data.splitlines() or [b""]))]


def test_json_values_frame_as_one_array() -> None:
    array = JsonArray()
    assert json.loads(array.item(b'{"a":1}') + array.item(b"2") + array.close()) == [{"a": 1}, 2]
    assert json.loads(JsonArray().close()) == []
