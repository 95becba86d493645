"""The neutral model: events fold into what they amount to, and everything has a JSON form."""

from __future__ import annotations

import base64

import msgspec
import pytest
from golden_cases import ALL_CASES, request

from openopen8.core.rules.pricing import Counts
from relay.neutral import (
    Answer,
    Arguments,
    Audio,
    Begin,
    Choice,
    Citation,
    Cite,
    Delta,
    End,
    Event,
    Image,
    Logprob,
    Logprobs,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Request,
    Sign,
    Source,
    Start,
    Stop,
    StreamError,
    Text,
    Thinking,
    ToolUse,
    Usage,
    UsageReport,
    budget_of,
    effort_of,
    fold,
    said,
    tool_names,
)

SIGNED = Opaque("anthropic", "c2ln")


def parts(*events: Event) -> tuple[object, ...]:
    return fold(events).parts


def test_pieces_of_one_kind_are_one_part_until_another_begins() -> None:
    assert parts(Delta("a"), Delta("b"), Delta("no", 0, "refusal"), Delta("c")) == (
        Text("ab"),
        Refusal("no"),
        Text("c"),
    )
    assert parts(Delta("a"), End(), Delta("b")) == (Text("a"), Text("b"))
    assert parts(Delta("hm", 0, "thinking"), Sign(SIGNED), End(), Delta("b")) == (Thinking("hm", SIGNED), Text("b"))


def test_a_part_that_was_begun_grows_by_what_follows() -> None:
    cited = Citation(url="https://example.com")
    assert parts(Begin(Text("a")), Delta("b"), Cite(cited), Sign(SIGNED)) == (Text("ab", (cited,), signature=SIGNED),)
    picture = Image(Source("url", "https://example.com/a.png"))
    assert parts(Delta("a"), Begin(picture), Delta("b")) == (Text("a"), picture, Text("b"))


def test_arguments_find_their_call_also_when_the_upstream_mixes_them() -> None:
    mixed = (
        Begin(ToolUse("1", "f")),
        Begin(ToolUse("2", "g")),
        Arguments('{"a"', 0),
        Arguments("{}", 1),
        Arguments(":1}", 0),
    )
    assert parts(*mixed) == (ToolUse("1", "f", '{"a":1}'), ToolUse("2", "g", "{}"))
    assert parts(Arguments("lost", 3)) == ()


def test_a_signature_without_a_part_before_it_belongs_to_a_text() -> None:
    assert parts(Sign(SIGNED)) == (Text("", signature=SIGNED),)
    assert parts(Delta("no", 0, "refusal"), Sign(SIGNED)) == (Refusal("no"), Text("", signature=SIGNED))


def test_pieces_of_sound_are_joined_as_bytes() -> None:
    pieces = [base64.b64encode(piece).decode() for piece in (b"a", b"bcd", b"ef")]
    events: list[Event] = [
        Begin(Audio(id="x")),
        *(Delta(piece, 0, "audio") for piece in pieces),
        Delta("hi", 0, "transcript"),
    ]
    whole = base64.b64encode(b"abcdef").decode()
    assert fold(events).parts == (Audio(Source("base64", whole), id="x", transcript="hi"),)
    assert parts(Delta("%", 0, "audio"), Delta("?", 0, "audio")) == (Audio(Source("base64", "%?")),)


def test_choices_stops_and_counts_have_their_places() -> None:
    usage = Usage(Counts(1, 2, 3))
    events: list[Event] = [
        Start("id", "m", "fp"), Delta("b", 1), Delta("a", 0), Logprobs((Logprob("a", -1.0),)),
        Stop("sequence", 0, "END"), Stop("refusal", 1, detail="SAFETY"), StreamError("x"), UsageReport(Usage(Counts())),
        UsageReport(usage),
    ]  # fmt: skip
    first = Choice(0, (Text("a"),), "sequence", "END", logprobs=(Logprob("a", -1.0),))
    assert fold(events) == Answer("id", "m", (first, Choice(1, (Text("b"),), "refusal", detail="SAFETY")), usage, "fp")
    assert fold([]) == Answer("", "", (Choice(0),))


def test_all_that_is_generated_is_said_but_bytes_of_sound() -> None:
    spoken = (
        Delta("a"),
        Delta("b", 0, "thinking"),
        Begin(ToolUse("1", "f", "{")),
        Arguments("}"),
        Delta("c", 0, "transcript"),
    )
    assert "".join(said(event) for event in (*spoken, Delta("QUJD", 0, "audio"), Stop("stop"), Start())) == "abf{}c"
    assert fold(spoken).texts == ("a", "b", "f", "{}", "c")


@pytest.mark.parametrize("case", ALL_CASES)
def test_a_request_survives_being_stored_as_json(case: str) -> None:
    asked = request(case, "openai_chat")
    assert msgspec.json.decode(msgspec.json.encode(asked), type=Request) == asked


def test_a_misspelt_field_is_no_value() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"model": "m", "messages": [], "temprature": 1}, Request)


@pytest.mark.parametrize(
    ("reasoning", "budget", "effort", "off"),
    [
        (Reasoning("high"), 24_576, "high", False),
        (Reasoning("none"), 0, "none", True),
        (Reasoning(budget=0), 0, "none", True),
        (Reasoning(budget=2_048), 2_048, "medium", False),
        (Reasoning(budget=1_000_000), 1_000_000, "max", False),
        (Reasoning(), None, None, False),
    ],
)
def test_effort_and_budget_stand_for_each_other(reasoning: Reasoning, budget: int, effort: str, off: bool) -> None:
    assert (budget_of(reasoning), effort_of(reasoning), reasoning.off) == (budget, effort, off)


def test_a_tools_name_is_found_by_the_id_of_its_call() -> None:
    turns = (Message("assistant", (ToolUse("1", "f"), ToolUse("", "g"))), Message("assistant", (ToolUse("2", "h"),)))
    assert tool_names(turns) == {"1": "f", "2": "h"}
