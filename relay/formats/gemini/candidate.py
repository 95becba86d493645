"""Candidates of an answer or a chunk <-> parts. Source: https://ai.google.dev/api/generate-content#candidate"""

from __future__ import annotations

from typing import Any

import msgspec

from relay.formats import ids
from relay.formats.gemini.parts import call_part, data_part, medium, plain64
from relay.formats.gemini.thoughts import Found, state_of
from relay.formats.gemini.words import FORMAT_NAME, dicts, inner, word
from relay.formats.media import AUDIO_TYPES
from relay.neutral import (
    Audio,
    Block,
    Choice,
    Image,
    Logprob,
    Part,
    Source,
    Stop,
    StopReason,
    Text,
    Thinking,
    ToolUse,
    Video,
)

_STOPS: dict[str, StopReason] = {"STOP": "stop", "MAX_TOKENS": "length"}

_FILTERS = frozenset(
    ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
     "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR", "ESCALATION")
)  # fmt: skip

_REASONS: dict[StopReason, str] = {"length": "MAX_TOKENS", "refusal": "SAFETY", "other": "OTHER"}

_UNSAID = ("", "OTHER", "BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED")

_encode = msgspec.json.Encoder().encode


def parse_raw(raw: dict[str, Any]) -> Found | None:
    """One part of an answer and its signature, as lenient as can be; None for what says nothing."""
    state = state_of(raw.get("thoughtSignature"))
    text = raw.get("text")
    if isinstance(text, str):
        return (Thinking(text) if raw.get("thought") is True else Text(text)), state
    call = raw.get("functionCall")
    if isinstance(call, dict):
        return (parse_call(call), state) if word(call.get("name")) else None
    data = raw.get("inlineData")
    if isinstance(data, dict) and raw.get("thought") is not True:  # drafts of a picture are thoughts
        return (_shown(data), state) if word(data.get("data")) else None
    kind = next((name for name, value in raw.items() if isinstance(value, dict)), "")
    if kind:
        return Block(FORMAT_NAME, kind, raw), None
    return None if state is None else (Text(""), state)


def parse_call(call: dict[str, Any]) -> ToolUse:
    """A call of one of the caller's tools."""
    args = call.get("args")
    text = args if isinstance(args, str) else _encode(args).decode() if isinstance(args, dict | list) else "{}"
    return ToolUse(word(call.get("id")), word(call.get("name")), text)


def _shown(data: dict[str, Any]) -> Part:
    kind = word(data.get("mimeType")) or "image/png"
    part = medium(Source("base64", plain64(word(data.get("data"))), kind))
    return part if isinstance(part, Image | Audio | Video) else Block(FORMAT_NAME, "inlineData", {"inlineData": data})


def raw_parts(candidate: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a candidate's content."""
    return dicts(inner(candidate, "content").get("parts"))


def stop_of(candidate: dict[str, Any], index: int, called: bool) -> Stop | None:
    """Why a candidate ended; a call of a tool has no reason of its own here."""
    reason = word(candidate.get("finishReason"))
    if reason in ("", "FINISH_REASON_UNSPECIFIED"):
        return None
    if reason in _FILTERS:
        return Stop("refusal", index, detail=reason)
    stop = _STOPS.get(reason, "other")
    return Stop("tools" if called and stop == "stop" else stop, index)


def blocked(value: dict[str, Any]) -> Stop | None:
    """A prompt that was filtered: a refusal without words."""
    reason = word(inner(value, "promptFeedback").get("blockReason"))
    if not reason:
        return None
    return Stop("refusal", 0, detail="" if reason in _UNSAID else reason)


def finish_reason(stop: StopReason | None, detail: str) -> str:
    """The word for the caller."""
    if stop == "refusal" and detail in _FILTERS:
        return detail
    return _REASONS.get(stop or "stop", "STOP")


def parse_logprobs(candidate: dict[str, Any]) -> tuple[Logprob, ...]:
    """How likely each token was, and what else was likely."""
    result = inner(candidate, "logprobsResult")
    others = dicts(result.get("topCandidates"))
    found: list[Logprob] = []
    for at, item in enumerate(dicts(result.get("chosenCandidates"))):
        top = dicts(others[at].get("candidates")) if at < len(others) else []
        logprob = _logprob(item, tuple(one for other in top if (one := _logprob(other)) is not None))
        if logprob is not None:
            found.append(logprob)
    return tuple(found)


def _logprob(item: dict[str, Any], top: tuple[Logprob, ...] = ()) -> Logprob | None:
    token, value = item.get("token"), item.get("logProbability", 0.0)  # zeros are left out
    if not isinstance(token, str) or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Logprob(token, float(value), tuple(token.encode("utf-8", "replace")), top)


def render_logprobs(logprobs: tuple[Logprob, ...]) -> dict[str, Any]:
    """The tokens of a text."""
    chosen = [{"token": one.token, "logProbability": one.logprob} for one in logprobs]
    top = [{"candidates": [{"token": other.token, "logProbability": other.logprob} for other in one.top]}
           for one in logprobs]  # fmt: skip
    return {"topCandidates": top, "chosenCandidates": chosen}


def answered_call(part: ToolUse, request_id: str, at: int, choice: int) -> dict[str, Any]:
    """A call of a tool, under an id that the caller can answer with."""
    return call_part(part, part.id or ids.made(request_id, at, choice))


def media_part(part: Part, losses: dict[str, None]) -> dict[str, Any] | None:
    """A picture, a sound or one of Gemini's own parts; None for what has no form here, which is a loss."""
    if isinstance(part, Image | Video) and part.source.kind in ("base64", "url"):
        return data_part(part.source, "image/png" if isinstance(part, Image) else "video/mp4")
    if isinstance(part, Audio):
        return _sounding(part, losses)
    if isinstance(part, Block) and part.format == FORMAT_NAME:
        return part.raw
    losses[type(part).__name__.lower()] = None
    return None


def _sounding(part: Audio, losses: dict[str, None]) -> dict[str, Any] | None:
    if part.source is None:
        return {"text": part.transcript} if part.transcript else None
    if part.transcript:
        losses["audio.transcript"] = None
    return sound_part(part.source.value, part.source.media_type or AUDIO_TYPES.get(part.format, ""))


def sound_part(data: str, kind: str = "") -> dict[str, Any]:
    """A piece of sound. Where nobody says what it is: it begins as wave files do, or is OpenAI's ``pcm16``."""
    kind = kind or ("audio/wav" if data.startswith("UklGR") else "audio/L16;codec=pcm;rate=24000")
    return {"inlineData": {"mimeType": kind, "data": data}}


def candidate(
    index: int, parts: list[dict[str, Any]], reason: str = "", further: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One candidate of an answer or a chunk."""
    fields: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": index, **(further or {})}
    return {**fields, "finishReason": reason} if reason else fields


def choice_of(at: int, raw: dict[str, Any], parts: tuple[Part, ...]) -> Choice:
    """A candidate as choice."""
    called = any(isinstance(part, ToolUse) for part in parts)
    stop = stop_of(raw, at, called)
    logprobs = parse_logprobs(raw)
    if stop is None:
        return Choice(at, parts, logprobs=logprobs)
    return Choice(at, parts, stop.reason, detail=stop.detail, logprobs=logprobs)
