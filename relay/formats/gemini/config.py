"""``generationConfig`` <-> options. Source: https://ai.google.dev/api/generate-content#generationconfig"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_CHOICES, MAX_TOKENS, Fields, not_carried
from relay.formats.gemini.dialect import json_schema
from relay.formats.gemini.thinking import parse_thinking, render_thinking
from relay.formats.schema import for_gemini
from relay.neutral import Request, Shape, Voice

JSON = "application/json"

_MODALITIES = ("text", "image", "audio")

SOUND = "pcm16"
"""The only sound that Gemini makes."""


def configured(request: Request, config: Fields) -> Request:
    """``request`` with the options of the caller's config."""
    modalities = tuple(kind.lower() for kind in config.texts("responseModalities", "response_modalities"))
    request = msgspec.structs.replace(
        request,
        max_tokens=config.integer("maxOutputTokens", "max_output_tokens", low=1, high=MAX_TOKENS),
        temperature=config.number("temperature"),
        top_p=config.number("topP", "top_p"),
        top_k=_whole(config, "topK", "top_k"),
        stop=config.texts("stopSequences", "stop_sequences"),
        n=config.integer("candidateCount", "candidate_count", low=1, high=MAX_CHOICES) or 1,
        seed=config.integer("seed"),
        presence_penalty=config.number("presencePenalty", "presence_penalty"),
        frequency_penalty=config.number("frequencyPenalty", "frequency_penalty"),
        logprobs=config.flag("responseLogprobs", "response_logprobs") or False,
        top_logprobs=config.integer("logprobs", low=0, high=100),
        shape=_shape(config),
        reasoning=parse_thinking(config.inner("thinkingConfig", "thinking_config")),
        modalities=() if modalities == ("text",) else modalities,
        voice=_voice(config.inner("speechConfig", "speech_config")) if "audio" in modalities else None,
    )
    config.refuse("responseFormat", "response_format", what="Such a form of the answer is")
    config.drop_rest()
    return request


def _whole(config: Fields, *names: str) -> int | None:
    """A whole number; Google's own type of ``topK`` is a fraction."""
    path, value = config.spelling(*names), config.number(*names)
    if value is not None and not (abs(value) < 2**31 and value == int(value)):
        raise invalid(f"{path} must be an integer.", path)
    return None if value is None else int(value)


def _shape(config: Fields) -> Shape | None:
    names = ("responseMimeType", "response_mime_type")
    path, kind = config.spelling(*names), config.text(*names) or ""
    own = config.object("responseSchema", "response_schema")
    plain = config.object("responseJsonSchema", "response_json_schema", "_responseJsonSchema")
    if kind not in ("", "text/plain", JSON):
        raise not_carried(f"Output of the type {kind!r} is", path)
    if own is None and plain is None:
        return Shape("object") if kind == JSON else None
    return Shape("schema", plain if plain is not None else json_schema(own or {}))


def _voice(speech: Fields | None) -> Voice:
    if speech is None:
        return Voice(SOUND, "")
    speech.refuse("multiSpeakerVoiceConfig", "multi_speaker_voice_config", what="Several voices are")
    inner = speech.inner("voiceConfig", "voice_config")
    ready = inner.inner("prebuiltVoiceConfig", "prebuilt_voice_config") if inner else None
    name = ready.text("voiceName", "voice_name") if ready else None
    speech.drop_rest()
    return Voice(SOUND, name or "")


def render_config(request: Request, losses: dict[str, None]) -> dict[str, Any]:
    """The config for Gemini."""
    options = {
        "maxOutputTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "stopSequences": list(request.stop) or None,
        "candidateCount": request.n if request.n > 1 else None,
        "seed": request.seed,
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
        "responseLogprobs": request.logprobs or None,
        "logprobs": request.top_logprobs if request.logprobs else None,
        **_rendered_shape(request.shape, losses),
        "responseModalities": _rendered_modalities(request, losses),
        "speechConfig": _rendered_voice(request, losses),
        "thinkingConfig": render_thinking(request.reasoning, request.model, losses),
    }
    return {name: value for name, value in options.items() if value is not None}


def _rendered_shape(shape: Shape | None, losses: dict[str, None]) -> dict[str, Any]:
    if shape is None:
        return {}
    if shape.kind == "object" or not shape.schema:
        return {"responseMimeType": JSON}
    reduced = for_gemini(shape.schema)
    for change in reduced.changes:
        losses[f"response_format.schema.{change}"] = None
    schema = reduced.schema
    if shape.description and "description" not in schema:
        schema = {**schema, "description": shape.description}
    return {"responseMimeType": JSON, "responseSchema": schema}


def _rendered_modalities(request: Request, losses: dict[str, None]) -> list[str] | None:
    """Models that speak give sound alone."""
    kinds = request.modalities
    if not kinds:
        return None
    if any(kind not in _MODALITIES for kind in kinds):
        raise not_carried("Output of such a kind is", "modalities")
    if "audio" in kinds and len(kinds) > 1:
        losses["modalities"] = None
        return ["AUDIO"]
    return [kind.upper() for kind in kinds]


def _rendered_voice(request: Request, losses: dict[str, None]) -> dict[str, Any] | None:
    voice = request.voice
    if voice is None or "audio" not in request.modalities:
        losses.update({} if voice is None else {"audio": None})
        return None
    if not isinstance(voice.voice, str):
        raise not_carried("An own voice is", "audio.voice")
    if voice.format != SOUND:
        losses["audio.format"] = None
    if not voice.voice:
        return None
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice.voice}}}
