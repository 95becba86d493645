"""POST /v1/audio/transcriptions and /v1/audio/translations: sound that is uploaded."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from typing import Any

import openai
import pytest

from openopen8.core.models import Channel
from tests.fakes.upstream import Exchange, Script, cut_at_once, raw_stream, status
from tests.relay.endpoints.clients import openai_client
from tests.relay.endpoints.uploads import BOUNDARY, TYPE, Part, field, file, form, read, wav
from tests.relay.house import Build, House

PATH = "/v1/audio/transcriptions"
SOUND = wav(2.5)
TOKENS = {
    "type": "tokens", "input_tokens": 30, "output_tokens": 10, "total_tokens": 40,
    "input_token_details": {"text_tokens": 5, "audio_tokens": 25},
}  # fmt: skip


def text(body: str, kind: str) -> Script:
    return status(200, body.encode(), {"content-type": kind})


def told(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


async def test_openais_client_gets_its_transcript_and_the_provider_the_file_as_it_was(build: Build) -> None:
    house = await build(channel={"model_mapping": {"m": "gpt-4o-transcribe"}})
    house.fake.script(status(200, {"text": "Hello.", "usage": TOKENS}))
    found = await openai_client(house).audio.transcriptions.create(
        model="m", file=("a.wav", SOUND), prompt="Greetings", language="en"
    )
    assert found.text == "Hello."
    sent = house.fake.chats[0]
    assert sent.path == PATH and sent.key == "upstream-key"
    assert read(sent) == {"model": "gpt-4o-transcribe", "prompt": "Greetings", "language": "en", "file": SOUND}
    entry = house.entry()
    assert (entry.endpoint, entry.input_tokens, entry.output_tokens) == (PATH, 30, 10)
    assert entry.receipt is not None and ["input_audio", 25] in [line[:2] for line in _lines(entry.receipt)]
    assert entry.credits == 30 * 5 + 10 * 15
    house.settled()


def _lines(receipt: dict[str, Any]) -> list[list[Any]]:
    return [list(line.values()) if isinstance(line, dict) else list(line) for line in receipt["lines"]]


async def test_every_other_byte_stays_as_it_came_and_none_is_touched_without_need(build: Build) -> None:
    house = await build(channel={"model_mapping": {"m": "vendor/a-much-longer-name"}})
    house.fake.script(status(200, {"text": "x"}))
    nearly = b"\r\n--nearly\r\n--" + BOUNDARY[:-1].encode()
    odd: Part = ("content-disposition:form-data; name=odd\r\nX-Odd: 1", nearly)
    more = [field("tomorrow[]", "1"), field("tomorrow[]", "")]
    body = form(odd, file("file", SOUND + b"\r\n-"), field("model", "m"), *more)
    assert (await house.caller.post(PATH, body, headers=TYPE)).status == 200
    assert house.fake.chats[0].body == body.replace(b"\r\n\r\nm\r\n", b"\r\n\r\nvendor/a-much-longer-name\r\n")
    house.world.change(Channel, house.channel_id, model_mapping={})
    assert (await house.caller.post("/audio/transcriptions", body, headers=TYPE, declared=False)).status == 200
    assert house.fake.chats[1].body == body and house.fake.chats[1].headers["content-type"] == TYPE["content-type"]


FORMATS: list[tuple[str, tuple[str, str], int]] = [
    ("json", ('{"text": "Hello."}', "application/json"), 3),  # the length of the file
    ("json", ('{"text": "Hello.", "usage": {"type": "duration", "seconds": 7}}', "application/json"), 7),
    ("verbose_json", ('{"text": "Hello.", "duration": 2.51, "segments": []}', "application/json"), 3),
    ("verbose_json", ('{"text": "Hello.", "duration": "12.0", "segments": []}', "application/json"), 12),
    ("text", ("Hello.\n", "text/plain; charset=utf-8"), 3),
    ("srt", ("1\n00:00:00,000 --> 00:00:02,500\nHello.\n", "application/x-subrip"), 3),
    ("vtt", ("WEBVTT\n\n00:00.000 --> 00:02.500\nHello.\n", "text/vtt"), 3),
    ("text", ("", "text/plain"), 3),
    ("text", ("{laughs} Hello.", "text/plain"), 3),
]


async def test_every_format_passes_under_its_own_type_and_costs_its_seconds(house: House) -> None:
    house.world.price(input="0", output="0", units={"seconds": 200}, valid_from=1)
    for wanted, answer, seconds in FORMATS:
        house.fake.script(text(*answer))
        body = form(field("model", "m"), field("response_format", wanted), file("file", SOUND))
        reply = await house.caller.post(PATH, body, headers=TYPE)
        assert (reply.body.decode(), reply.headers["content-type"]) == answer
        assert reply.headers["x-openopen8-credits"] == str(200 * seconds), answer
    house.settled()


async def test_a_duration_without_a_price_leaves_the_text_to_be_paid_by_our_count(house: House) -> None:
    timed = {"text": "one two", "duration": 2.5, "segments": []}
    house.fake.script(status(200, timed), raw_stream(told(
        {"type": "transcript.text.delta", "delta": "one two"},
        {"type": "transcript.text.done", "text": "one two", "usage": {"type": "duration", "seconds": 3}},
    )))  # fmt: skip
    for stream in ("false", "true"):
        body = form(field("model", "m"), field("stream", stream), file("file", SOUND))
        assert (await house.caller.post(PATH, body, headers=TYPE)).status == 200
        entry = house.world.log()[-1]
        assert (entry.output_tokens, entry.credits) == (2, 30), stream
    house.settled()


async def test_sound_of_a_kind_that_nobody_knows_is_charged_by_its_size(house: House) -> None:
    house.world.price(input="0", output="0", units={"seconds": 1}, valid_from=1)
    house.fake.script(text("x", "text/plain"))
    body = form(field("model", "m"), field("response_format", "text"), file("file", b"\x1a\x45\xdf\xa3" * 9_000))
    await house.caller.post(PATH, body, headers=TYPE)
    assert house.entry().credits == 3


async def test_openais_client_reads_a_streamed_transcript(house: House) -> None:
    deltas = [{"type": "transcript.text.delta", "delta": part} for part in ("Hel", "lo.")]
    done = {"type": "transcript.text.done", "text": "Hello.", "usage": TOKENS}
    house.fake.script(raw_stream(told(*deltas), told(done)))
    stream = await openai_client(house).audio.transcriptions.create(model="m", file=("a.wav", SOUND), stream=True)
    found: list[Any] = [event async for event in stream]
    assert [event.type for event in found] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    assert found[-1].usage.input_tokens == 30 and read(house.fake.chats[0])["stream"] == "true"
    assert (house.entry().credits, house.entry().stream) == (30 * 5 + 10 * 15, True)
    house.settled()


async def test_a_stream_without_counts_is_counted_here_and_one_that_is_cut_ends_in_an_error(house: House) -> None:
    delta = {"type": "transcript.text.delta", "delta": "one two"}
    body = form(field("model", "m"), field("stream", "true"), file("file", SOUND))
    house.fake.script(raw_stream(told(delta), told({"type": "transcript.text.done", "text": "one two"})))
    assert (await house.caller.post(PATH, body, headers=TYPE)).events[-1]["type"] == "transcript.text.done"
    assert house.entry().output_tokens == 2

    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.chunk(told(delta))
        await exchange.gate()
        await exchange.end()

    house.fake.script(script)
    talk = house.caller.open(PATH, body, headers=TYPE)
    await talk.until(b"one two")
    house.fake.let()
    reply = await talk.end()
    assert reply.whole and reply.events[-1]["error"]["code"] == "upstream_error"
    assert [entry.output_tokens for entry in house.world.log()] == [2, 2]
    house.settled()


async def test_a_model_that_does_not_stream_answers_whole(house: House) -> None:
    house.fake.script(status(200, {"text": "Hello.", "model": "up", "usage": TOKENS}))
    body = form(field("model", "m"), field("stream", "true"), file("file", SOUND))
    reply = await house.caller.post("/v1/audio/translations", body, headers=TYPE)
    assert reply.json == {"text": "Hello.", "model": "m", "usage": TOKENS} and reply.headers["content-length"]
    assert house.fake.chats[0].path == "/v1/audio/translations" and house.entry().credits == 300


async def test_a_retry_sends_the_whole_file_again_under_the_next_channels_name(build: Build) -> None:
    house = await build(channel={"priority": 9, "model_mapping": {"m": "first"}})
    house.world.channel(house.fake.url, model_mapping={"m": "second-one"})
    sound = wav(60)
    inside = status(200, {"error": {"message": "x"}})
    for first in (cut_at_once(), status(500), status(200, b"<html>hi</html>"), inside):
        house.fake.requests.clear()
        house.world.change(Channel, house.channel_id, rest_until=0)
        house.fake.script(first, text("Hello.", "text/plain"))
        body = form(field("model", "m"), field("response_format", "text"), file("file", sound))
        assert (await house.caller.post(PATH, body, headers=TYPE)).body == b"Hello."
        one, two = map(read, house.fake.chats)
        assert (one["model"], two["model"]) == ("first", "second-one") and one["file"] == two["file"] == sound
    house.settled()


async def test_a_large_upload_lies_on_disk_while_the_provider_listens(house: House) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.gate()
        await status(200, {"text": "x"})(exchange)

    house.fake.script(script)
    body = form(field("model", "m"), file("file", bytes(24 * 1024 * 1024)))
    assert house.relay.gate is not None
    free = house.relay.gate.room.free, house.relay.gate.disk.free
    tracemalloc.start()
    try:
        talk = house.caller.open(PATH, body, headers=TYPE)
        while not house.fake.chats:
            await asyncio.sleep(0.01)
        ours = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/relay/*"),
                                                          tracemalloc.Filter(False, "*/tests/*")])  # fmt: skip
    finally:
        tracemalloc.stop()
    assert sum(trace.size for trace in ours.statistics("filename")) < 2 * 1024 * 1024
    assert (house.relay.gate.room.free, house.relay.gate.disk.free) == (free[0], free[1] - len(body))
    house.fake.let()
    assert (await talk.end()).status == 200
    assert (house.relay.gate.room.free, house.relay.gate.disk.free) == free


OTHER = 'Content-Disposition: form-data; name="model"'
HIDDEN = f"\n--{BOUNDARY}\n{OTHER}\n\nelse".encode()
"""What another parser might take for a part of its own."""

ASIDE = 'Content-Disposition: form-data; x="\\"; name=model; y="; name="other"'
"""A name that only those see who know no escapes."""

ODD: list[tuple[list[Part], str | None]] = [
    ([file("file", SOUND)], "model"),
    ([field("model", ""), file("file", SOUND)], "model"),
    ([field("model", "m"), field("model", "else"), file("file", SOUND)], "model"),
    ([field("model", "m"), field("stream", "1"), field("stream", "0"), file("file", SOUND)], "stream"),
    ([field("model", "m")], "file"),
    ([field("model", "m"), field("file", "no file")], "file"),
    ([field("model", "x" * 257), file("file", SOUND)], "model"),
    ([field("model", "m\r\nx"), file("file", SOUND)], "model"),
    ([file("model", b"m"), file("file", SOUND)], "model"),
    ([field("mode%6C", "else"), field("model", "m"), file("file", SOUND)], "model"),
    ([(OTHER + "\r\nContent-Transfer-Encoding: base64", b"bQ=="), file("file", SOUND)], "model"),
    ([(OTHER + "\r\nContent-Type: text/plain; charset=utf-7", b"m"), file("file", SOUND)], "model"),
    ([(OTHER + '; name="else"', b"m"), file("file", SOUND)], None),
    ([(OTHER + "; name*=utf-8''else", b"m"), file("file", SOUND)], None),
    ([(OTHER + "\r\n" + OTHER, b"m"), file("file", SOUND)], None),
    ([("Content-Type: text/plain", b"m"), file("file", SOUND)], None),
    ([(OTHER + "\r\nX: " + "x" * 5000, b"m"), file("file", SOUND)], None),
    ([field("model", "m"), *[field("x[]", "")] * 300, file("file", SOUND)], None),
    ([field("model", "m"), file("file", SOUND + HIDDEN)], None),
    ([field("model", "m"), field('x\\"; name=\\"model', "else"), file("file", SOUND)], None),
    ([field("model", "m"), (ASIDE, b"else"), file("file", SOUND)], None),
    ([field("model", "m"), field("stream", "yes"), file("file", SOUND)], "stream"),
]
GOOD = form(field("model", "m"), file("file", SOUND))
BROKEN = [
    (GOOD[:-4], TYPE["content-type"]),
    (GOOD + form(field("model", "else")), TYPE["content-type"]),
    (b"", TYPE["content-type"]),
    (b"nothing like a form", TYPE["content-type"]),
    (b"\r\nX: " + GOOD, TYPE["content-type"]),  # to others all before the second boundary is a foreword
    (b"\n" + GOOD, TYPE["content-type"]),
    (GOOD, "multipart/form-data"),
    (GOOD, "multipart/form-data; boundary=" + "x" * 71),
    (GOOD, TYPE["content-type"] + "; boundary=else"),
    (GOOD, "application/json"),
    (b'{"model": "m", "file": "x"}', "application/json"),
    (b'{"model": "m", "file": "x"}', ""),
]


async def test_a_form_that_two_parsers_might_read_differently_is_refused(house: House) -> None:
    for parts, param in ODD:
        reply = await house.caller.post(PATH, form(*parts), headers=TYPE)
        assert (reply.status, reply.json["error"]["param"]) == (400, param), (parts[0], reply.body)
    for body, kind in BROKEN:
        reply = await house.caller.post(PATH, body, headers={"content-type": kind})
        assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_request"), body[:100]
    assert house.fake.chats == [] and {entry.status for entry in house.world.log()} == {400}


async def test_the_provider_is_told_the_one_boundary_by_which_the_form_was_read(house: House) -> None:
    body = form(field("model", "m"), file("file", SOUND + f"--else\r\n{OTHER}\r\n\r\nelse\r\n--else--".encode()))
    for kind in (
        f"multipart/form-data; boundary={BOUNDARY}; boundary*=utf-8''else",
        f"multipart/form-data; boundary*0=else; Boundary={BOUNDARY}",
        f'multipart/form-data; charset=utf-7; boundary="{BOUNDARY}"',
    ):
        house.fake.script(status(200, {"text": "x"}))
        assert (await house.caller.post(PATH, b"\r\n" + body, headers={"content-type": kind})).status == 200
        assert house.fake.chats[-1].headers["content-type"] == TYPE["content-type"]
    spaced = "two words"
    body = form(field("model", "m"), file("file", SOUND), boundary=spaced)
    reply = await house.caller.post(PATH, body, headers={"content-type": f"multipart/form-data; boundary={spaced}"})
    assert reply.status == 200 and house.fake.chats[-1].headers["content-type"].endswith(f'; boundary="{spaced}"')


async def test_who_may_not_is_told_before_the_upload_is_read_and_too_much_is_not_taken(build: Build) -> None:
    house = await build(max_request_body_mb=1)
    body = form(field("model", "m"), file("file", bytes(900_000)))
    talk = house.other_caller(enabled=False).open(PATH, body, headers=TYPE)
    assert (await talk.end()).status == 401 and talk.unread >= 10
    talk = house.other_caller(enabled=False).open(PATH, body, headers=TYPE, declared=False)
    assert (await talk.end()).status == 401 and talk.unread >= 10
    body = form(field("model", "m"), file("file", bytes(1_100_000)))
    assert (await house.caller.post(PATH, body, headers=TYPE)).status == 413
    assert (await house.caller.post(PATH, body, headers=TYPE, declared=False)).status == 413
    assert house.fake.chats == []
    house.settled()


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # of the client: vendors still have it
async def test_channels_that_do_not_hear_are_not_asked(house: House) -> None:
    house.world.change(Channel, house.channel_id, type="anthropic")
    told = r"No channel that serves model 'm' in group 'default' can do this \(/v1/audio/translations\)"
    with pytest.raises(openai.InternalServerError, match=told):
        await openai_client(house).audio.translations.create(model="m", file=("a.wav", SOUND))
