"""An endpoint in the words of channels that speak another format than its callers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relay.form import Form
from relay.formats.format import Asked, Format, Glance, Rendered, Tap
from relay.neutral import Answer
from relay.upstream import Body
from relay.volley import Joined


@dataclass(frozen=True, slots=True)
class Written:
    """A request made of an upload: a text with marks, and the files that stand in their places, in this order."""

    text: Rendered
    files: tuple[tuple[bytes, Body], ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where such channels have the endpoint, and both translations.

    ``format`` reads what they answer (``parse_response``, ``parse_error``).
    """

    format: Format
    path: str
    """May hold ``{model}`` and ``{verb}``."""
    request: Callable[[bytes, Glance, str], Rendered]
    """From the caller's body, what was seen of it, and the upstream's name of the model. Raises Problem 400."""
    answer: Callable[[Answer, bytes, Asked], Rendered]
    """From what was read of the answer, and its bytes. Raises Problem for an answer that has no such form."""
    form: Callable[[Form, Glance, str], Written] | None = None
    """``request`` for uploads."""
    joined: Joined | None = None
    """One answer of several, where these channels make one thing a request: ``n`` is how often they are asked."""
    tap: Callable[[Asked], Tap] | None = None
    """Turns their streams into the caller's."""
