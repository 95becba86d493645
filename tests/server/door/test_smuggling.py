"""No request can be hidden in another one: what could be read in two ways is refused, and nothing is passed on raw."""

from __future__ import annotations

import pytest

from openopen8 import __version__
from tests.server.door.conftest import Gateway
from tests.server.door.raw import PROBE, told
from tests.server.door.requests import CHAT, QUESTION, body_of, chat, chunked, known, models, request

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIDDEN = chat()
"""A request that somebody in front of the gateway might take for a body, or the other way round."""
BODY = body_of()
LENGTH = f"content-length: {len(BODY)}"
CHUNKED = "transfer-encoding: chunked"
ONE_CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


def bare(*lines: str, body: bytes = BODY, method: str = "POST", target: str = CHAT, version: str = "HTTP/1.1") -> bytes:
    """A request with exactly these lines after host and token, and these bytes as its body."""
    return request(*lines, body=body, length=False, method=method, target=target, version=version)


LENGTHS = {
    "two equal lengths": bare(LENGTH, LENGTH),
    "two lengths": bare("content-length: 0", LENGTH),
    "two lengths, the other way round": bare(LENGTH, "content-length: 0"),
    "a plus": bare(f"content-length: +{len(BODY)}"),
    "a minus": bare("content-length: -1"),
    "hexadecimal": bare(f"content-length: 0x{len(BODY):x}"),
    "a fraction": bare(f"content-length: {len(BODY)}.0"),
    "an exponent": bare("content-length: 1e2"),
    "a list": bare(f"content-length: {len(BODY)}, {len(BODY)}"),
    "a list of two": bare(f"content-length: 0, {len(BODY)}"),
    "a space inside": bare("content-length: 1 0"),
    "an underscore inside": bare("content-length: 1_0"),
    "quoted": bare(f'content-length: "{len(BODY)}"'),
    "other digits": bare("content-length: ²"),
    "empty": bare("content-length:"),
    "beyond 64 bits": bare("content-length: 18446744073709551621"),
    "many digits": bare("content-length: " + "9" * 400),
    "length and chunks": bare(LENGTH, CHUNKED, body=ONE_CHUNK),
    "chunks and length": bare(CHUNKED, LENGTH, body=ONE_CHUNK),
    "chunks and length 0": bare(CHUNKED, "content-length: 0", body=ONE_CHUNK),
    "length and other chunks": bare("content-length: 4", "transfer-encoding: xchunked", body=ONE_CHUNK),
    "length and empty coding": bare(LENGTH, "transfer-encoding:"),
    "length and identity": bare(LENGTH, "transfer-encoding: identity"),
}

CODINGS = {
    f"{value!r}": bare(f"transfer-encoding: {value}", body=ONE_CHUNK)
    for value in (
        "xchunked", "chunkedx", "chunked, identity", "identity, chunked", "identity", "gzip, chunked", "gzip",
        ",chunked", "chunked,", "chunked, chunked", "chunked;q=1", '"chunked"', "chunked\t", "\vchunked",
        "\x00chunked", "chunked\x00", "chunked x", "chun ked", "", "\xa0chunked", "chunked\xa0", "chunke\xc4\x91",
    )
} | {
    "twice": bare(CHUNKED, CHUNKED, body=ONE_CHUNK),
    "twice, identity first": bare("transfer-encoding: identity", CHUNKED, body=ONE_CHUNK),
    "twice, identity last": bare(CHUNKED, "transfer-encoding: identity", body=ONE_CHUNK),
    "folded": bare("transfer-encoding:\r\n chunked", body=ONE_CHUNK),
    "folded behind": bare("transfer-encoding: chunked\r\n , identity", body=ONE_CHUNK),
    "folded into another": bare("x-a: b\r\n transfer-encoding: chunked", body=ONE_CHUNK),
    "a space before the colon": bare("transfer-encoding : chunked", body=ONE_CHUNK),
    "a tab before the colon": bare("transfer-encoding\t: chunked", body=ONE_CHUNK),
    "a space before the name": bare(" transfer-encoding: chunked", body=ONE_CHUNK),
    "a control character before the name": bare("\vtransfer-encoding: chunked", body=ONE_CHUNK),
    "HTTP/1.0": bare(CHUNKED, body=ONE_CHUNK, version="HTTP/1.0"),
    "GET": bare("transfer-encoding: identity", body=HIDDEN, method="GET", target="/v1/models"),
}  # fmt: skip

