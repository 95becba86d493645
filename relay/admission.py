"""From the bytes of a request to what admission needs to know: model, limits, tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Ask
from relay import counting
from relay.counting import count_text
from relay.formats.format import Glance
from relay.routes import Route

T = TypeVar("T")

LARGE = 200_000
"""Bytes beyond which reading and counting a body leaves the event loop."""

IMAGE_TOKENS = 1_000
"""What a part that is no text counts for in a hold."""

PER_TURN = 4
"""Tokens that providers' chat templates add to each turn, and once more before the answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a caller, checked as far as the gateway looks into it."""

    route: Route
    ask: Ask
    body: bytes
    glance: Glance
    array: bool
    """Frame the stream as one JSON array (Gemini without ``alt=sse``)."""
    began: float
    """``loop.time()`` of its arrival."""


async def off_loop(size: int, work: Callable[[], T]) -> T:
    """``work()``, in a thread when the ``size`` (bytes) that it works on would stall the others."""
    return work() if size <= LARGE else await asyncio.to_thread(work)


async def looked_at(ask: Ask, route: Route, body: bytes) -> tuple[Ask, Glance | None]:
    """The ask with what the body says; without a Glance what is wrong stands in ``ask.problem``."""
    try:
        glance = await off_loop(len(body), lambda: route.format.glance(body, route.model, route.stream))
        size = len(body) if counting.ready(glance.model) else LARGE + 1  # loading a vocabulary is work, too
        return await off_loop(size, lambda: _counted(ask, glance)), glance
    except Problem as problem:
        return replace(ask, problem=problem), None


def _counted(ask: Ask, glance: Glance) -> Ask:
    tokens = sum(count_text(text, glance.model) for text in glance.input_texts)
    tokens += IMAGE_TOKENS * glance.images + PER_TURN * (glance.messages + 1)
    return replace(
        ask,
        model=glance.model,
        stream=glance.stream,
        input_tokens=tokens,
        max_output=glance.max_output,
        n=glance.n,
    )
