"""Odd but lawful requests: both doors answer the same bytes and leave the connection in the same state."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from openopen8.server import door
from tests.server.door.conftest import Gateway
from tests.server.door.raw import PROBE, told
from tests.server.door.requests import CHAT, body_of, chat, chunked, models, request, stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

GEMINI = "/v1beta/models/m:generateContent"
QUESTION = b'{"contents":[{"parts":[{"text":"Say hello."}]}]}'
BROKEN = b"this is no request\r\n\r\n"
LENGTH = len(body_of())
BIG = 2**20 + 1
"""Bytes of a body above the limit."""


@dataclass(frozen=True)
class Case:
    """What is sent (in so many pieces), the statuses that come back, and whether the connection stays open."""

    name: str
    told: str
    pieces: tuple[bytes, ...]
    heads: tuple[int, ...] = ()
    upstream: int = 0
    """Requests that the provider gets."""


def case(name: str, told: str, *pieces: bytes, heads: tuple[int, ...] = (), upstream: int | None = None) -> Case:
    """Where nothing else is said each 200 of a chat came from the provider."""
    chats = sum(piece.count(b"POST ") for piece in pieces) if upstream is None else upstream
    return Case(name, told, pieces, heads, chats)


class Slow(bytes):
    """Bytes that come one by one."""


KEEPING = [
    case("a chat", "200 open", chat()),
    case("two chats one after the other", "200 200 open", chat() + chat()),
    case("keep-alive asked for", "200 open", chat("connection: keep-alive")),
    case("close asked for", "200 closed", chat("connection: close")),
    case("close asked for in capitals", "200 closed", chat("Connection: Close")),
    case("close among other words", "200 closed", chat("connection: foo, close")),
    case("close and then another request", "200 closed", chat("connection: close") + chat(), upstream=1),
    case("close and then rubbish", "200 closed", chat("connection: close") + BROKEN),
    case("a stream", "200 open", stream()),
    case("a stream, then close", "200 closed", stream("connection: close")),
    case("HTTP/1.0", "200 closed", chat(version="HTTP/1.0")),
    case("HTTP/1.0 without host", "200 closed", chat(version="HTTP/1.0", host=False)),
    # uvicorn closes after every HTTP/1.0 request, whatever the caller asks for
    case("HTTP/1.0 with keep-alive", "200 closed", chat("connection: keep-alive", version="HTTP/1.0")),
    case("HTTP/1.0 and a second request", "200 closed", chat(version="HTTP/1.0") * 2, upstream=1),
]

PIPELINES = [
    case("two streams", "200 200 open", stream() * 2),
    case("a stream before a whole answer", "200 200 open", stream() + chat()),
    case("a list between two chats", "200 200 200 open", chat() + models() + chat()),
    case("a chat between two lists", "200 200 200 open", models() + chat() + models()),
    case("a list between two streams", "200 200 200 open", stream() + models() + stream()),
    case("twenty chats", " ".join(["200"] * 20 + ["open"]), chat() * 20),
    case("twenty lists", " ".join(["200"] * 20 + ["open"]), models() * 20),
    case("twenty of all kinds", " ".join(["200"] * 20 + ["open"]), (chat() + models() + stream() + models()) * 5),
    case("a refused one in the middle", "200 401 200 open", chat() + chat(key=False) + chat(), upstream=2),
    case("one that closes in the middle", "200 200 closed", chat() + chat("connection: close") + chat(), upstream=2),
    # what came before the bytes that are no request is answered as if they had not come, then they are
    case("rubbish after a chat", "200 400 closed", chat() + BROKEN),
    case("rubbish after a list", "200 400 closed", models() + BROKEN),
    case("rubbish after a stream and a list", "200 200 400 closed", stream() + models() + BROKEN),
    case("rubbish in chunks after a chat", "200 400 closed", chat() + chunked(b"{}")[:-5] + b"zz\r\n", upstream=1),
    case("too large a head after a chat", "200 431 closed", chat() + chat("x: " + "a" * 70_000), upstream=1),
    # a caller may not make the gateway keep any number of requests
    case("three hundred", " ".join(["200"] * 101 + ["429", "closed"]), models() * 300),
]

BODIES = [
    case("chunks", "200 open", chunked(body_of())),
    case("tiny chunks", "200 open", chunked(*map(bytes, zip(body_of())))),
    case("chunks with extensions", "200 open", chunked(body_of(), extension=b';a=b;c="d e"')),
    case("chunks with trailers", "200 open", chunked(body_of(), trailers=b"x-check: 1\r\n")),
    case("a token in the trailers", "401 open",
         chunked(body_of(), key=False, trailers=b"authorization: Bearer KEY\r\n"), upstream=0),
    case("chunks, then a chat", "200 200 open", chunked(body_of()) + chat()),
    case("no length", "400 open", request(), upstream=0),
    case("no length, then a chat", "400 200 open", request() + chat(), upstream=1),
    case("length 0", "400 open", request(body=b""), upstream=0),
    case("zeros before the length", "200 open", request(f"content-length: 000{LENGTH}", body=body_of(), length=False)),
    case("a space after the length", "200 open", request(f"content-length: {LENGTH} ", body=body_of(), length=False)),
    case("more bytes than declared", "400 400 closed",
         request("content-length: 5", body=body_of(), length=False), upstream=0),
    case("empty lines between requests", "200 200 open", b"\r\n\r\n" + chat() + b"\r\n\r\n\r\n" + chat() + b"\r\n"),
    case("a body of another kind", "400 open", request(body=b"\x00\xff" * 100), upstream=0),
    case("not gzipped as it says", "200 open", chat("content-encoding: identity")),
    case("head by bytes", "200 open", Slow(chat()[: -len(body_of())]), body_of()),
    case("body by bytes", "200 open", chat()[: -len(body_of())], Slow(body_of())),
    case("chunks by bytes", "200 open", Slow(chunked(body_of()))),
    case("a large body", "200 open", chat(body=body_of(user="a" * 500_000))),
    case("a large body in chunks", "200 open", chunked(*[b" " * 50_000] * 10, body_of())),
    case("too large", "413 closed", chat(body=body_of(user="a" * BIG)), upstream=0),
    case("too large, only declared", "413 closed", request(f"content-length: {BIG}"), upstream=0),
    case("far too large, only declared", "413 closed", request("content-length: 18446744073709551615"), upstream=0),
    case("too large in chunks", "413 closed", chunked(*[b" " * 50_000] * 21, body_of()), upstream=0),
    case("too large without a token", "413 closed", request(f"content-length: {BIG}", key=False), upstream=0),
    case("a large body without a token", "401 open", chat(body=body_of(user="a" * 500_000), key=False), upstream=0),
    case("a large body without a token, then a chat", "401 200 open",
         chat(body=body_of(user="a" * 500_000), key=False) + chat(), upstream=1),
    case("large chunks without a token", "401 open", chunked(*[b" " * 50_000] * 10, key=False), upstream=0),
]

EXPECTING = [
    # Expect closes: who gets a last answer before a 100 may or may not send the body, and nobody can tell
    case("continue", "100 200 closed", chat("expect: 100-continue")),
    case("continue in capitals", "100 200 closed", chat("Expect: 100-Continue")),
    case("continue, the body later", "100 200 closed", chat("expect: 100-continue")[: -len(body_of())], body_of()),
    case("continue with a stream", "100 200 closed", stream("expect: 100-continue")),
    case("continue, too large", "413 closed", request("expect: 100-continue", f"content-length: {BIG}"), upstream=0),
    case("continue, no token", "401 closed", request("expect: 100-continue", "content-length: 90000", key=False),
         upstream=0),
    case("continue, no token, then another", "401 closed",
         request("expect: 100-continue", "content-length: 90000", key=False) + chat(), upstream=0),
    case("another expectation", "200 closed", chat("expect: the-unexpected")),
    case("continue behind a chat", "200 100 200 closed", chat() + chat("expect: 100-continue")),
    # an offer that the server does not take changes nothing, least of all where the body begins
    case("upgrade to HTTP/2", "200 open",
         chat("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__")),
    case("upgrade, then another", "200 200 open", chat("connection: upgrade", "upgrade: h2c") + chat()),
    case("upgrade, a stream, close", "200 closed", stream("connection: close, upgrade", "upgrade: h2c")),
    case("upgrade in chunks", "200 200 open", chunked(body_of(), host=True) + chunked(body_of()).replace(
        b"host: gateway", b"host: gateway\r\nconnection: upgrade\r\nupgrade: h2c")),
    case("upgrade of a list", "200 200 open", models("connection: upgrade", "upgrade: h2c") * 2),
    case("upgrade with a body that looks like a request", "400 open",
         request("connection: upgrade", "upgrade: h2c", body=PROBE), upstream=0),
    case("upgrade, its body later", "200 open",
         chat("connection: upgrade", "upgrade: h2c")[: -len(body_of())], body_of()),
    case("a websocket where there is none", "404 closed",
         models("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13",
                "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==")),
    case("a websocket behind a chat", "200 400 closed",
         chat() + models("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13",
                         "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==")),
    case("a websocket by POST", "400 closed", chat("connection: upgrade", "upgrade: websocket"), upstream=0),
    case("CONNECT", "400 closed", request(method="CONNECT", target="example.com:443"), upstream=0),
]

HEADS = [
    case("names in capitals", "200 open", chat().replace(b"host", b"HOST").replace(b"content-length", b"CONTENT-LENGTH")
         .replace(b"authorization", b"AUTHORIZATION")),
    case("spaces around values", "200 open", chat("x-a:   b  ", "x-c:d", "x-e:")),
    case("tabs around values", "200 open", chat("x-a:\tb\t")),
    case("bytes above 127", "200 open", chat("x-a: é")),
    case("many headers", "200 open", chat(*[f"x-{n}: {n}" for n in range(500)])),
    case("headers twice", "200 open", chat("x-a: b", "x-a: c", "cookie: a=b", "cookie: c=d")),
    case("the token twice", "200 open", chat("authorization: Bearer KEY")),
    case("two tokens", "401 open", chat("authorization: Bearer sk-other"), upstream=0),
    case("no host", "400 closed", chat(host=False), upstream=0),
    case("no host, a list", "400 closed", models(host=False)),
    case("two hosts", "400 closed", chat("host: other"), upstream=0),
    case("two hosts, a list", "400 closed", models("host: other")),
    case("an empty host", "200 open", chat("host:", host=False)),
    case("a large head", "200 open", chat("x: " + "a" * (door.HEAD_LIMIT - 1000))),
    case("too large a head", "431 closed", chat("x: " + "a" * door.HEAD_LIMIT), upstream=0),
    case("too large a head, a list", "431 closed", models("x: " + "a" * door.HEAD_LIMIT)),
    case("too many headers", "431 closed", chat(*["x-header: some value"] * 5000), upstream=0),
    case("too long a target", "431 closed", chat(target=CHAT + "?" + "a" * door.HEAD_LIMIT), upstream=0),
    case("a long target", "200 open", chat(target=CHAT + "?" + "a" * (door.HEAD_LIMIT - 1000))),
    case("trailers without end", "400 closed", chunked(body_of(), trailers=b"x: " + b"a" * 400_000)[:-4], upstream=0),
]

TARGETS = [
    case("with a query", "200 open", chat(target=CHAT + "?a=b&c=d")),
    case("with an empty query", "200 open", chat(target=CHAT + "?")),
    case("the token in the query", "200 open", chat(target=CHAT + "?key=KEY", key=False)),
    case("with a fragment", "200 open", chat(target=CHAT + "#part")),
    case("with a fragment in the query", "200 open", chat(target=CHAT + "?a#part")),
    case("without v1", "200 open", chat(target="/chat/completions")),
    case("encoded", "200 open", chat(target="/v1/chat%2Fcompletions")),
    case("encoded letters", "200 open", chat(target="/v1/%63hat/completions")),
    case("wrongly encoded", "404 open", chat(target=CHAT + "%zz"), upstream=0),
    case("a slash at the end", "404 open", chat(target=CHAT + "/"), upstream=0),
    case("two slashes", "404 open", chat(target="/v1//chat/completions"), upstream=0),
    case("two slashes before", "405 open", chat(target="//v1/chat/completions"), upstream=0),
    case("dots", "404 open", chat(target="/v1/../v1/chat/completions"), upstream=0),
    case("capitals", "405 open", chat(target="/V1/chat/completions"), upstream=0),
    case("absolute", "200 open", chat(target="http://gateway/v1/chat/completions")),
    case("absolute, another host", "200 open", chat(target="http://other/v1/chat/completions")),
    case("absolute, then origin form", "200 200 open", chat(target="http://gateway" + CHAT) + chat()),
    case("Gemini", "200 open", request(target=GEMINI, body=QUESTION)),
    case("Gemini, encoded", "200 open", request(target="/v1beta/models/m%3AgenerateContent", body=QUESTION)),
    case("Gemini, streamed", "200 open",
         request(target="/v1beta/models/m:streamGenerateContent?alt=sse", body=QUESTION)),
    case("Gemini, an array", "200 open", request(target="/v1beta/models/m:streamGenerateContent", body=QUESTION)),
    case("Gemini, no model", "405 open", request(target="/v1beta/models/:generateContent", body=QUESTION), upstream=0),
    case("Gemini, no verb", "405 open", request(target="/v1beta/models/m:predict", body=QUESTION), upstream=0),
    case("Claude", "200 open", request(target="/v1/messages", body=body_of(max_tokens=9))),
    case("Claude, refused", "400 open", request(target="/v1/messages", body=b"{"), upstream=0),
    case("bytes above 127", "400 closed", chat(target="/v1/chat/é"), upstream=0),
    case("the server as a whole", "405 open", request(method="OPTIONS", target="*")),
]

METHODS = [
    case("GET", "405 open", request(method="GET")),
    case("GET with a body", "405 405 open", request(method="GET", body=body_of()) * 2),
    case("HEAD", "405 open", request(method="HEAD"), heads=(0,)),
    case("HEAD of a list", "200 200 open", request(method="HEAD", target="/v1/models") + models(), heads=(0,)),
    case("PUT", "405 open", request(method="PUT", body=body_of())),
    case("OPTIONS", "204 open", request("origin: https://example.com", method="OPTIONS")),
    case("DELETE", "405 open", request(method="DELETE")),
    case("POST of a list", "405 open", request(target="/v1/models", body=b"{}"), upstream=0),
    case("refused, then a chat", "401 405 400 200 open",
         chat(key=False) + request(method="GET") + request(body=b"{") + chat(), upstream=1),
]

CASES = [
    pytest.param(case, id=f"{group}: {case.name}")
    for group, cases in [
        ("keeping", KEEPING), ("pipelines", PIPELINES), ("bodies", BODIES), ("expecting", EXPECTING), ("heads", HEADS),
        ("targets", TARGETS), ("methods", METHODS),
    ]
    for case in cases
]  # fmt: skip


def sent_as(case: Case, key: bytes) -> list[bytes]:
    pieces = [(piece.replace(b"KEY", key), isinstance(piece, Slow)) for piece in case.pieces]
    return [part for piece, slow in pieces for part in (map(bytes, zip(piece)) if slow else [piece])]


@pytest.mark.parametrize("case", CASES)
async def test_both_doors_answer_the_same(gateway: Gateway, case: Case) -> None:
    pieces = sent_as(case, gateway.key.encode())
    conversations = []
    for address in gateway.doors.values():
        before = len(gateway.fake.chats)
        conversation = await told(address, *pieces, answers=len(case.told.split()) - 1, heads=case.heads)
        assert str(conversation) == case.told
        assert len(gateway.fake.chats) - before == case.upstream
        conversations.append(conversation)
    assert conversations[0] == conversations[1]
    await gateway.settled()
