"""What the gateway itself needs of a Gemini request; everything else stays unread bytes.

Google's servers take every field in camelCase and in snake_case, and so do we.
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import MAX_CHOICES, MAX_TOKENS, model_name, typed, within
from relay.formats.format import Glance
from relay.splice import top_level


class _Part(msgspec.Struct, gc=False):
    text: Any = None
    inlineData: Any = None
    inline_data: Any = None
    fileData: Any = None
    file_data: Any = None
    functionCall: msgspec.Raw = msgspec.Raw()
    function_call: msgspec.Raw = msgspec.Raw()
    functionResponse: msgspec.Raw = msgspec.Raw()
    function_response: msgspec.Raw = msgspec.Raw()


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Config(msgspec.Struct, gc=False):
    maxOutputTokens: int | None = None
    max_output_tokens: int | None = None
    candidateCount: int | None = None
    candidate_count: int | None = None


_str = msgspec.json.Decoder(str | None).decode
_contents = msgspec.json.Decoder(list[_Content]).decode
_content = msgspec.json.Decoder(_Content | None).decode
_config = msgspec.json.Decoder(_Config | None).decode

_COUNTED = ("tools",)


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    """Checks limits and the outline of the contents; model and stream come from the path. Raises Problem 400."""
    fields = top_level(body)
    named = typed(fields["model"], _str, "model") if "model" in fields and path_model is None else path_model
    model = model_name(named.removeprefix("models/") if named else named)
    turns = typed(fields["contents"], _contents, "contents") if "contents" in fields else []
    if not turns:
        raise invalid("contents must be a non-empty list.", "contents")
    limit, choices = _limits(fields)
    texts, images = _texts([*_system(fields), *turns])
    texts += [bytes(fields[name]).decode() for name in _COUNTED if name in fields]
    return Glance(
        model=model,
        stream=bool(path_stream),
        max_output=limit,
        n=choices or 1,
        include_usage=True,
        input_texts=tuple(texts),
        images=images,
        messages=len(turns),
        fields=fields,
    )


def _system(fields: dict[str, msgspec.Raw]) -> list[_Content]:
    names = [name for name in ("systemInstruction", "system_instruction") if name in fields]
    found = [typed(fields[name], _content, name) for name in names]
    return [content for content in found if content is not None]


def _limits(fields: dict[str, msgspec.Raw]) -> tuple[int | None, int | None]:
    """Output tokens and answers; every spelling is checked, the first one counts."""
    limits: list[int] = []
    choices: list[int] = []
    for name in ("generationConfig", "generation_config"):
        config = typed(fields[name], _config, name) if name in fields else None
        for key in ("maxOutputTokens", "max_output_tokens"):
            limits += _given(within(getattr(config, key, None), f"{name}.{key}", 1, MAX_TOKENS))
        for key in ("candidateCount", "candidate_count"):
            choices += _given(within(getattr(config, key, None), f"{name}.{key}", 1, MAX_CHOICES))
    return next(iter(limits), None), next(iter(choices), None)


def _given(value: int | None) -> list[int]:
    return [] if value is None else [value]


def _texts(contents: list[_Content]) -> tuple[list[str], int]:
    """All text, and how many parts are something else; calls and their results count by their JSON."""
    texts: list[str] = []
    images = 0
    for part in (part for content in contents for part in content.parts or ()):
        images += any((part.inlineData, part.inline_data, part.fileData, part.file_data))
        if isinstance(part.text, str):
            texts.append(part.text)
        calls = (part.functionCall, part.function_call, part.functionResponse, part.function_response)
        texts += [bytes(raw).decode() for raw in calls if len(raw)]
    return texts, images
