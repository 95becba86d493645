"""Answers of endpoints whose answers may be of any type: sound, subtitles, plain text, and JSON as well."""

from __future__ import annotations

import re
from collections.abc import Mapping

from relay import metering
from relay.admission import Call, input_tokens, off_loop
from relay.answered import Begun, Whole
from relay.caller import Pairs
from relay.endpoints.endpoint import Endpoint
from relay.flowing import Flowing
from relay.formats.format import Garbage
from relay.formats.vendor import parse_error
from relay.gate import Gate
from relay.planning import Prepared
from relay.tab import Tab
from relay.upstream import LARGEST_ANSWER, LARGEST_ERROR, Answer, Failure

ANYTHING = "application/octet-stream"
_KIND = re.compile(r"[a-z]+/[a-z0-9.+-]+(?: *; *[a-z0-9-]+=(?:[a-z0-9._-]+|\"[a-z0-9._ -]*\"))*", re.IGNORECASE)
_SHOWN = re.compile(r"(?:audio|video)/|text/(?:plain|vtt|srt)\b|application/(?:json|x-subrip|ogg)\b", re.IGNORECASE)
"""What callers may get under its own name: nothing that a browser would run."""

PLAIN: Pairs = ((b"x-content-type-options", b"nosniff"),)


def kind_of(headers: Mapping[str, str]) -> str:
    """The Content-Type of an answer as it may be passed on."""
    given = headers.get("content-type") or ""
    return given if len(given) < 200 and _KIND.fullmatch(given) and _SHOWN.match(given) else ANYTHING


def streams(endpoint: Endpoint, headers: Mapping[str, str]) -> bool:
    """False where a model that can't stream answers whole although a stream was asked for."""
    kind = (headers.get("content-type") or "").lower()
    if endpoint.media:
        return kind.startswith("text/event-stream")
    return endpoint.tap is None or not kind.startswith("application/json")


async def flowing(gate: Gate, prepared: Prepared, answer: Answer, tab: Tab, pairs: Pairs) -> Begun:
    """Bytes on their way; raises Failure where there is an error in their place."""
    given = (answer.headers.get("content-type") or "").lower()
    if "json" in given or given.startswith("text/"):
        raise Failure("broken", parse_error(answer.status, await answer.read(LARGEST_ERROR)))
    tab.answer = stream = Flowing(answer, gate.settings, gate.ticker)
    tab.losses = prepared.losses
    await stream.begin()
    return Begun(stream, (*pairs, *PLAIN), prepared.losses, kind_of(answer.headers).encode())


async def whole(
    call: Call, endpoint: Endpoint, prepared: Prepared, answer: Answer, tab: Tab, pairs: Pairs
) -> Whole:
    """A complete answer of whatever type was asked for; raises Failure for what is none."""
    raw = await answer.read(LARGEST_ANSWER)
    tab.stop()
    tab.losses = prepared.losses
    assert endpoint.read is not None and prepared.format.patch_response is not None
    read, patch = endpoint.read, prepared.format.patch_response
    try:
        found = await off_loop(len(raw), lambda: read(call.glance, raw))
    except Garbage as garbage:
        raise Failure("broken", str(garbage)) from None
    prompt = await input_tokens(call.glance) if found.usage is None else call.ask.input_tokens
    measured = metering.of_answer(found, call.glance.model, prompt)
    tab.measured = measured = metering.with_units(measured, call.ask.units)
    kind = kind_of(answer.headers)
    body = raw
    if raw[:1] == b"{":
        body = await off_loop(len(raw), lambda: patch(raw, call.glance.model))
    return Whole(body, measured, (*pairs, *PLAIN), tab.losses, kind.encode())
