"""From the bytes of a request to what admission needs to know: model, limits, tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Ask, CountFirst, Grant
from relay import counting
from relay.endpoints.endpoint import Look
from relay.form import Form
from relay.formats.format import Glance
from relay.gate import Gate
from relay.incoming import Incoming
from relay.responses.memory import Memory
from relay.room import Kept
from relay.routes import Route
from relay.upload import Upload

T = TypeVar("T")

LARGE = 200_000
"""Bytes beyond which reading and counting a body leaves the event loop."""

IMAGE_TOKENS = 1_000
"""What a part that is no text counts for in a hold."""

_NONE: dict[str, int] = {}

PER_TURN = 4
"""Tokens that providers' chat templates add to each turn, and once more before the answer."""


class Call(msgspec.Struct, eq=False, gc=False):
    """One request of a caller, checked as far as the gateway looks into it."""

    route: Route
    ask: Ask
    body: bytes
    glance: Glance
    array: bool
    """Frame the stream as one JSON array (Gemini without ``alt=sse``)."""
    began: float
    """``loop.time()`` of its arrival."""
    beta: str = ""
    """The caller's ``anthropic-beta`` header, for channels that know it."""
    kept: Kept | None = None
    """What its body takes up of the worker's room."""
    upload: Upload | None = None
    """The body, where it lies on disk."""
    memory: Memory | None = None
    """Of a request to the Responses API."""

    def forget(self) -> None:
        """Let go of what was asked: a stream may last long, and no attempt will need it again."""
        self.body = b""
        if self.kept is not None and (self.memory is None or not self.memory.remembers):
            self.kept.give_back()
        seen = self.glance
        self.glance = Glance(seen.model, seen.stream, seen.max_output, seen.n, seen.include_usage, (), 0, 0, {})


async def off_loop(size: int, work: Callable[[], T]) -> T:
    """``work()``, in a thread when the ``size`` (bytes) that it works on would stall the others."""
    return work() if size <= LARGE else await asyncio.to_thread(work)


async def looked_at(request: Incoming, body: bytes, form: Form | None = None) -> tuple[Ask, Glance | None]:
    """The ask with what the body says; without a Glance what is wrong stands in ``ask.problem``."""
    route = request.route
    try:
        if form is not None and route.endpoint is not None and route.endpoint.form is not None:
            glance: Glance = await asyncio.to_thread(route.endpoint.form, form)  # it may look into the files
        elif len(body) <= LARGE:
            glance = route.format.glance(body, route.model, route.stream)
        else:
            glance = await asyncio.to_thread(route.format.glance, body, route.model, route.stream)
        if not counting.ready(glance.model):  # loading a vocabulary is work, too
            await asyncio.to_thread(counting.count_text, "warm", glance.model)
    except Problem as problem:
        return request.ask(problem), None
    text, sampled = counting.estimate(glance.input_texts, glance.model)
    return _asked(request, glance, text, sampled), glance


async def admit(gate: Gate, call: Call) -> Grant:
    """Hold the credits. Where a count by sample would decide something, all is counted first."""
    lasting = call.memory is not None and call.memory.wish.background
    try:
        grant = await gate.ledger.admit(call.ask, lasting)
    except CountFirst:
        grant = await gate.ledger.admit(exactly(call.ask, await input_tokens(call.glance)), lasting)
    call.ask = grant.ask  # its model is the one that the name means
    return grant


async def input_tokens(glance: Glance) -> int:
    """Every token of the request's texts, counted."""
    texts = glance.input_texts
    size = sum(map(len, texts))
    tokens = await off_loop(size * 10, lambda: sum(counting.count_text(text, glance.model) for text in texts))
    return _with_frame(tokens, glance)


def exactly(ask: Ask, input_tokens: int) -> Ask:
    """``ask`` with all its tokens counted."""
    return Ask(
        request_id=ask.request_id,
        key_hash=ask.key_hash,
        address=ask.address,
        started_at=ask.started_at,
        path=ask.path,
        endpoint=ask.endpoint,
        model=ask.model,
        stream=ask.stream,
        input_tokens=input_tokens,
        max_output=ask.max_output,
        n=ask.n,
        free=ask.free,
        units=ask.units,
    )


def _asked(request: Incoming, glance: Glance, text_tokens: int, sampled: bool) -> Ask:
    return Ask(
        request_id=request.request_id,
        key_hash=request.key_hash,
        address=request.address,
        started_at=request.started_at,
        path=request.route.path,
        endpoint=request.route.ability,
        free=request.route.free,
        model=glance.model,
        stream=glance.stream,
        input_tokens=_with_frame(text_tokens, glance),
        max_output=glance.max_output,
        n=glance.n,
        sampled=sampled,
        units=glance.units if isinstance(glance, Look) else _NONE,
    )


def _with_frame(text_tokens: int, glance: Glance) -> int:
    if isinstance(glance, Look):
        return text_tokens + glance.tokens + IMAGE_TOKENS * glance.images
    return text_tokens + IMAGE_TOKENS * glance.images + PER_TURN * (glance.messages + 1)
