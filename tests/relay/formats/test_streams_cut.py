"""Streams cut at every byte and closed after every event."""

from __future__ import annotations

import json

import pytest
from golden_cases import NAMES, asked, content, events, frames, having, texts, written
from official_clients import stream_text

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.framing import SSE
from relay.neutral import Delta, Event, Start, StreamError, Usage, fold, spoken

every_format = pytest.mark.parametrize("name", NAMES)
every_stream = pytest.mark.parametrize(("case", "name"), having("stream.txt"))
USAGE = Usage(Counts(input=3, output=4))


@every_stream
def test_where_the_bytes_are_cut_changes_no_event(case: str, name: str) -> None:
    stream = content(case, f"{name}.stream.txt")
    whole = events(name, stream)
    for at in range(0, len(stream), 1 if case == "text" else 13):
        decoder, reader, found = SSE(), FORMATS[name].reader(), list[Event]()
        for piece in (stream[:at], stream[at:]):
            for frame in decoder.feed(piece):
                found += reader.feed(frame)
        assert found + reader.close() == whole


@every_format
@pytest.mark.parametrize("case", ["text", "error_midstream"])
def test_byte_by_byte_gives_the_same_events(case: str, name: str) -> None:
    stream = content(case, f"{name}.stream.txt")
    decoder, reader, found = SSE(), FORMATS[name].reader(), list[Event]()
    for at in range(len(stream)):
        for frame in decoder.feed(stream[at : at + 1]):
            found += reader.feed(frame)
    assert found + reader.close() == events(name, stream)


@every_format
def test_a_stream_that_ends_anywhere_is_finished_only_after_its_ending(name: str) -> None:
    stream = content("text", f"{name}.stream.txt")
    for at in range(len(stream)):
        decoder, reader = SSE(), FORMATS[name].reader()
        happened = [event for frame in decoder.feed(stream[:at]) + decoder.close() for event in reader.feed(frame)]
        happened += reader.close()
        assert not any(isinstance(event, StreamError) for event in happened)
        text = "".join(event.text for event in happened if isinstance(event, Delta))
        assert "Hello! How can I assist you today? 👋".startswith(text)
        assert not reader.finished or (reader.stop_seen and at >= len(stream) - 4)


@every_stream
def test_ending_after_any_event_gives_a_stream_that_the_official_client_reads(case: str, name: str) -> None:
    happened = events(name, content(case, f"{name}.stream.txt"))
    for count in range(len(happened) + 1):
        out = written(name, happened[:count], USAGE)
        first = fold(happened[:count]).choices[0]
        if first.index == 0:
            assert stream_text(name, out) in (texts(first), spoken(first.parts))
        reader = FORMATS[name].reader()
        again = [event for frame in frames(out) for event in reader.feed(frame)]
        reader.close()
        assert reader.finished and reader.stop_seen and again


@every_format
def test_failing_after_any_event_ends_in_the_callers_own_error_event(name: str) -> None:
    happened = events(name, content("text", f"{name}.stream.txt"))
    problem = Problem(502, "upstream_error", "The provider broke off.")
    for count in range(len(happened) + 1):
        writer = FORMATS[name].writer(asked())
        out = b"".join(writer.feed(event) for event in happened[:count]) + writer.fail(problem)
        last = frames(out)[-1]
        assert json.loads(last.data)["error"]["message"] == "The provider broke off."
        assert last.event == ("error" if name in ("anthropic", "openai_responses") else "")
        assert not any(ending in out for ending in (b"[DONE]", b"message_stop", b"response.completed"))


@pytest.mark.parametrize("count", range(6))
def test_gemini_without_sse_is_one_json_array_whenever_it_ends(count: int) -> None:
    happened: list[Event] = [Start("a", "b"), *(Delta(text) for text in ("one", " two", " é"))]
    value = json.loads(written("gemini", happened[:count], USAGE, array=True))
    texts = [part["text"] for chunk in value for part in chunk["candidates"][0]["content"]["parts"]]
    assert "".join(texts) == "".join(event.text for event in happened[:count] if isinstance(event, Delta))
    assert value[-1]["candidates"][0]["finishReason"] == "STOP"
    writer = FORMATS["gemini"].writer(asked(array=True))
    failed = b"".join(writer.feed(event) for event in happened[:count])
    failed += writer.fail(Problem(503, "overloaded", "Busy."))
    assert json.loads(failed)[-1]["error"]["status"] == "UNAVAILABLE"
