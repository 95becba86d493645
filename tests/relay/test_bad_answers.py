"""Providers of every format that misbehave: handled, or a clean 502; never a crash, never a charge for nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.formats import FORMATS
from relay.framing import SSE
from tests.fakes.exchange import Exchange, Script
from tests.fakes.upstream import raw_stream
from tests.relay.house import Build, House

ONE_WAY = True
GOLDEN = Path(__file__).parents[1] / "golden"
KINDS = {"openai-compatible": "openai_chat", "openai-responses": "openai_responses", "anthropic": "anthropic",
         "gemini": "gemini"}  # fmt: skip
CALLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai_chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
    "openai_responses": ("/v1/responses", {"input": "Hi"}),
    "anthropic": ("/v1/messages", {"max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}),
    "gemini": ("/v1beta/models/m:generateContent", {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
}
ERROR = {"error": {"message": "it fell over", "type": "api_error", "code": 500, "status": "INTERNAL"}}
MEGABYTE = "x" * 1_000_000
SAID = "! How can I assist you today? 👋"


def golden(case: str, file: str) -> bytes:
    return (GOLDEN / case / file).read_bytes()


def answering(body: bytes) -> Script:
    """A whole answer of exactly these bytes."""

    async def script(exchange: Exchange) -> None:
        await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body))})
        await exchange.raw(body)

    return script


def whole_ones(name: str) -> Iterator[bytes]:
    """Whole answers with something missing or wrong, one at a time."""
    good = json.loads(golden("tool_call", f"{name}.response.json"))
    yield from (b"", b"null", b"[]", b'"x"', b"{}", b"<html>", b'{"a":', json.dumps(ERROR).encode())
    yield json.dumps({**good, **ERROR}).encode()
    for key, value in good.items():
        yield json.dumps({other: kept for other, kept in good.items() if other != key}).encode()
        yield from (json.dumps({**good, key: wrong}).encode() for wrong in (5, [None]) if wrong != value)


def streams(name: str) -> Iterator[tuple[bytes, bool]]:
    """Streams with something odd, and whether nothing of them may be lost."""
    good = golden("text", f"{name}.stream.txt").replace(b"\r\n", b"\n")
    frames = SSE().feed(good)
    yield good, True
    yield b"\xef\xbb\xbf" + good, True
    yield good.replace(b"\n", b"\r\n"), True
    yield good.replace(b"\n\n", b"\n\n: ping\n\n"), True
    yield b"".join(_pretty(frame.event, frame.data) for frame in frames), True
    yield good.replace(b"\n\n", b'\n\nevent: later\ndata: {"type":"later","later":[1]}\n\n', 1), name != "gemini"
    yield good.replace(b"Hello", MEGABYTE.encode(), 1), True
    for at, frame in enumerate(frames):
        for wrong in (b"null", b"{}", b'{"type":', b"[{}]"):
            before, after = (b"".join(one.raw for one in part) for part in (frames[:at], frames[at + 1 :]))
            if at in (0, 2):
                yield before + frame.raw.replace(frame.data, wrong, 1) + after, False
    yield frames[0].raw + b"event: error\ndata: " + json.dumps({"type": "error", **ERROR}).encode() + b"\n\n", False
    yield b"data: " + json.dumps({"type": "error", **ERROR}).encode() + b"\n\n", False
    yield b": nothing but this\n\n", False
    twice = golden("parallel_tools", f"{name}.stream.txt")
    ids = list(dict.fromkeys(re.findall(rb'"(?:call_id|id)": ?"((?:call|toolu)_[^"]+)"', twice)))
    yield (twice.replace(ids[1], ids[0]) if len(ids) > 1 else twice), False


def _pretty(event: str, data: bytes) -> bytes:
    """An event whose data stands in many lines."""
    try:
        lines = json.dumps(json.loads(data), indent=1).splitlines()
    except ValueError:
        lines = [data.decode()]
    named = f"event: {event}\n" if event else ""
    return (named + "".join(f"data: {line}\n" for line in lines) + "\n").encode()


async def asked(house: House, caller: str, script: Script, stream: bool) -> Any:
    path, body = CALLERS[caller]
    house.fake.script(script)
    if caller == "gemini":
        verb, query = ("streamGenerateContent", "alt=sse") if stream else ("generateContent", "")
        return await house.caller.post(path.replace("generateContent", verb), body, query=query)
    return await house.caller.post(path, {"model": "m", "stream": stream, **body})


def judge(house: House, reply: Any, caller: str, stream: bool) -> str:
    """The answer is one, or a clean refusal that costs nothing; gives its text."""
    entry = house.world.log()[-1]
    assert reply.status in (200, 502), (reply.status, reply.body[:300])
    assert "internal_error" not in reply.body.decode()[:10_000] and reply.whole
    if reply.status != 200:
        assert entry.credits == 0 and entry.status == reply.status
        assert reply.json["error"]["message"]
        return ""
    assert entry.credits > 0 or entry.output_tokens == 0
    if not stream:
        FORMATS[caller].parse_response(reply.body)
        return ""
    reader, found = FORMATS[caller].reader(), []
    for frame in SSE().feed(reply.body):
        found += reader.feed(frame)
    found += reader.close()
    ended = reader.finished or any(type(event).__name__ == "StreamError" for event in found)
    assert ended, "neither an ending nor an error"
    return "".join(getattr(event, "text", "") for event in found)


@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_whole_answer_with_flaws_is_an_answer_or_a_clean_502(build: Build, kind: str) -> None:
    house = await build(channel={"type": kind})
    good = answering(golden("text", f"{KINDS[kind]}.response.json"))
    other = "anthropic" if kind != "anthropic" else "openai_chat"
    for at, wrong in enumerate(whole_ones(KINDS[kind])):
        for caller in (KINDS[kind], other):
            judge(house, await asked(house, caller, answering(wrong), False), caller, False)
        if at % 2:  # else the channel would rest
            assert (await asked(house, other, good, False)).status == 200
    house.settled()


@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_stream_with_flaws_has_an_ending_or_a_clean_error(build: Build, kind: str) -> None:
    house = await build(channel={"type": kind})
    good = raw_stream(golden("text", f"{KINDS[kind]}.stream.txt"))
    other = "anthropic" if kind != "anthropic" else "openai_chat"
    for at, (wrong, kept) in enumerate(streams(KINDS[kind])):
        for caller in (KINDS[kind], other):
            reply = await asked(house, caller, raw_stream(wrong), True)
            text = judge(house, reply, caller, True)
            begins = text.startswith(("Hello!", "xxx"))
            assert not kept or (reply.status == 200 and begins and text.endswith(SAID)), wrong[:200]
        if at % 2:
            assert (await asked(house, other, good, True)).status == 200
    house.settled()
