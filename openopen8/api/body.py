"""Request bodies: bounded, strict JSON. What is checked is what runs: no key twice, no NaN, no broken text."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from openopen8.core.errors import Problem, invalid

LARGEST_BODY = 1_000_000
"""Bytes: the largest form (a channel with a thousand model names) has less."""
DEEPEST = 40
LONGEST_NUMBER = 400
_IN_LOOP = 4_096


class StrictRequest(Request):
    """A request whose body was read and judged before any endpoint sees it."""

    async def load(self) -> None:
        """Read the body; raises 400 or 413."""
        body = await self._bounded()
        self._body = body
        if not body.strip() or not _is_json(self):
            return
        self._json = parse(body) if len(body) < _IN_LOOP else await run_in_threadpool(parse, body)

    async def _bounded(self) -> bytes:
        declared = self.headers.get("content-length", "")
        if declared.isdigit() and int(declared[:20]) > LARGEST_BODY:
            raise _too_large()
        parts, size = [], 0
        async for part in self.stream():
            size += len(part)
            if size > LARGEST_BODY:
                raise _too_large()
            parts.append(part)
        return b"".join(parts)


class StrictRoute(APIRoute):
    """A route whose requests are strict."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            await strict.load()
            return await handle(strict)

        return strictly


def parse(body: bytes) -> Any:
    """``body`` as JSON, decimals exact; raises a 400 for what is malformed, doubled, too deep or unstorable."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_no_number,
            object_pairs_hook=_each_once,
        )
    except Problem:
        raise
    except (ValueError, RecursionError):
        raise invalid("The body is not valid JSON.") from None
    _check(value)
    return value


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid("The body names a field twice.", _printable(twice))
    return found


def _decimal(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise invalid("The body holds a number that is too long.")
    value = Decimal(text)
    # an exponent of a million would take the memory of a million digits when written out
    if value and abs(value.adjusted()) > LONGEST_NUMBER:
        raise invalid("The body holds a number that is out of range.")
    return value


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise invalid("The body holds a number that is too long.")
    return int(text)


def _no_number(_: str) -> Any:
    raise invalid("The body is not valid JSON.")


def _check(value: Any) -> None:
    waiting = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > DEEPEST:
            raise invalid(f"The body is nested more than {DEEPEST} levels deep.")
        if isinstance(item, dict):
            waiting += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            waiting += [(part, depth + 1) for part in item]
        elif isinstance(item, str) and not _storable(item):
            raise invalid("The body holds a NUL or half of a surrogate pair, which can't be stored.")


def _storable(text: str) -> bool:
    return (text.isascii() and "\0" not in text) or not any(x == "\0" or "\ud800" <= x <= "\udfff" for x in text)


def _printable(text: str) -> str:
    return "".join(letter for letter in text[:64] if letter.isprintable())


def _too_large() -> Problem:
    return Problem(413, "request_too_large", f"The body has more than {LARGEST_BODY:,} bytes.")
