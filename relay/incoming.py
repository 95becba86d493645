"""A request as either front door hands it over: what its head says, and its body in parts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Ask
from relay.caller import Gone, Receive
from relay.gate import Gate
from relay.room import Kept
from relay.routes import Route

if TYPE_CHECKING:
    from relay.upload import Upload

Part = Callable[[], Awaitable[tuple[bytes, bool]]]
"""The next piece of the body and whether more is to come; raises Gone."""


class Incoming(msgspec.Struct, eq=False, gc=False):
    """One request that has come in. Its repr shows no headers: they hold the token."""

    request_id: str
    route: Route
    key_hash: str | None
    address: str
    started_at: int
    began: float
    """``loop.time()`` of its arrival."""
    array: bool
    """Frame a stream as one JSON array (Gemini without ``alt=sse``)."""
    declared: int | None
    """Bytes that the body is said to have."""
    here: bool
    """The whole body has arrived: it costs nothing more to look at it."""
    part: Part
    beta: str
    """The caller's ``anthropic-beta`` header: which features of Claude it means to use."""
    kept: Kept
    """What the body takes up of the worker's room."""
    content_type: str = ""
    """Where an upload may come."""
    upload: Upload | None = None
    """Closed with the request."""

    def ask(self, problem: Problem | None = None) -> Ask:
        """The request as far as its head tells; ``problem`` is what is wrong with the rest."""
        return Ask(
            request_id=self.request_id,
            key_hash=self.key_hash,
            address=self.address,
            started_at=self.started_at,
            path=self.route.path,
            problem=problem,
        )


def incoming(
    gate: Gate,
    request_id: str,
    route: Route,
    key: str | None,
    address: str,
    query: bytes,
    declared: int | None,
    part: Part,
    here: bool = False,
    beta: bytes | None = None,
    content_type: bytes | None = None,
) -> Incoming:
    """What the head of a request says; nothing is decided yet. ``key`` is the hash of its token."""
    return Incoming(
        request_id,
        route,
        key,
        address,
        gate.tools.now(),
        gate.clock(),
        bool(route.stream) and b"alt=sse" not in query,
        declared,
        here,
        part,
        _plain(beta) if beta else "",
        Kept(gate.room),
        _plain(content_type) if content_type else "",
    )


def _plain(value: bytes) -> str:
    """A header that may be passed on; empty for anything odd."""
    text = value.decode("latin-1").strip()
    return text if len(text) <= 2_000 and text.isascii() and text.isprintable() else ""


def asgi_part(receive: Receive) -> Part:
    """The body's pieces as an ASGI server gives them."""

    async def part() -> tuple[bytes, bool]:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        return message.get("body", b""), bool(message.get("more_body", False))

    return part
