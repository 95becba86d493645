"""The golden cases: folders with one neutral value and, per format, request, answer and stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.framing import SSE, Frame
from relay.neutral import Answer, Choice, Event, Message, Request, Text, Usage

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir() if (folder / "openai_chat.response.json").exists())
ERROR_CASE = "error_midstream"
NAMES = sorted(FORMATS)
MODELS = {"openai_chat": "gpt-4o", "anthropic": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}


def content(case: str, name: str) -> bytes:
    return (GOLDEN / case / name).read_bytes()


def neutral(case: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(content(case, "neutral.json"))
    return value


def request(case: str, name: str, stream: bool = False) -> Request:
    """The neutral request of a case, under the model name of one format."""
    given = neutral(case)["request"]
    return Request(
        model=MODELS[name],
        messages=tuple(Message(turn["role"], (Text(turn["text"]),)) for turn in given["messages"]),
        system=(Text(given["system"]),) if "system" in given else (),
        max_tokens=given["max_tokens"],
        temperature=given.get("temperature"),
        top_p=given.get("top_p"),
        stop=tuple(given.get("stop", ())),
        stream=stream,
    )


def choices(case: str) -> tuple[Choice, ...]:
    given = neutral(case)["answer"]
    return (Choice(0, (Text(given["text"]),) if given["text"] else (), given["stop"]),)


def counts(case: str, *names: str) -> Counts:
    """The counts of a case as they look after passing through the formats ``names``."""
    found = Counts(**neutral(case)["answer"]["usage"])
    if "anthropic" in names:  # it shows no reasoning apart
        found = Counts(found.input, found.cache_read, found.total_output)
    return found


def answer(case: str) -> Answer:
    return Answer("up-1", "upstream-model", choices(case), Usage(counts(case)))


def frames(stream: bytes) -> list[Frame]:
    decoder = SSE()
    return decoder.feed(stream) + decoder.close()


def events(name: str, stream: bytes) -> list[Event]:
    reader = FORMATS[name].reader()
    found = [event for frame in frames(stream) for event in reader.feed(frame)]
    return found + reader.close()


def written(name: str, happened: list[Event], usage: Usage, array: bool = False) -> bytes:
    """A whole stream for a caller of the format ``name``."""
    writer = FORMATS[name].writer("asked-model", 1_741_570_283, "req-1", True, array)
    return b"".join(writer.feed(event) for event in happened) + writer.end(usage)