LINES = {
    "folded": bare(LENGTH, "x-a: b\r\n c"),
    "folded with a tab": bare(LENGTH, "x-a: b\r\n\tc"),
    "folded first": bare(LENGTH).replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\n x-a: b\r\n"),
    "bare LF everywhere": bare(LENGTH).replace(b"\r\n", b"\n"),
    "bare LF after a header": bare(LENGTH, "x-a: b\nx-c: d"),
    "bare LF after the request line": bare(LENGTH).replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"),
    "bare LF at the end": bare(LENGTH).replace(b"\r\n\r\n", b"\r\n\n"),
    "two bare LF at the end": bare(LENGTH).replace(b"\r\n\r\n", b"\n\n"),
    "bare CR": bare(LENGTH, "x-a: b\rx-c: d"),
    "bare CR everywhere": bare(LENGTH).replace(b"\r\n", b"\r"),
    "bare CR at the end": bare(LENGTH).replace(b"\r\n\r\n", b"\r\n\r"),
    "CR CR LF": bare(LENGTH, "x-a: b\r"),
    "a space before the colon": bare("content-length : 5"),
    "a tab before the colon": bare("content-length\t: 5"),
    "no colon": bare(LENGTH, "x-a"),
    "no name": bare(LENGTH, ": b"),
    "a space in the name": bare(LENGTH, "x a: b"),
    "brackets in the name": bare(LENGTH, "x(a): b"),
    "NUL in the name": bare(LENGTH, "x\x00a: b"),
    "NUL in the value": bare(LENGTH, "x-a: b\x00c"),
    "a control character in the value": bare(LENGTH, "x-a: b\x01c"),
    "DEL in the value": bare(LENGTH, "x-a: b\x7fc"),
    "a byte above 127 in the name": bare(LENGTH, "xé: b"),
    "a space in the target": bare(LENGTH, target="/v1/chat completions"),
    "a control character in the target": bare(LENGTH, target="/v1/chat\x01"),
    "NUL in the target": bare(LENGTH, target="/v1/chat\x00"),
    "a tab for the space": bare(LENGTH).replace(b" /v1", b"\t/v1"),
    "a space before the method": b" " + bare(LENGTH),
    "a space at the end of the line": bare(LENGTH, version="HTTP/1.1 "),
    "a small method": bare(LENGTH, method="post"),
    "an unknown method": bare(LENGTH, method="SMUGGLE"),
    "no version": b"POST /v1/chat/completions\r\nhost: x\r\n\r\n",
    "HTTP/0.9": bare(LENGTH, version="HTTP/0.9"),
    "HTTP/1.2": bare(LENGTH, version="HTTP/1.2"),
    "HTTP/2.0": bare(LENGTH, version="HTTP/2.0"),
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
    "HTTP/1": bare(LENGTH, version="HTTP/1"),
    "HTTP/1.10": bare(LENGTH, version="HTTP/1.10"),
    "a small version": bare(LENGTH, version="http/1.1"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
}

CHUNKS = {
    name: bare(CHUNKED, body=body)
    for name, body in {
        "a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
        "a plus": b"+5\r\nhello\r\n0\r\n\r\n",
        "a minus": b"-5\r\nhello\r\n0\r\n\r\n",
        "a space behind": b"5 \r\nhello\r\n0\r\n\r\n",
        "a space before": b" 5\r\nhello\r\n0\r\n\r\n",
        "no size": b"\r\nhello\r\n0\r\n\r\n",
        "no hexadecimal digit": b"g\r\nhello\r\n0\r\n\r\n",
        "an underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
        "beyond 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        "many digits": b"f" * 400 + b"\r\nhello\r\n0\r\n\r\n",
        "bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
        "bare CR after the size": b"5\rhello\r\n0\r\n\r\n",
        "bare LF after the chunk": b"5\r\nhello\n0\r\n\r\n",
        "nothing after the chunk": b"5\r\nhello0\r\n\r\n",
        "other bytes after the chunk": b"5\r\nhelloXX0\r\n\r\n",
        "bare LF in an extension": b"5;a\nhello\r\n0\r\n\r\n",
        "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        "an extension's quotes left open": b'5;a="b\r\nhello\r\n0\r\n\r\n',
        "NUL in an extension": b"5;\x00\r\nhello\r\n0\r\n\r\n",
        "bare LF in the trailers": b"0\r\nx-a: b\n\r\n",
        "bare LF at the end": b"0\r\n\n",
        "a fold in the trailers": b"0\r\nx-a: b\r\n c\r\n\r\n",
        "a length in the trailers": b"0\r\ncontent-length: 5\r\n\r\n",
        "chunks in the trailers": b"0\r\ntransfer-encoding: chunked\r\n\r\n",
        "a request in the trailers": b"0\r\n" + HIDDEN + b"\r\n",
        "a space before a trailer's colon": b"0\r\nx-a : b\r\n\r\n",
    }.items()
}

REFUSED = [
    pytest.param(data, id=f"{group}: {name}")
    for group, cases in [("length", LENGTHS), ("coding", CODINGS), ("line", LINES), ("chunk", CHUNKS)]
    for name, data in cases.items()
]


@pytest.mark.parametrize("data", REFUSED)
async def test_what_could_be_read_in_two_ways_is_refused_and_ends_the_connection(gateway: Gateway, data: bytes) -> None:
    before, logged = len(gateway.fake.chats), len(gateway.world.log())
    for address in gateway.doors.values():
        conversation = await told(address, known(gateway, data + HIDDEN), answers=2)
        assert str(conversation) == "400 closed"
    assert (len(gateway.fake.chats), len(gateway.world.log())) == (before, logged)


def lawful(hidden: bytes) -> dict[str, tuple[str, bytes, int]]:
    """What is said, the bytes, and how many requests the provider gets."""
    return {
        # who is in front may count the bytes as it likes: it is one request, and the rest is its body
        "a request as the body": ("400 open", request(body=hidden), 0),
        "a request in a chunk": ("400 open", chunked(hidden), 0),
        "a request in the body of a GET": ("405 open", request(method="GET", body=hidden), 0),
        "a request in the body of a list": ("200 open", models(body=hidden), 0),
        "a request in the body of DELETE": ("405 open", request(method="DELETE", body=hidden), 0),
        "a request in the body of an upgrade": (
            "400 open", request("connection: upgrade", "upgrade: h2c", body=hidden), 0),
        "a request in an extension": ("200 open", chunked(BODY, extension=b";" + b"a" * 200), 1),
        "a request in a header": ("200 open", chat("x-a: POST /v1/chat/completions HTTP/1.1"), 1),
        "a chunk that never ends": ("413 closed", bare(CHUNKED, body=b"FFFFFFFFFFFFFFFF\r\n" + hidden * 6000), 0),
        # names that some servers behind would take for others: ours are never passed on
        "a length with an underscore": ("200 open", chat("content_length: 0"), 1),
        "chunks with an underscore": ("200 open", chat("transfer_encoding: chunked"), 1),
        "chunks with a word more": ("200 open", chat("x-transfer-encoding: chunked"), 1),
        # llhttp takes two spaces between the words of the request line, and other protocols' names
        "two spaces": ("200 open", chat(target=" " + CHAT), 1),
        "RTSP": ("200 closed", chat(version="RTSP/1.0"), 1),
        "empty lines before": ("200 open", b"\r\n" * 20 + chat(), 1),
        "coding in capitals": ("200 open", bare("TRANSFER-ENCODING: CHUNKED", body=ONE_CHUNK), 1),
        "tabs around the coding": ("200 open", bare("transfer-encoding:\t chunked", body=ONE_CHUNK), 1),
        "zeros before a chunk's size": ("200 open", bare(CHUNKED, body=b"0" * 30 + ONE_CHUNK), 1),
    }  # fmt: skip


@pytest.mark.parametrize("name", lawful(b""))
async def test_what_is_lawful_is_exactly_one_request(gateway: Gateway, name: str) -> None:
    expected, data, upstream = lawful(known(gateway, HIDDEN))[name]
    for address in gateway.doors.values():
        before = len(gateway.fake.chats)
        assert str(await told(address, known(gateway, data), answers=1)) == expected
        assert len(gateway.fake.chats) - before == upstream
    await gateway.settled()


async def test_nothing_is_taken_after_a_request_that_ends_the_connection(gateway: Gateway) -> None:
    """uvicorn lets llhttp take data after ``connection: close``; it must be nobody's request."""
    for first in (chat("connection: close"), models("connection: close"), chat(version="HTTP/1.0")):
        for address in gateway.doors.values():
            before = len(gateway.fake.chats) + first.startswith(b"POST")
            assert str(await told(address, known(gateway, first + HIDDEN), answers=2)) == "200 closed"
            assert str(await told(address, known(gateway, first), known(gateway, HIDDEN), answers=2)) == "200 closed"
            assert len(gateway.fake.chats) - before == first.startswith(b"POST")


ODD = (
    "x-forwarded-for: 192.0.2.1", "x-forwarded-host: evil", "x-forwarded-proto: https", "forwarded: for=192.0.2.1",
    "x-real-ip: 192.0.2.1", "via: 1.1 somebody", "cookie: session=secret", "accept-encoding: gzip, br",
    "accept: text/html", "user-agent: curl", "te: trailers", "trailer: x-a", "keep-alive: timeout=5",
    "proxy-authorization: Basic c2VjcmV0", "proxy-connection: keep-alive", "connection: keep-alive, x-hop",
    "x-hop: yes", "x-api-key: KEY", "anthropic-version: 2023-06-01", "openai-organization: org", "x-request-id: mine",
    "content-type: text/plain", "origin: https://example.com", "referer: https://example.com/secret", "x-odd: é\xff",
    "!#$%&'*+-.^_`|~: odd name", "x-a: b", "x-a: c", "range: bytes=0-1", "if-none-match: *", "expires: 0",
    "authorization2: Bearer KEY", "content_length: 1", "x-stainless-lang: python", "priority: u=1",
)  # fmt: skip


def in_chunks(*lines: str) -> bytes:
    return bare(*lines, CHUNKED, body=ONE_CHUNK)


@pytest.mark.parametrize("data", [chat(*ODD), in_chunks(*ODD)], ids=["with a length", "in chunks"])
async def test_headers_of_the_caller_never_reach_the_provider(gateway: Gateway, data: bytes) -> None:
    for address in gateway.doors.values():
        assert str(await told(address, known(gateway, data), answers=1)) == "200 open"
        received = gateway.fake.chats[-1]
        assert (received.path, received.json) == (CHAT, QUESTION)
        assert sorted(line.lower() for line in received.lines) == sorted(
            [
                f"host: 127.0.0.1:{gateway.fake.port}",
                "content-type: application/json",
                "accept: application/json",
                "accept-encoding: identity",
                f"user-agent: openopen8/{__version__}",
                "authorization: bearer upstream-key",
                f"content-length: {len(received.body)}",
            ]
        )


async def test_neither_target_nor_query_reaches_the_provider(gateway: Gateway) -> None:
    for target in (f"{CHAT}?a=b%0d%0ax-evil:%201", f"http://evil{CHAT}", f"{CHAT}?key=KEY#x"):
        for address in gateway.doors.values():
            assert str(await told(address, known(gateway, chat(target=target)), answers=1)) == "200 open"
            received = gateway.fake.chats[-1]
            assert received.path == CHAT and received.headers["host"] == f"127.0.0.1:{gateway.fake.port}"


async def test_a_model_name_can_not_end_a_line(gateway: Gateway) -> None:
    """The name is in Gemini's path: decoded it may hold anything, and is refused as a model nobody has."""
    body = b'{"contents":[{"parts":[{"text":"x"}]}]}'
    for name in ("m%0d%0ax-evil:%201", "m%00", "m%20x", "m%2f..%2f..%2fv1", "%c3%a9"):
        data = request(target=f"/v1beta/models/{name}:generateContent", body=body)
        before = len(gateway.fake.chats)
        conversations = [await told(address, known(gateway, data), answers=1) for address in gateway.doors.values()]
        assert conversations[0] == conversations[1] and conversations[0].answers[0].status in (400, 404, 503)
        assert b"\r\nx-evil" not in conversations[0].answers[0].head and conversations[0].open
        assert len(gateway.fake.chats) == before


async def test_a_hidden_request_is_not_carried_out_for_the_next_caller(gateway: Gateway) -> None:
    """The upgrade that is not taken, in two packets: llhttp would take the body for a new request."""
    head = request("connection: upgrade", "upgrade: h2c", f"content-length: {len(PROBE)}")
    for address in gateway.doors.values():
        assert str(await told(address, known(gateway, head), PROBE, answers=1)) == "400 open"
