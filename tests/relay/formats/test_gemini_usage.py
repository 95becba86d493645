"""Gemini's counts in disjoint buckets, worked out by hand; the same whole, streamed and passed through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_cases import asked, events, frames, told

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.neutral import Answer, Choice, Further, Text, Usage, fold

FORMAT = FORMATS["gemini"]


def split(**kinds: int) -> list[dict[str, Any]]:
    return [{"modality": kind, "tokenCount": count} for kind, count in kinds.items()]


def counted(usage: dict[str, Any], model: str = "gemini-2.5-pro", **candidate: Any) -> Usage | None:
    """The counts of an answer, which must be the same in every way that it can come."""
    one = {"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP", **candidate}
    body = json.dumps({"candidates": [one], "usageMetadata": usage, "modelVersion": model}).encode()
    whole = told(FORMAT.parse_response(body).usage)
    stream = b"data: " + body + b"\n\n"
    assert told(fold(events("gemini", stream)).usage) == whole
    assert FORMAT.tap is not None and FORMAT.survey is not None
    tap = FORMAT.tap("asked", True)
    for frame in frames(stream):
        tap.feed(frame)
    seen = FORMAT.survey(body)
    assert told(tap.usage) == whole and (seen is None or told(seen.usage) == whole)
    return whole


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}, Usage(Counts(10, 0, 5))),
        ({"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 22},
         Usage(Counts(10, 0, 5, 7))),
        # 24,643 of prompt, 22,000 of them a picture; 24,503 cached, of which nothing tells what they were
        ({"promptTokenCount": 24_643, "candidatesTokenCount": 1, "cachedContentTokenCount": 24_503,
          "promptTokensDetails": split(TEXT=2_643, IMAGE=22_000)},
         Usage(Counts(140, 24_503, 1), further=Further(input_image=140, cached_image=21_860))),
        # the same where the split is told
        ({"promptTokenCount": 24_643, "candidatesTokenCount": 1, "cachedContentTokenCount": 24_503,
          "promptTokensDetails": split(TEXT=2_643, IMAGE=22_000),
          "cacheTokensDetails": split(TEXT=2_503, IMAGE=22_000)},
         Usage(Counts(140, 24_503, 1), further=Further(cached_image=22_000))),
        ({"promptTokenCount": 100, "candidatesTokenCount": 1, "promptTokensDetails": split(TEXT=40, AUDIO=60),
          "cachedContentTokenCount": 50, "cacheTokensDetails": split(AUDIO=50)},
         Usage(Counts(50, 50, 1), further=Further(input_audio=10, cached_audio=50))),
        ({"promptTokenCount": 300, "candidatesTokenCount": 1, "promptTokensDetails": split(TEXT=42, DOCUMENT=258)},
         Usage(Counts(300, 0, 1))),
        ({"promptTokenCount": 300, "candidatesTokenCount": 1,
          "promptTokensDetails": split(VIDEO=263, AUDIO=32, TEXT=5)},
         Usage(Counts(300, 0, 1), further=Further(input_audio=32))),
        ({"promptTokenCount": 8, "candidatesTokenCount": 1295, "candidatesTokensDetails": split(TEXT=5, IMAGE=1290)},
         Usage(Counts(8, 0, 1295), further=Further(output_image=1290))),
        ({"promptTokenCount": 8, "candidatesTokenCount": 60, "candidatesTokensDetails": split(AUDIO=60)},
         Usage(Counts(8, 0, 60), further=Further(output_audio=60))),
        ({"promptTokenCount": 10, "toolUsePromptTokenCount": 90, "candidatesTokenCount": 5, "totalTokenCount": 105,
          "toolUsePromptTokensDetails": split(TEXT=60, IMAGE=30)},
         Usage(Counts(100, 0, 5), further=Further(input_image=30))),
        ({"promptTokenCount": 10, "responseTokenCount": 5, "totalTokenCount": 15}, Usage(Counts(10, 0, 5))),
        ({"promptTokenCount": 10, "totalTokenCount": 40}, Usage(Counts(10, 0, 30), True)),
        ({"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 40}, Usage(Counts(10, 0, 5), True)),
        ({"promptTokenCount": 10, "cachedContentTokenCount": 11}, Usage(Counts(0, 10), True)),
        ({"promptTokenCount": -5, "candidatesTokenCount": 5}, Usage(Counts(0, 0, 5), True)),
        ({"promptTokenCount": 10, "promptTokensDetails": split(IMAGE=90)},
         Usage(Counts(10), True, further=Further(input_image=10))),
        ({"promptTokenCount": 10, "cachedContentTokenCount": 5, "promptTokensDetails": split(TEXT=10),
          "cacheTokensDetails": split(AUDIO=5)}, Usage(Counts(5, 5), True)),
        ({"promptTokenCount": 10, "promptTokensDetails": 5, "candidatesTokensDetails": [5, {"modality": []}]},
         Usage(Counts(10))),
        ({"promptTokenCount": 10, "trafficType": "ON_DEMAND_FLEX"}, Usage(Counts(10), tier="flex")),
        ({"promptTokenCount": 10, "trafficType": "ON_DEMAND", "serviceTier": "priority"},
         Usage(Counts(10), tier="priority")),
        ({"promptTokenCount": 10, "trafficType": "PROVISIONED_THROUGHPUT"}, Usage(Counts(10))),
        ({"promptTokenCount": 0, "candidatesTokenCount": 0}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_every_shape_of_counts_has_its_buckets(usage: dict[str, Any], expected: Usage | None) -> None:
    assert counted(usage) == expected


@pytest.mark.parametrize(
    ("model", "grounding", "calls"),
    [
        ("gemini-3-pro-preview", {"webSearchQueries": ["a", "b", "a", ""]}, {"web_search": 2}),
        ("gemini-2.5-flash", {"webSearchQueries": ["a", "b"]}, {"web_search": 1}),
        ("gemini-2.5-flash", {"groundingChunks": [{"maps": {}}]}, {"maps": 1}),
        ("gemini-3-pro-preview", {"webSearchQueries": [], "groundingChunks": [{"web": {}}]}, {}),
        ("gemini-3-pro-preview", {"webSearchQueries": 5, "groundingChunks": 5}, {}),
    ],
)
def test_searches_are_counted_as_google_charges_them(model: str, grounding: Any, calls: dict[str, int]) -> None:
    usage = counted({"promptTokenCount": 9, "candidatesTokenCount": 1}, model, groundingMetadata=grounding)
    assert usage is not None and usage.further.calls == calls


@pytest.mark.parametrize(
    "usage",
    [
        Usage(Counts(20, 80, 5, 7)),
        Usage(Counts(100, 50, 60, 3), further=Further(input_audio=10, cached_audio=20, input_image=30, output_audio=9)),
        Usage(Counts(8, 0, 1295), further=Further(output_image=1290)),
        Usage(Counts(8, 0, 2), tier="priority"),
        Usage(Counts(0, 9, 2), further=Further(cached_image=9)),
    ],
)
def test_counts_come_back_from_a_caller_as_they_were(usage: Usage) -> None:
    answer = Answer("", "", (Choice(0, (Text("x"),), "stop"),), usage)
    assert told(FORMAT.parse_response(FORMAT.render_response(answer, asked()).body).usage) == usage
