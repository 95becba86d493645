"""Lenient reading of what vendors send: JSON with flaws, counts of any type, errors of any shape."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from relay.formats.format import Garbage
from relay.neutral import StreamError

T = TypeVar("T")

MAX_COUNT = 2**31
"""Counts above this are nonsense and clamped."""

MAX_MESSAGE = 500
"""Longest vendor's message that is passed on, in characters."""

MAX_ERROR = 1_048_576
"""Bytes of an error body that are looked at."""

_decode = msgspec.json.Decoder().decode

_SECRETS = (
    (re.compile(r"\b[a-z][a-z0-9+.-]{0,15}://[^\s\"'<>]+", re.IGNORECASE), "[address]"),
    (re.compile(r"\bwww\.[^\s\"'<>]+", re.IGNORECASE), "[address]"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "[address]"),
    (re.compile(r"\bx-amz-security-token:\s*[^\s\"'<>]+", re.IGNORECASE), "[key]"),  # AWS repeats what it was to sign
    (re.compile(r"\bBearer\s+[^\s\"'<>,]+", re.IGNORECASE), "[key]"),
    (re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|r8|AIza|AKIA|ASIA|ABSK|ya29|eyJ)[-_.]?[A-Za-z0-9*_.\-]{4,}"), "[key]"),
    (re.compile(r"\b[A-Za-z0-9_]{32,}\b"), "[key]"),
)


def loads(data: bytes) -> Any:
    """JSON as lenient as can be: lone surrogates become "?", NaN null. Raises ValueError when it is none."""
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        value = json.loads(data.decode("utf-8", "replace"), parse_constant=_nothing)
        return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError as error:
        raise ValueError(str(error)) from None


def outline(kind: type[T]) -> Callable[[bytes], T | None]:
    """Reads JSON objects into the fields of ``kind``, as lenient as :func:`loads`; None for what is no such object."""
    decode = msgspec.json.Decoder(kind).decode

    def read(data: bytes) -> T | None:
        try:
            return decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
        try:
            return msgspec.convert(loads(data), kind, strict=False)
        except (ValueError, msgspec.MsgspecError, RecursionError):
            return None

    return read


def _nothing(_: str) -> None:
    """NaN and infinities, which vendors in Python send as log probabilities."""


def index_of(value: object, otherwise: int) -> int:
    """A choice's index; ``otherwise`` where the vendor sends none or nonsense."""
    return value if type(value) is int and value >= 0 else otherwise


class Tally:
    """Reads counts and remembers whether one of them was impossible."""

    __slots__ = ("inconsistent",)

    def __init__(self) -> None:
        self.inconsistent = False

    def count(self, value: object) -> int:
        """``value`` as a count of at least 0; missing is 0, anything else impossible is clamped."""
        if value is None:
            return 0
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.inconsistent = True
            return 0
        return self.at_most(MAX_COUNT, max(0, value), value < 0)

    def at_most(self, limit: int, value: int, wrong: bool = False) -> int:
        """``value``, clamped to ``limit``."""
        self.inconsistent |= wrong or value > limit
        return min(value, limit)


def error_of(value: object) -> StreamError | None:
    """The error inside a vendor's answer or event, whatever its shape; None when there is none."""
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if not error and (value.get("object") == "error" or value.get("type") == "error"):
        error = value
    if not error:
        return None
    status = error.get("code", error.get("status_code")) if isinstance(error, dict) else None
    if not isinstance(status, int) or not 400 <= status <= 599:
        status = 502
    return StreamError(message_of(value) or "The provider reported an error.", status)


def whole(body: bytes) -> Any:
    """The JSON of a whole answer. Raises Garbage for what is none, and for an error that came as an answer."""
    try:
        value = loads(body)
    except ValueError:
        raise Garbage("The provider's answer is not JSON.") from None
    error = error_of(value)
    if error is not None:
        raise Garbage(error.message)
    return value


def message_of(value: object) -> str:
    """The words of a vendor's error object, redacted; empty when there are none."""
    if isinstance(value, list) and value:
        value = value[0]
    for _ in range(4):
        if not isinstance(value, dict):
            break
        value = next((value[key] for key in ("error", "message", "msg", "detail") if value.get(key)), "")
    return redact(value) if isinstance(value, str) else ""


def parse_error(status: int, body: bytes) -> str:
    """The vendor's message out of an error body: no addresses, no keys, at most 500 characters."""
    try:
        text = message_of(loads(body[:MAX_ERROR]))
    except ValueError:
        plain = body[: 8 * MAX_MESSAGE].decode("utf-8", "replace").strip()
        text = "" if plain.startswith(("<", "{", "[")) else redact(plain)
    return text or f"The provider answered with status {status}."


def redact(text: str) -> str:
    """``text`` without addresses and without anything that looks like a key, at most 500 characters."""
    # Cut first, generously: patterns over megabytes of a hostile upstream cost time.
    text = "".join(char if char.isprintable() else " " for char in text[: 8 * MAX_MESSAGE])
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text[:MAX_MESSAGE]
