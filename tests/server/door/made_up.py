"""Made-up conversations for hypothesis and the fuzzer: lawful requests, unlawful ones, and bytes in between."""

from __future__ import annotations

from hypothesis import strategies as st

HOT = (b"/v1/chat/completions", b"/v1/messages", b"/chat/completions?key=a", b"/v1beta/models/m:generateContent")
COLD = (b"/v1/models", b"/", b"/v1/chat/completions/", b"/v1/chat%2Fcompletions", b"http://g/v1/messages", b"*", b"//",
        b"/v1/messages#a", b"/v1beta/models/%00:generateContent")  # fmt: skip
WRONG_TARGETS = (b"?", b"/\xc3\xa9", b"a", b"/ /", b"/\x00")
WRONG_METHODS = (b"CONNECT", b"post", b"PRI", b"GET\t", b"M-SEARCH")
WRONG_VERSIONS = (b"HTTP/2.0", b"HTTP/0.9", b"RTSP/1.0", b"HTTP/1.1 ")
WRONG_ENDS = (b"\n", b"\r", b"\r\r\n", b"\n\r", b"")
WRONG_COLONS = (b" : ", b"", b"\t: ")
TOKENS = "!#$%&'*+-.^_`|~0123456789abcxyzABCXYZ"

bodies = st.one_of(
    st.just(b""), st.binary(max_size=40), st.just(b'{"stream":true}'), st.just(b"GET / HTTP/1.1\r\n\r\n")
)
names = st.one_of(
    st.sampled_from([b"x-a", b"Cookie", b"authorization", b"Content-Type", b"TE", b"Trailer", b"Forwarded"]),
    st.text(TOKENS, min_size=1, max_size=8).map(str.encode),
)
wrong_names = st.binary(max_size=4)
values = st.one_of(
    st.sampled_from([b"1", b"", b" b ", b"\tb\t", b"a, b", b"a;q=1"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.encode),
)
wrong_values = st.binary(max_size=10)
steering = st.sampled_from(
    [b"connection: keep-alive", b"connection: close", b"expect: 100-continue", b"expect: x", b"upgrade: h2c",
     b"connection: upgrade\r\nupgrade: h2c", b"te: trailers"]
)  # fmt: skip
wrong_steering = st.sampled_from(
    [b"host: other", b"transfer-encoding: chunked", b"Transfer-Encoding: identity", b"content-length: 0",
     b"content-length: 5"]
)  # fmt: skip


class Pen:
    """Draws what is right; while it may err, now and then what is wrong."""

    def __init__(self, draw: st.DrawFn, errs: bool) -> None:
        self.draw = draw
        self._errs = errs

    def slips(self) -> bool:
        return self._errs and self.draw(st.integers(0, 7)) == 7

    def one(self, right: tuple[bytes, ...], wrong: tuple[bytes, ...]) -> bytes:
        return self.draw(st.sampled_from(wrong if self.slips() else right))

    def of(self, right: st.SearchStrategy[bytes], wrong: st.SearchStrategy[bytes]) -> bytes:
        return self.draw(wrong if self.slips() else right)

    def end(self) -> bytes:
        return self.one((b"\r\n",), WRONG_ENDS)


def headers(pen: Pen) -> bytes:
    lines = []
    for _ in range(pen.draw(st.integers(0, 3))):
        if pen.draw(st.integers(0, 5)) == 5:
            line = pen.of(steering, wrong_steering)
        else:
            line = (
                pen.of(names, wrong_names) + pen.one((b": ", b":", b":\t"), WRONG_COLONS) + pen.of(values, wrong_values)
            )
        lines.append(line + pen.end())
    return b"".join(lines)


def chunks(pen: Pen, body: bytes) -> bytes:
    """``body`` in chunks, with extensions and trailers."""
    out, rest = b"", body
    while rest:
        size = pen.draw(st.integers(1, len(rest)))
        extension = pen.one((b"", b"", b";a", b";a=b", b';a="b c"'), (b" ", b";\x00", b"_"))
        out += b"%x%b%b%b%b" % (size, extension, pen.end(), rest[:size], pen.end())
        rest = rest[size:]
    trailers = pen.one((b"", b"", b"x-t: 1\r\n"), (b"content-length: 3\r\n", b"x t: 1\r\n"))
    return out + b"0" + pen.end() + trailers + pen.end()


@st.composite
def requests(draw: st.DrawFn, errs: bool = False) -> bytes:
    """One request; one that ``errs`` has some mistakes."""
    pen = Pen(draw, errs)
    method = pen.one((b"POST", b"POST", b"POST", b"GET", b"HEAD", b"PUT", b"OPTIONS"), WRONG_METHODS)
    target = pen.one(HOT + COLD if draw(st.booleans()) else HOT, WRONG_TARGETS)
    version = pen.one((b"HTTP/1.1",) * 9 + (b"HTTP/1.0",), WRONG_VERSIONS)
    host = pen.one((b"host: g\r\n", b"Host:\r\n"), (b"", b"host: g\r\nhost: g\r\n"))
    head = b"%b %b %b%b%b%b" % (method, target, version, pen.end(), host, headers(pen))
    body = draw(bodies)
    framing = draw(st.sampled_from(["length", "length", "chunks", "none"]))
    if framing == "chunks" and (errs or version == b"HTTP/1.1"):
        return head + b"transfer-encoding: chunked\r\n\r\n" + chunks(pen, body)
    if framing == "none":
        return head + b"\r\n" + (body if errs else b"")
    length = b"%d" % (len(body) + (draw(st.integers(-2, 2)) if pen.slips() and body else 0))
    return (
        head
        + pen.one((b"content-length: ",), (b"content-length: +", b"content-length: 0x"))
        + length
        + b"\r\n\r\n"
        + body
    )


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """One of ``whole`` with some bytes exchanged, left out or doubled."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.integers(0, 2))
        if kind == 0:
            data[place : place + 1] = draw(st.sampled_from([b"\r", b"\n", b"\x00", b" ", b":", b"\xff", b"a", b"0"]))
        elif kind == 1:
            del data[place : place + draw(st.integers(1, 3))]
        else:
            data[place:place] = data[place : place + draw(st.integers(1, 20))]
    return bytes(data)


@st.composite
def early(draw: st.DrawFn) -> bytes:
    """A lawful request that is answered before its body is read."""
    body = draw(bodies)
    head = b"POST %b HTTP/1.1\r\nhost: g\r\nx-early: 1\r\n" % draw(st.sampled_from(HOT + COLD[:3]))
    if draw(st.booleans()):
        return head + b"content-length: %d\r\n\r\n%b" % (len(body), body)
    return head + b"transfer-encoding: chunked\r\n\r\n" + chunks(Pen(draw, False), body)


@st.composite
def sized(draw: st.DrawFn, limit: int) -> tuple[int, bytes]:
    """A request in its plainest form, whose head has about ``limit`` bytes, and their number."""
    hot = draw(st.booleans())
    line = (
        b"POST /v1/messages HTTP/1.1\r\nhost: g\r\ncontent-length: 2\r\nx: "
        if hot
        else b"GET / HTTP/1.1\r\nhost: g\r\nx: "
    )
    size = draw(st.integers(limit - 4, limit + 4))
    return size, line + b"a" * (size - len(line) - 4) + b"\r\n\r\n" + (b"{}" if hot else b"")


answered_early = st.lists(early(), min_size=1, max_size=5).map(b"".join)
lawful = st.lists(st.one_of(requests(), st.just(b"\r\n")), min_size=1, max_size=6).map(b"".join)
last = st.one_of(requests(), requests(errs=True), damaged(requests()), st.sampled_from([b"\n", b"rubbish\r\n\r\n"]))
conversations = st.tuples(lawful, last, lawful).map(b"".join)
cuts = st.lists(st.integers(1, 600), max_size=6)
