"""``POST /v1/completions``, the legacy form: a text is continued.

Source: https://platform.openai.com/docs/api-reference/completions/create
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.endpoints.answers import answer_of, check_list, top_level
from relay.endpoints.endpoint import Endpoint, Look, flag, looked, passing, value
from relay.endpoints.taps import EventTap
from relay.endpoints.texts import texts_and_tokens
from relay.formats.fields import MAX_CHOICES, MAX_TOKENS, typed, within
from relay.formats.openai_chat.message import dicts, word
from relay.formats.openai_chat.passthrough import patch_request
from relay.formats.openai_chat.usage import parse_usage, render_usage
from relay.formats.vendor import index_of
from relay.framing import Frame, sse
from relay.neutral import Answer, Usage
from relay.splice import top_level as checked

_int = msgspec.json.Decoder(int | None).decode
_encode = msgspec.json.Encoder().encode

DEFAULT_OUTPUT = 16
"""Tokens that a completion has where the request sets no limit."""


class _StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


_options = msgspec.json.Decoder(_StreamOptions | None).decode


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """Checks model, prompt and limits. Raises Problem 400."""
    fields = checked(body)
    if "prompt" not in fields:
        raise invalid("prompt is missing.", "prompt")
    prompt = value(fields, "prompt")
    texts, tokens = texts_and_tokens("" if prompt is None else prompt, "prompt")
    prompts = len(prompt) if isinstance(prompt, list) and type(prompt[0]) is not int else 1
    suffix = value(fields, "suffix")
    options = typed(fields["stream_options"], _options, "stream_options") if "stream_options" in fields else None
    limit = _whole(fields, "max_tokens", 0, MAX_TOKENS)
    n = max(_whole(fields, "n", 1, MAX_CHOICES) or 1, _whole(fields, "best_of", 1, MAX_CHOICES) or 1)
    return looked(
        fields,
        (*texts, suffix) if isinstance(suffix, str) else tuple(texts),
        tokens,
        stream=flag(fields, "stream"),
        max_output=DEFAULT_OUTPUT if limit is None else limit,
        n=n * prompts,
        include_usage=bool(options and options.include_usage),
    )


def _whole(fields: dict[str, msgspec.Raw], name: str, low: int, high: int) -> int | None:
    return within(typed(fields[name], _int, name), name, low, high) if name in fields else None


def parse_response(body: bytes) -> Answer:
    """What the answer used, and its texts. Raises Garbage."""
    fields = top_level(body)
    check_list(fields, "choices")
    texts = [word(choice.get("text")) for choice in dicts(fields["choices"])]
    return answer_of(parse_usage(fields.get("usage"), fields.get("service_tier")), *texts)


class TextTap(EventTap):
    """A streamed completion: the chunk with the counts is shown to those only who asked for it."""

    def __init__(self, model: str, include_usage: bool) -> None:
        super().__init__(model, include_usage)
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._reported = False

    def end(self, usage: Usage | None) -> bytes:
        """The held ending, with counts of our own where they were asked for and never came."""
        held = self._held
        if self._include_usage and not self._reported and usage is not None:
            chunk = {"object": "text_completion", "model": self._model, "choices": [], "usage": render_usage(usage)}
            held += sse(_encode(chunk))
        return held + b"data: [DONE]\n\n"

    def _passed(self, frame: Frame, event: dict[str, Any]) -> bytes:
        out = super()._passed(frame, event)
        if event.get("usage") and not event.get("choices"):
            self._reported = True
            if not self._include_usage:
                self._held = b""
        return out

    def _hear(self, event: dict[str, Any]) -> bool:
        self.usage = parse_usage(event.get("usage"), event.get("service_tier")) or self.usage
        for choice in dicts(event.get("choices")):
            index = index_of(choice.get("index"), 0)
            self._begun.add(index)
            self._say(choice.get("text"))
            if choice.get("finish_reason"):
                self._ended.add(index)
        self.stop_seen = bool(self._ended) and self._ended >= self._begun
        return bool(event.get("usage")) and not event.get("choices")


COMPLETIONS = Endpoint(
    "completions", "/completions", passing("openai_completions", glance, parse_response, TextTap, patch_request)
)
