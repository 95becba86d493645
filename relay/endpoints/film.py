"""What is seen of a request for a video: the wish, and the seconds that it is charged for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.endpoints.endpoint import Look, value
from relay.formats.fields import model_name
from relay.spool import Embedded, Encoded
from relay.tasks.vendor import Wish
from relay.upstream import Body

LONGEST = 600
"""Seconds of one video; no vendor makes longer ones."""

_SIZE = re.compile(r"([1-9]\d{1,4})\s?[xX*×]\s?([1-9]\d{1,4})")
_SECONDS = re.compile(r"\d{1,4}(?:\.0+)?")


class Picture(msgspec.Struct, frozen=True, gc=False):
    """A file that was sent, and the mark that stands for its base64 in the wish."""

    mark: str
    body: Body
    start: int
    size: int

    def within(self, text: bytes) -> Body:
        """The request with the picture in it."""
        return Embedded.put(text, [(self.mark.encode(), Encoded(self.body, self.start, self.size))])


class Film(Look, frozen=True, gc=False):
    """A request for one video. In a vendor's own words there is no wish, but an ``action``."""

    wish: Wish | None = None
    action: str = ""
    seconds: int = 0
    picture: Picture | None = None
    awaited: str = ""
    """``whole`` or ``events``: so its caller waits for the end; empty for one who asks again."""
    repeated: dict[str, Any] | None = None
    """What its answer repeats, where it is one of the Responses API."""


def filmed(fields: dict[str, msgspec.Raw], model: Any, seconds: int, wish: Wish | None, action: str = "") -> Film:
    """The film of a checked request."""
    return Film(
        model=model_name(model),
        stream=False,
        max_output=0,
        n=1,
        include_usage=True,
        input_texts=(),
        images=0,
        messages=0,
        fields=fields,
        units={"seconds": seconds},
        wish=wish,
        action=action,
        seconds=seconds,
    )


def text(fields: Mapping[str, msgspec.Raw], name: str, needed: bool = False) -> str:
    """A field that is a text; missing is empty, unless it is ``needed``."""
    found = value(fields, name)
    if found is None:
        found = ""
    if not isinstance(found, str):
        raise invalid(f"{name} must be a string.", name)
    if needed and not found.strip():
        raise invalid(f"{name} is missing.", name)
    return found


def seconds_of(fields: Mapping[str, msgspec.Raw], names: tuple[str, ...], default: int) -> int:
    """Whole seconds as a number or a text, under the first of ``names`` that is given."""
    for name in names:
        found = value(fields, name)
        if found is None:
            continue
        shown = str(found).strip() if isinstance(found, int | float | str) and not isinstance(found, bool) else ""
        if not _SECONDS.fullmatch(shown) or not 1 <= int(float(shown)) <= LONGEST:
            raise invalid(f"{name} must be a whole number of seconds from 1 to {LONGEST}.", name)
        return int(float(shown))
    return default


def size_of(fields: Mapping[str, msgspec.Raw], name: str) -> tuple[int, int]:
    """Width and height; 0 where the field is missing."""
    found = text(fields, name)
    if not found:
        return 0, 0
    parts = _SIZE.fullmatch(found.strip())
    if parts is None:
        raise invalid(f"{name} must be given as width x height, for instance 1280x720.", name)
    return int(parts[1]), int(parts[2])


def number(fields: Mapping[str, msgspec.Raw], name: str) -> int | None:
    """A field that is a whole number."""
    found = value(fields, name)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool):
        raise invalid(f"{name} must be a whole number.", name)
    return found
