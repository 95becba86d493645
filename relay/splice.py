"""Edits of a JSON object's top level that keep every other byte as it came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from openopen8.core.errors import invalid

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_KEY = re.compile(rb'[ \t\n\r]*"[^"\\]*(?:\\.[^"\\]*)*"[ \t\n\r]*:[ \t\n\r]*')
_NEXT = re.compile(rb"[ \t\n\r]*([,}])")


def top_level(body: bytes) -> dict[str, msgspec.Raw]:
    """The object's keys and the bytes of their values, each key exactly once.

    Raises Problem 400 for what is not JSON, not an object, too deep, not UTF-8, or names a top-level
    key twice: parsers disagree about which one counts, so what is checked might not be what runs.
    """
    try:
        fields = _decode(body)
        if not body.isascii():
            body.decode()  # msgspec does not look into values that stay raw
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _refuse(error)
    for key in fields:
        if "\0" in key:
            raise invalid("A field name holds a NUL character.")
    if not _plain(body, fields) and _positions(body, fields) is None:
        doubled = _doubled(body)
        raise invalid(f"The field {doubled or ''!r} is given twice.", doubled)
    return fields


def edited(body: bytes, fields: dict[str, msgspec.Raw], changes: Mapping[str, bytes]) -> bytes:
    """``body`` with other values (JSON) for some top-level keys; keys that it lacks come first.

    ``fields`` is what ``top_level(body)`` gave. Every other byte stays as it came.
    """
    places = positions(body, fields)
    parts: list[bytes] = []
    at = 0
    for key in sorted(changes.keys() & places.keys(), key=places.__getitem__):
        start, end = places[key]
        parts += (body[at:start], changes[key])
        at = end
    parts.append(body[at:])
    new = [msgspec.json.encode(key) + b":" + value for key, value in changes.items() if key not in places]
    if new:
        head = parts[0].index(b"{") + 1
        parts[0] = parts[0][:head] + b",".join(new) + (b"," if fields else b"") + parts[0][head:]
    return b"".join(parts)


def positions(body: bytes, fields: dict[str, msgspec.Raw]) -> dict[str, tuple[int, int]]:
    """Start and end of each top-level value; ``fields`` is what ``top_level(body)`` gave."""
    found = _positions(body, fields)
    if found is None:
        raise invalid("The body names a field twice.")
    return found


def _plain(body: bytes, fields: dict[str, msgspec.Raw]) -> bool:
    """True for a body written as most programs do, without doubled keys; False means: look closer.

    Without white space between tokens an entry takes its key, four marks less one comma, and its value;
    an entry that the decoder dropped comes on top, so only the exact sum proves that there is none. With
    a space after each mark a length proves nothing: the body must equal what these entries look like.
    """
    size = 1 + len(fields)
    for key, raw in fields.items():
        size += len(key) + 3 + len(raw)
    length = len(body)
    if size == length:
        return True
    if size + 2 * len(fields) - 1 != length or not fields:
        return False
    return body == b"{%b}" % b", ".join([b'"%b": %b' % (key.encode(), raw) for key, raw in fields.items()])


def _positions(body: bytes, fields: dict[str, msgspec.Raw]) -> dict[str, tuple[int, int]] | None:
    """Walks the entries in order; None when they are not those of ``fields``: a key was doubled.

    The decoder keeps the first place and the last value of a doubled key, so either a value differs
    from the bytes in its place, or entries are left over at the end. Keys need no comparison.
    """
    found: dict[str, tuple[int, int]] = {}
    at, mark = body.index(b"{") + 1, b"," if fields else b"}"
    for key, raw in fields.items():
        head = _KEY.match(body, at)
        if mark != b"," or head is None or not body.startswith(bytes(raw), head.end()):
            return None
        found[key] = (head.end(), head.end() + len(raw))
        tail = _NEXT.match(body, found[key][1])
        if tail is None:
            return None
        mark, at = tail.group(1), tail.end()
    return found if mark == b"}" else None


def _doubled(body: bytes) -> str | None:
    """The first top-level key that occurs twice; None where the standard parser gives up."""
    outermost: list[tuple[str, Any]] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        outermost[:] = pairs  # called for each object, the outermost last

    try:
        # Numbers stay text: the standard library refuses long ones.
        json.loads(body, object_pairs_hook=look, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    seen: set[str] = set()
    for name, _ in outermost:
        if name in seen:
            return name
        seen.add(name)
    return None


def _refuse(error: Exception) -> NoReturn:
    if isinstance(error, msgspec.ValidationError):
        raise invalid("The body must be a JSON object.") from None
    if isinstance(error, RecursionError):
        raise invalid("The body is nested too deeply.") from None
    if isinstance(error, UnicodeDecodeError):
        raise invalid("The body is not valid UTF-8.") from None
    raise invalid(f"The body is not valid JSON: {error}.") from None
