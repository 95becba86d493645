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
    functionResponse: Any = None
    function_response: Any = None


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Config(msgspec.Struct, gc=False):
    maxOutputTokens: int | None = None
    max_output_tokens: int | None = None
    candidateCount: int | None = None
    candidate_count: int | None = None
    responseSchema: msgspec.Raw = msgspec.Raw()
    response_schema: msgspec.Raw = msgspec.Raw()
    responseJsonSchema: msgspec.Raw = msgspec.Raw()
    response_json_schema: msgspec.Raw = msgspec.Raw()


_str = msgspec.json.Decoder(str | None).decode
_contents = msgspec.json.Decoder(list[_Content]).decode
_content = msgspec.json.Decoder(_Content | None).decode
_config = msgspec.json.Decoder(_Config | None).decode
_tools = msgspec.json.Decoder(list[dict[str, Any]] | None).decode
_encode = msgspec.json.Encoder().encode

_COUNTED = ("tools",)

_SCHEMAS = ("responseSchema", "response_schema", "responseJsonSchema", "response_json_schema")


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Glance:
    """Checks limits and the outline of the contents; model and stream come from the path. Raises Problem 400."""
    fields = top_level(body)
    named = typed(fields["model"], _str, "model") if "model" in fields and path_model is None else path_model
    model = model_name(named.removeprefix("models/") if named else named)
    turns = typed(fields["contents"], _contents, "contents") if "contents" in fields else []
    if not turns:
        raise invalid("contents must be a non-empty list.", "contents")
    seen = _Seen()
    seen.contents([*_system(fields), *turns])
    limit, choices = _limits(fields, seen)
    seen.texts += [bytes(fields[name]).decode() for name in _COUNTED if name in fields]
    return Glance(
        model=model,
        stream=bool(path_stream),
        max_output=limit,
        n=choices or 1,
        include_usage=True,
        input_texts=tuple(seen.texts),
        images=seen.images,
        messages=len(turns),
        fields=fields,
        audio=seen.audio,
        tools=_offered(fields),
    )


def _system(fields: dict[str, msgspec.Raw]) -> list[_Content]:
    names = [name for name in ("systemInstruction", "system_instruction") if name in fields]
    found = [typed(fields[name], _content, name) for name in names]
    return [content for content in found if content is not None]


def _limits(fields: dict[str, msgspec.Raw], seen: _Seen) -> tuple[int | None, int | None]:
    """Output tokens and answers; every spelling is checked, the first one counts."""
    limits: list[int] = []
    choices: list[int] = []
    for name in ("generationConfig", "generation_config"):
        config = typed(fields[name], _config, name) if name in fields else None
        for key in ("maxOutputTokens", "max_output_tokens"):
            limits += _given(within(getattr(config, key, None), f"{name}.{key}", 1, MAX_TOKENS))
        for key in ("candidateCount", "candidate_count"):
            choices += _given(within(getattr(config, key, None), f"{name}.{key}", 1, MAX_CHOICES))
        for key in _SCHEMAS:
            seen.raw(getattr(config, key, msgspec.Raw()))
    return next(iter(limits), None), next(iter(choices), None)


def _given(value: int | None) -> list[int]:
    return [] if value is None else [value]


def _offered(fields: dict[str, msgspec.Raw]) -> int:
    """How many tools there are to call; what is no list is the vendor's to refuse."""
    if "tools" not in fields:
        return 0
    try:
        listed = _tools(fields["tools"]) or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 0
    found = 0
    for key, value in ((key, value) for tool in listed for key, value in tool.items()):
        declared = key in ("functionDeclarations", "function_declarations")
        found += (len(value) if isinstance(value, list) else 0) if declared else value is not None
    return found


class _Seen:
    """All text, and how many parts are something else; calls and their results count by their JSON."""

    __slots__ = ("audio", "images", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.images = 0
        self.audio = 0

    def contents(self, contents: list[_Content]) -> None:
        """All parts of turns."""
        for content in contents:
            for part in content.parts or ():
                self._part(part)

    def raw(self, raw: msgspec.Raw) -> None:
        """What counts by its JSON."""
        if len(raw):
            self.texts.append(bytes(raw).decode())

    def _part(self, part: _Part) -> None:
        for data in (part.inlineData, part.inline_data, part.fileData, part.file_data):
            self._medium(data)
        if isinstance(part.text, str):
            self.texts.append(part.text)
        self.raw(part.functionCall)
        self.raw(part.function_call)
        for result in (part.functionResponse, part.function_response):
            if result is not None:
                self._result(result)

    def _medium(self, data: Any) -> None:
        if not data:
            return
        self.images += 1
        kind = (data.get("mimeType") or data.get("mime_type")) if isinstance(data, dict) else None
        self.audio += isinstance(kind, str) and kind.startswith("audio/")

    def _result(self, result: Any) -> None:
        """What a result says; what else it holds is no text."""
        inner = result.get("parts") if isinstance(result, dict) else None
        if not isinstance(inner, list):
            self.texts.append(_encode(result).decode())
            return
        self.texts.append(_encode({key: value for key, value in result.items() if key != "parts"}).decode())
        for item in inner:
            for name in ("inlineData", "inline_data", "fileData", "file_data"):
                self._medium(item.get(name) if isinstance(item, dict) else None)
