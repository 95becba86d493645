"""What the strict providers share: how they refuse, sign, and send."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.fakes.exchange import Exchange, Received, Script

ANSWER = "Hello!"
THOUGHT = "I need the tool."
KEY = "upstream-key"
MODELS = {
    "openai-compatible": "some-model",
    "openai-responses": "gpt-5",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-3-pro-preview",
}
"""The model that each has, by channel type."""


class Refused(Exception):
    """The provider does not take the request."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def need(condition: object, message: str, status: int = 400) -> None:
    """Refuse unless ``condition`` holds."""
    if not condition:
        raise Refused(message, status)


def only(value: Mapping[str, Any], allowed: str, where: str, needed: str = "") -> None:
    """Refuse fields that the vendor does not know, and missing ones."""
    unknown = value.keys() - set(allowed.split()) - set(needed.split())
    need(not unknown, f"{where}: Extra inputs are not permitted: {', '.join(sorted(unknown))}")
    missing = set(needed.split()) - value.keys()
    need(not missing, f"{where}: Field required: {', '.join(sorted(missing))}")


def sign(text: str) -> str:
    """The provider's signature of what it thought."""
    return "sig" + hashlib.sha256(text.encode()).hexdigest()[:24]


Answering = Callable[[Received], tuple[bool, list[bytes]]]
"""Checks a request; whether the answer is a stream, and its pieces. Raises Refused."""


def playing(answering: Answering, refusal: Callable[[Refused], Any]) -> Script:
    """A script out of a vendor's checks and its form of an error."""

    async def script(exchange: Exchange) -> None:
        try:
            stream, pieces = answering(exchange.received)
        except Refused as refused:
            await whole(exchange, refused.status, json.dumps(refusal(refused)).encode())
            return
        if not stream:
            await whole(exchange, 200, b"".join(pieces))
            return
        await exchange.begin()
        for piece in pieces:
            await exchange.chunk(piece)
        await exchange.end()

    return script


async def whole(exchange: Exchange, status: int, body: bytes) -> None:
    await exchange.head(status, {"content-type": "application/json", "content-length": str(len(body))})
    await exchange.raw(body)


def listing(body: Any, check: Callable[[Received], None]) -> Script:
    """A list of models for those who ask as ``check`` wants it."""

    async def script(exchange: Exchange) -> None:
        try:
            check(exchange.received)
        except Refused as refused:
            await whole(exchange, refused.status, json.dumps({"error": {"message": str(refused)}}).encode())
            return
        await whole(exchange, 200, json.dumps(body).encode())

    return script


def dumped(value: Any) -> list[bytes]:
    return [json.dumps(value).encode()]


def named_events(events: Iterable[dict[str, Any]]) -> list[bytes]:
    """Events whose type stands in a line of its own, too."""
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
