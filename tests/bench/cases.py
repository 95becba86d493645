"""The rows of the table: which request, in which format, how many at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from relay import routes
from relay.formats import FORMATS
from relay.neutral import Message, Text
from relay.neutral import Request as Chat
from tests.bench.answers import CHUNKS, ENDS, OUTPUT, WORD
from tests.bench.load import Load, Request, post
from tests.bench.tenants import model_for, upstream_formats

PASSED = "openai_chat"
PATHS = {
    "openai_chat": ("/v1/chat/completions", "/v1/chat/completions"),
    "openai_responses": ("/v1/responses", "/v1/responses"),
    "anthropic": ("/v1/messages", "/v1/messages"),
    "gemini": ("/v1beta/models/{model}:generateContent", "/v1beta/models/{model}:streamGenerateContent?alt=sse"),
}
"""Where a format is asked for whole answers and for streams."""
MAX_TOKENS = 500


@dataclass(frozen=True, slots=True)
class Case:
    """One row. ``format`` is the caller's, ``upstream`` the channel's."""

    name: str
    connections: int
    model: str = "bench"
    stream: bool = False
    body_kb: int = 1
    tokens: int = 0
    """How many of the tokens ask; 0 = all."""
    format: str = PASSED
    upstream: str = PASSED
    usual: bool = True
    """Part of a run without names."""

    @property
    def paced(self) -> bool:
        return self.model == "paced"

    def requests(self, tokens: Sequence[str]) -> list[Request]:
        """One request for each token."""
        chosen = tokens[: self.tokens or len(tokens)]
        model = model_for(self.model, self.upstream)
        path, body = PATHS[self.format][self.stream].format(model=model), _body(self, model)
        return [post(path, body, {"authorization": f"Bearer {token}"}) for token in chosen]

    def load(self, port: int, tokens: Sequence[str], seconds: float, rate: float = 0, count: int = 0) -> Load:
        """The load of this row, for a server with these tokens."""
        warm_up = 0.4
        if self.paced:  # each stream takes 2 s: begin them spread over that time, and count whole rounds
            warm_up, seconds = 2.6, max(1, round(seconds / 2)) * 2.0
        load = Load(port, self.requests(tokens), self.connections, seconds, warm_up, rate, count)
        if self.stream:
            return replace(load, words=CHUNKS, mark=ENDS[self.format])
        return replace(load, size=len(WORD) * OUTPUT)


def _body(case: Case, model: str) -> bytes:
    text = WORD * (case.body_kb * 1024 // len(WORD))
    if case.format != PASSED:
        chat = Chat(model, (Message("user", (Text(text),)),), max_tokens=MAX_TOKENS, stream=case.stream)
        return FORMATS[case.format].render_request(chat).body
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": model, "stream": case.stream, "messages": messages, "max_tokens": MAX_TOKENS}).encode()


_PASSING = (
    Case("unary-1", 1),
    Case("unary-32", 32),
    Case("unary-256", 256),
    Case("unary-32-one-token", 32, tokens=1),
    Case("unary-100kB-1", 1, body_kb=100),
    Case("unary-100kB", 32, body_kb=100),
    Case("unary-100kB-256", 256, body_kb=100),
    Case("stream-fast", 64, stream=True),
    Case("stream-paced", 64, model="paced", stream=True),
)


def _converting(format: str, upstream: str) -> tuple[Case, ...]:
    """All that is not OpenAI's chat on both sides; named by the caller's format where the channel speaks OpenAI's."""
    name = format if upstream == PASSED else f"{format}-to-{upstream}"
    usual = upstream == PASSED
    return (
        Case(f"{name}-unary-32", 32, format=format, upstream=upstream, usual=usual),
        Case(f"{name}-stream-fast", 64, stream=True, format=format, upstream=upstream, usual=usual),
        Case(f"{name}-stream-paced", 64, "paced", stream=True, format=format, upstream=upstream, usual=False),
    )


def all_cases() -> tuple[Case, ...]:
    """Every row; conversions follow from the formats and the types of channel that there are."""
    pairs = [(format, upstream) for upstream in upstream_formats() for format in FORMATS]
    converting = [case for pair in pairs if pair != (PASSED, PASSED) for case in _converting(*pair)]
    return (*_PASSING, *converting)


def unknown_formats() -> list[str]:
    """Formats of the relay that this file has no path for, or another one than the relay's."""
    wrong = []
    for name in FORMATS:
        paths = [path.format(model="m").partition("?")[0] for path in PATHS.get(name, ())]
        if not paths or any(routes.find("POST", path).format.name != name for path in paths):
            wrong.append(name)
    return wrong
