"""Every golden case in every direction."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from golden_cases import (
    CASES,
    ERROR_CASE,
    MODELS,
    NAMES,
    answer,
    choices,
    content,
    counts,
    events,
    frames,
    neutral,
    request,
    written,
)
from official_clients import answer_text, stream_text

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.neutral import Delta, Event, Start, Stop, StreamError, Usage, fold

every_case = pytest.mark.parametrize("case", CASES)
every_format = pytest.mark.parametrize("name", NAMES)
every_pair = pytest.mark.parametrize(("source", "target"), [(a, b) for a in NAMES for b in NAMES])


@every_format
@pytest.mark.parametrize("case", [*CASES, ERROR_CASE])
def test_a_request_reads_as_its_neutral_value(case: str, name: str) -> None:
    glance = FORMATS[name].glance(content(case, f"{name}.request.json"), MODELS[name], False)
    assert FORMATS[name].parse_request(glance) == request(case, name)
    texts = [turn["text"] for turn in neutral(case)["request"]["messages"]]
    assert [text for text in glance.input_texts if text in texts] == texts
    assert glance.max_output == neutral(case)["request"]["max_tokens"]


@every_format
@every_case
def test_a_neutral_request_renders_as_the_golden_body(case: str, name: str) -> None:
    rendered = FORMATS[name].render_request(request(case, name))
    assert json.loads(rendered.body) == json.loads(content(case, f"{name}.request.json"))
    assert rendered.losses == ()


@every_pair
@every_case
def test_a_request_survives_the_way_through_two_formats(case: str, source: str, target: str) -> None:
    first = FORMATS[source]
    parsed = first.parse_request(first.glance(content(case, f"{source}.request.json"), MODELS[source], True))
    rendered = FORMATS[target].render_request(parsed)
    glance = FORMATS[target].glance(rendered.body, MODELS[source], True)
    assert glance.stream
    assert FORMATS[target].parse_request(glance) == request(case, source, stream=True)


@every_format
@every_case
def test_a_whole_answer_reads_as_its_neutral_value(case: str, name: str) -> None:
    parsed = FORMATS[name].parse_response(content(case, f"{name}.response.json"))
    assert parsed.choices == choices(case)
    assert parsed.id and parsed.model
    assert parsed.usage is not None and parsed.usage.counts == counts(case, name) and not parsed.usage.inconsistent


@every_format
@every_case
def test_a_streamed_answer_folds_into_the_whole_answer(case: str, name: str) -> None:
    folded = fold(events(name, content(case, f"{name}.stream.txt")))
    whole = FORMATS[name].parse_response(content(case, f"{name}.response.json"))
    assert (folded.choices, folded.model) == (whole.choices, whole.model)
    assert folded.usage is not None and whole.usage is not None and folded.usage.counts == whole.usage.counts


@every_format
@every_case
def test_a_rendered_answer_is_what_the_official_client_reads(case: str, name: str) -> None:
    body = FORMATS[name].render_response(answer(case), "asked-model", 1_741_570_283, "req-1")
    assert answer_text(name, body) == neutral(case)["answer"]["text"]
    parsed = FORMATS[name].parse_response(body)
    assert (parsed.choices, parsed.model) == (choices(case), "asked-model")
    assert parsed.usage is not None and parsed.usage.counts == counts(case, name)


@every_pair
@every_case
def test_a_stream_survives_the_way_through_two_formats(case: str, source: str, target: str) -> None:
    happened = events(source, content(case, f"{source}.stream.txt"))
    usage = fold(happened).usage
    assert usage is not None
    out = written(target, happened, usage)
    assert stream_text(target, out) == neutral(case)["answer"]["text"]
    again = fold(events(target, out))
    assert again.choices == choices(case)
    assert again.usage is not None and again.usage.counts == counts(case, source, target)
    assert again.model == "asked-model" or not happened


@every_format
def test_an_error_amid_a_stream_is_an_event_without_a_normal_end(name: str) -> None:
    stream = content(ERROR_CASE, f"{name}.stream.txt")
    happened = events(name, stream)
    assert fold(happened).parts == choices(ERROR_CASE)[0].parts
    errors = [event for event in happened if isinstance(event, StreamError)]
    assert [error.message for error in errors] == [neutral(ERROR_CASE)["error"]["message"]]
    assert fold(happened).stop is None


@every_format
def test_several_answers_at_once_keep_apart(name: str) -> None:
    two = answer("text")
    two = replace(two, choices=(two.choices[0], replace(two.choices[0], index=1, stop="length")))
    parsed = FORMATS[name].parse_response(FORMATS[name].render_response(two, "m", 1, "r"))
    assert parsed.choices == (two.choices[:1] if name == "anthropic" else two.choices)


@pytest.mark.parametrize("name", ["openai_chat", "gemini"])
def test_several_streamed_answers_have_stopped_when_the_last_one_has(name: str) -> None:
    happened: list[Event] = [Start(), Delta("a", 0), Delta("b", 1), Stop("length", 1), Stop("stop", 0)]
    reader, writer = FORMATS[name].reader(), FORMATS[name].writer("m", 1, "r", False, False)
    out = b"".join(writer.feed(event) for event in happened[:4])
    again = [event for frame in frames(out) for event in reader.feed(frame)]
    assert not reader.stop_seen
    rest = writer.feed(happened[4]) + writer.end(Usage(Counts(1)))
    again += [event for frame in frames(rest) for event in reader.feed(frame)]
    assert reader.stop_seen and fold(again).choices == fold(happened).choices


@every_format
def test_unknown_counts_are_zero_and_not_missing(name: str) -> None:
    out = written(name, [], Usage(Counts()))
    assert stream_text(name, out) == ""
    assert fold(events(name, out)).stop == "stop"
