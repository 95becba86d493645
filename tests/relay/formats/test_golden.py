"""Every golden case in every direction. (P2: ``cache_marks``)"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from golden_cases import (
    ALL_CASES,
    ERROR_CASE,
    MODELS,
    NAMES,
    WANTED,
    answer,
    asked,
    canonical,
    choices,
    content,
    events,
    exists,
    frames,
    having,
    neutral,
    request,
    texts,
    told,
    view,
    with_ids,
    written,
)
from official_clients import answer_text, stream_text

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.neutral import Answer, Delta, Event, Start, Stop, StreamError, Text, Usage, fold, spoken

every_format = pytest.mark.parametrize("name", NAMES)
every_asking = pytest.mark.parametrize(("case", "name"), having("request.json"))
every_answer = pytest.mark.parametrize(("case", "name"), having("response.json"))
SENT = [
    (case, name)
    for case in ALL_CASES
    for name in NAMES
    if exists(case, f"{name}.request.json") or exists(case, f"{name}.sent.json") or view(case, name).refused
]
REQUEST_PAIRS = [
    (case, source, target)
    for case, source in having("request.json")
    for target in NAMES
    if (case, target) in SENT and not view(case, source).asks
]


def shows(case: str, name: str) -> bool:
    """True when it is written what a caller of the format ``name`` sees of the case's answer."""
    return exists(case, f"{name}.response.json") or bool(view(case, name).shows)


def body_sent(case: str, name: str) -> Any:
    """What a vendor of the format ``name`` gets."""
    file = f"{name}.sent.json" if exists(case, f"{name}.sent.json") else f"{name}.request.json"
    return json.loads(content(case, file))


@every_asking
def test_a_request_reads_as_its_neutral_value(case: str, name: str) -> None:
    glance = FORMATS[name].glance(content(case, f"{name}.request.json"), MODELS[name], False)
    expected = request(case, name, asked=True)
    assert FORMATS[name].parse_request(glance) == expected
    plain = [part.text for turn in expected.messages for part in turn.parts if isinstance(part, Text)]
    assert [text for text in glance.input_texts if text in plain] == plain
    assert glance.max_output == expected.max_tokens
    assert glance.tools == len(expected.tools)


@pytest.mark.parametrize(("case", "name"), SENT)
def test_a_neutral_request_renders_as_the_golden_body(case: str, name: str) -> None:
    seen = view(case, name)
    if seen.refused:
        with pytest.raises(Problem) as caught:
            FORMATS[name].render_request(request(case, name))
        assert (caught.value.status, caught.value.param) == (400, seen.refused)
        return
    rendered = FORMATS[name].render_request(request(case, name))
    assert json.loads(rendered.body) == body_sent(case, name)
    assert rendered.losses == seen.losses


@pytest.mark.parametrize(("case", "source", "target"), REQUEST_PAIRS)
def test_a_request_of_one_format_reaches_another_as_its_neutral_value_does(case: str, source: str, target: str) -> None:
    first = FORMATS[source]
    parsed = first.parse_request(first.glance(content(case, f"{source}.request.json"), MODELS[source], False))
    parsed = msgspec.structs.replace(parsed, model=MODELS[target])
    seen = view(case, target)
    if seen.refused:
        with pytest.raises(Problem) as caught:
            FORMATS[target].render_request(parsed)
        assert (caught.value.status, caught.value.param) == (400, seen.refused)
        return
    rendered = FORMATS[target].render_request(parsed)
    assert json.loads(rendered.body) == body_sent(case, target)
    assert rendered.losses == seen.losses
    again = FORMATS[target].glance(rendered.body, MODELS[target], None)
    FORMATS[target].parse_request(again)


@every_answer
def test_a_whole_answer_reads_as_its_neutral_value(case: str, name: str) -> None:
    parsed = FORMATS[name].parse_response(content(case, f"{name}.response.json"))
    expected = answer(case, view(case, name).answers)
    assert canonical(parsed.choices) == canonical(with_ids(parsed.choices, expected.choices))
    assert parsed.id and parsed.model
    assert told(parsed.usage) == expected.usage


@pytest.mark.parametrize(("case", "name"), [pair for pair in having("stream.txt") if pair[0] != ERROR_CASE])
def test_a_streamed_answer_folds_into_the_whole_answer(case: str, name: str) -> None:
    folded = fold(events(name, content(case, f"{name}.stream.txt")))
    whole = FORMATS[name].parse_response(content(case, f"{name}.response.json"))
    assert canonical(folded.choices) == canonical(whole.choices)
    assert (folded.model, told(folded.usage)) == (whole.model, told(whole.usage))


