"""The golden cases: folders with one neutral value and, per format, request, answer and stream.

``neutral.json`` holds ``about``, ``request``, and where the case is about answers ``answer`` and ``error``, all in
the JSON form of ``relay.neutral``. Each format adds what it can: ``<format>.request.json`` (what its callers send,
and what its vendors get, unless ``<format>.sent.json`` says otherwise), ``<format>.response.json`` and
``<format>.stream.txt`` (what its vendors answer). ``<format>.view.json`` (see ``View``) says where it differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from relay.formats import FORMATS
from relay.formats.format import Asked
from relay.framing import SSE, Frame
from relay.neutral import Answer, Choice, Event, Part, Request, Text, ToolUse, Usage

GOLDEN = Path(__file__).parents[2] / "golden"
ALL_CASES = sorted(folder.name for folder in GOLDEN.iterdir())
ERROR_CASE = "error_midstream"
NAMES = sorted(FORMATS)
WANTED = ("anthropic", "gemini", "openai_chat", "openai_responses")
MODELS = {
    "openai_chat": "gpt-4o",
    "openai_responses": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
}


class View(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How one format sees a case that it can't express in full. Patches replace whole fields."""

    asks: dict[str, Any] | None = msgspec.field(default_factory=dict)
    """Of the request, as callers of this format say it; null: they can't ask this."""
    refused: str = ""
    """The field named in the 400 that rendering the request for this format's vendors gives."""
    losses: tuple[str, ...] = ()
    """Of rendering the request."""
    answers: dict[str, Any] | None = msgspec.field(default_factory=dict)
    """Of the answer, as vendors of this format say it; null: they can't answer this."""
    shows: dict[str, Any] = msgspec.field(default_factory=dict)
    """Of the answer, as callers of this format see the neutral one."""
    shown_losses: tuple[str, ...] = ()
    """Of rendering the answer."""


def exists(case: str, name: str) -> bool:
    return (GOLDEN / case / name).exists()


def having(*endings: str) -> list[tuple[str, str]]:
    """Cases and formats that have one of the files."""
    return [(c, n) for c in ALL_CASES for n in NAMES if any(exists(c, f"{n}.{ending}") for ending in endings)]


def content(case: str, name: str) -> bytes:
    return (GOLDEN / case / name).read_bytes()


@cache
def neutral(case: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(content(case, "neutral.json"))
    return value


@cache
def view(case: str, name: str) -> View:
    file = f"{name}.view.json"
    return msgspec.json.decode(content(case, file), type=View) if exists(case, file) else View()


def request(case: str, name: str, stream: bool = False, *, asked: bool = False) -> Request:
    """The neutral request of a case under the model name of one format; ``asked``: as its callers say it."""
    patch = (view(case, name).asks or {}) if asked else {}
    given = {**neutral(case)["request"], **patch}
    return msgspec.convert({"model": MODELS[name], "stream": stream, **given}, Request)


def answer(case: str, *patches: dict[str, Any] | None) -> Answer:
    given = dict(neutral(case)["answer"])
    for patch in patches:
        given.update(patch or {})
    return msgspec.convert({"id": "up-1", "model": "upstream-model", **given}, Answer)


def choices(case: str) -> tuple[Choice, ...]:
    return answer(case).choices


def canonical(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """Choices as they compare: texts in a row are one text, arguments are compact."""
    return tuple(msgspec.structs.replace(choice, parts=tuple(_canonical(choice.parts))) for choice in choices)


def _canonical(parts: tuple[Part, ...]) -> Iterator[Part]:
    last: Part | None = None
    for part in parts:
        if isinstance(part, ToolUse) and not part.freeform:
            part = msgspec.structs.replace(part, arguments=_compact(part.arguments))
        if part == Text(""):
            continue
        if isinstance(part, Text) and isinstance(last, Text) and not any((part.citations, last.citations)):
            last = msgspec.structs.replace(part, text=last.text + part.text)
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last


def _compact(arguments: str) -> str:
    return json.dumps(json.loads(arguments or "{}"), separators=(",", ":"), ensure_ascii=False)


def with_ids(got: tuple[Choice, ...], expected: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """``expected`` with the ids that writers made where the vendor gave none."""
    made = iter(part.id for choice in got for part in choice.parts if isinstance(part, ToolUse))
    found = []
    for choice in expected:
        parts: list[Part] = []
        for part in choice.parts:
            if isinstance(part, ToolUse):
                id = next(made, "")
                part = msgspec.structs.replace(part, id=part.id or id)
            parts.append(part)
        found.append(msgspec.structs.replace(choice, parts=tuple(parts)))
    return tuple(found)


def told(usage: Usage | None) -> Usage | None:
    """Usage without what only the vendor's own report has."""
    return None if usage is None else msgspec.structs.replace(usage, raw=None)


def texts(choice: Choice) -> str:
    return "".join(part.text for part in choice.parts if isinstance(part, Text))


def frames(stream: bytes) -> list[Frame]:
    decoder = SSE()
    return decoder.feed(stream) + decoder.close()


def events(name: str, stream: bytes) -> list[Event]:
    reader = FORMATS[name].reader()
    found = [event for frame in frames(stream) for event in reader.feed(frame)]
    return found + reader.close()


def asked(include_usage: bool = True, array: bool = False) -> Asked:
    return Asked("asked-model", 1_741_570_283, "req-1", include_usage, array)


def written(name: str, happened: list[Event], usage: Usage, array: bool = False) -> bytes:
    """A whole stream for a caller of the format ``name``."""
    writer = FORMATS[name].writer(asked(array=array))
    return b"".join(writer.feed(event) for event in happened) + writer.end(usage)
