"""What the strict providers share: how they refuse, sign, and send."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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


Call = tuple[str, dict[str, Any]]
"""A tool's name and arguments."""


@dataclass(frozen=True)
class Play:
    """What a provider that has tools says: in each round the calls of one turn, then the answer.

    The results of calls whose arguments have an ``a`` must name it, so that none is taken for another's.
    """

    rounds: tuple[tuple[Call, ...], ...] = ((("f", {"a": "b"}),),)
    answer: str = ANSWER

    def calls(self, turns: int, offered: bool) -> tuple[Call, ...]:
        """The calls of the turn after so many turns with calls."""
        return self.rounds[turns] if offered and turns < len(self.rounds) else ()

    def number(self, turns: int) -> int:
        """How many calls came before that turn."""
        return sum(len(calls) for calls in self.rounds[:turns])


SHORT = Play()
LONG = Play(((("f", {"a": "b"}),), (("f", {"a": "c"}), ("g", {"a": "d"})), (("g", {"a": "e"}),)))
"""A loop whose second round has two calls at once."""


def thought(turns: int) -> str:
    """What it thinks after so many turns with calls."""
    return THOUGHT if not turns else f"{THOUGHT} Round {turns + 1}."


def check_result(args: Any, told: Any) -> None:
    """Refuse a result that is another call's."""
    if isinstance(args, dict) and isinstance(args.get("a"), str) and len(args) == 1:
        need(f"ok {args['a']}" in json.dumps(told), f"this is not the result of the call with {args}")


SHAPED = '{"name": "Ada", "age": 36}'
"""The answer to those who ask for a person as JSON."""


def check_strict(schema: dict[str, Any], where: str) -> None:
    """Refuse a schema that OpenAI's strict mode does not take."""
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        need(schema.get("additionalProperties") is False, f"{where}: 'additionalProperties' must be false")
        need(set(schema.get("required", ())) == set(properties), f"{where}: 'required' must name every property")
        for name, inner in properties.items():
            check_strict(inner, f"{where}.{name}")


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


def halves(text: str) -> tuple[str, str]:
    """A text as it streams."""
    return text[:3], text[3:]