def shown(case: str, source: str | None, target: str, got: Answer) -> None:
    """``got`` is what a caller of ``target`` is to see of the answer that ``source`` gave (None: the neutral one)."""
    said, seen = (view(case, source).answers or {}) if source else {}, view(case, target).shows
    expected = answer(case, said, seen)
    if said.keys() & seen.keys() and said != seen:
        assert spoken(got.parts) == spoken(expected.parts)
        return
    assert canonical(got.choices) == canonical(with_ids(got.choices, expected.choices))
    assert told(got.usage) == expected.usage


@pytest.mark.parametrize(("case", "name"), having("response.json", "view.json"))
def test_a_rendered_answer_is_what_the_official_client_reads(case: str, name: str) -> None:
    if not shows(case, name):
        return
    rendered = FORMATS[name].render_response(answer(case), asked())
    parsed = FORMATS[name].parse_response(rendered.body)
    assert answer_text(name, rendered.body) in (texts(parsed.choices[0]), spoken(parsed.parts))
    assert parsed.model == "asked-model"
    shown(case, None, name, parsed)
    assert rendered.losses == view(case, name).shown_losses


@pytest.mark.parametrize(
    ("case", "source", "target"),
    [(case, source, target) for case, source in having("response.json") for target in NAMES if shows(case, target)],
)
def test_a_stream_survives_the_way_through_two_formats(case: str, source: str, target: str) -> None:
    happened = events(source, content(case, f"{source}.stream.txt"))
    usage = fold(happened).usage
    assert usage is not None
    out = written(target, happened, usage)
    again = fold(events(target, out))
    assert stream_text(target, out) in (texts(again.choices[0]), spoken(again.parts))
    shown(case, source, target, again)
    assert again.model == "asked-model"


@pytest.mark.parametrize("name", WANTED)
def test_every_format_has_its_files_for_every_case(name: str) -> None:
    missing = [f"{case}/{file}" for case in ALL_CASES for file in _wanted(case, name) if not exists(case, file)]
    assert missing == []


def _wanted(case: str, name: str) -> list[str]:
    seen, found = view(case, name), list[str]()
    if seen.asks is not None:
        found.append(f"{name}.request.json")
    elif not seen.refused:
        found.append(f"{name}.sent.json")
    if "answer" in neutral(case) and seen.answers is not None:
        found += [f"{name}.stream.txt"] if case == ERROR_CASE else [f"{name}.response.json", f"{name}.stream.txt"]
    return found


@pytest.mark.parametrize("case", ALL_CASES)
def test_every_case_says_what_it_is_about(case: str) -> None:
    assert neutral(case)["about"].endswith(".")
    request(case, "openai_chat")
    if "answer" in neutral(case):
        answer(case)


@pytest.mark.parametrize("name", [name for case, name in having("stream.txt") if case == ERROR_CASE])
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
    second = msgspec.structs.replace(two.choices[0], index=1, stop="length")
    two = msgspec.structs.replace(two, choices=(two.choices[0], second))
    parsed = FORMATS[name].parse_response(FORMATS[name].render_response(two, asked()).body)
    assert parsed.choices == (two.choices if name in ("openai_chat", "gemini") else two.choices[:1])


@pytest.mark.parametrize("name", ["openai_chat", "gemini"])
def test_several_streamed_answers_have_stopped_when_the_last_one_has(name: str) -> None:
    happened: list[Event] = [Start(), Delta("a", 0), Delta("b", 1), Stop("length", 1), Stop("stop", 0)]
    reader, writer = FORMATS[name].reader(), FORMATS[name].writer(asked(include_usage=False))
    out = b"".join(writer.feed(event) for event in happened[:4])
    again = [event for frame in frames(out) for event in reader.feed(frame)]
    assert not reader.stop_seen
    rest = writer.feed(happened[4]) + writer.end(Usage(Counts(1)))
    again += [event for frame in frames(rest) for event in reader.feed(frame)] + reader.close()
    assert reader.stop_seen and fold(again).choices == fold(happened).choices


@every_format
def test_unknown_counts_are_zero_and_not_missing(name: str) -> None:
    out = written(name, [], Usage(Counts()))
    assert stream_text(name, out) == ""
    assert fold(events(name, out)).stop == "stop"
