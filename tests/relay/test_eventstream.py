"""AWS's binary event streams. Vectors: https://smithy.io/2.0/aws/amazon-eventstream.html and AWS's own SDKs' tests."""

from __future__ import annotations

import struct
import zlib

import pytest

from relay.eventstream import EventStream, Message
from relay.framing import Frame, FramingError
from tests.fakes.vendors.bedrock import message

EMPTY = bytes.fromhex("000000100000000005c248eb7d98c8ff")
PAYLOAD = bytes.fromhex("0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936")
HEADER = bytes.fromhex(
    "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e"
    "7b27666f6f273a27626172277d8d9c08b1"
)


def framed(told: Message) -> Frame:
    return Frame(f"{told.kind}/{told.name}", told.payload, b"")


def decoded(*pieces: bytes) -> list[tuple[str, bytes]]:
    stream = EventStream(framed)
    return [(frame.event, frame.data) for piece in pieces for frame in stream.feed(piece)]


def test_awss_own_messages_are_read() -> None:
    foo = b"{'foo':'bar'}"
    assert decoded(EMPTY + PAYLOAD + HEADER) == [("event/", b""), ("event/", foo), ("event/", foo)]


def test_messages_say_what_they_are() -> None:
    stream = message("chunk", b"1") + message("throttlingException", b"2", "exception") + message("E1", b"x", "error")
    assert decoded(stream) == [
        ("event/chunk", b"1"), ("exception/throttlingException", b"2"), ("error/E1", b'{"message":"x"}'),
    ]  # fmt: skip


def test_a_stream_may_be_cut_anywhere() -> None:
    stream = HEADER + message("chunk", b"data") + EMPTY
    whole = decoded(stream)
    for at in range(len(stream)):
        assert decoded(stream[:at], stream[at:]) == whole
        cut = EventStream(framed)
        assert len(cut.feed(stream[:at])) < 3 and cut.close() == [] and cut.pending == 0
    assert decoded(*(stream[at : at + 1] for at in range(len(stream)))) == whole


def test_a_damaged_byte_is_never_read_as_content() -> None:
    stream = HEADER
    for at in range(len(stream)):
        damaged = stream[:at] + bytes([stream[at] ^ 0x10]) + stream[at + 1 :]
        with pytest.raises(FramingError):
            decoded(damaged + EMPTY * 4)


def test_a_size_that_no_message_has_is_refused_at_once() -> None:
    for size, headers in ((15, 0), (2**31, 0), (40, 30)):
        head = struct.pack(">II", size, headers)
        with pytest.raises(FramingError):
            decoded(head + struct.pack(">I", zlib.crc32(head)))
