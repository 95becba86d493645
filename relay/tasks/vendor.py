"""What a video vendor is: pure functions between a wish and its API, one record a vendor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from openopen8.core.errors import Problem, invalid
from openopen8.core.models import Task
from openopen8.core.services.tasks import News
from relay.formats.openai_errors import render_error
from relay.splice import edited, top_level
from relay.upstream import Body


class Wish(msgspec.Struct, frozen=True, gc=False, repr_omit_defaults=True):
    """A video as a caller wants it, in no vendor's words. Pictures are URLs or ``data:`` URLs."""

    prompt: str
    seconds: int
    image: str = ""
    """The first frame."""
    last_image: str = ""
    width: int = 0
    height: int = 0
    resolution: str = ""
    """``720p``, …"""
    ratio: str = ""
    """``16:9``, …; follows from width and height where those are given."""
    seed: int | None = None
    negative: str = ""
    extra: dict[str, Any] = {}
    """Fields in the vendor's own words."""
    lost: tuple[str, ...] = ()
    """Fields of the caller's that mean nothing to anybody here."""
    of: str = ""
    """The provider's id of the video that this one is made from."""


JSON = "application/json"


class Errand(msgspec.Struct, frozen=True, gc=False):
    """One request to a provider; ``path`` below its version, or a whole URL of somebody else's."""

    method: str
    path: str
    body: bytes | Body = b""
    content_type: str = JSON
    beta: str = ""
    """Features of Claude's that the caller means to use."""


class Submission(msgspec.Struct, frozen=True, gc=False):
    """The errand that makes a task; ``action`` is what later look-ups have to name."""

    path: str
    body: bytes | Body
    action: str = ""
    losses: tuple[str, ...] = ()
    content_type: str = JSON


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """An error inside a 200, with the status that it should have had."""

    status: int
    message: str


Answered = dict[str, Any]
Authorize = Callable[[str, Errand, str, int], dict[str, str]]
"""From key, errand, its URL and the time (ms) to headers."""


def _no_seconds(fields: Answered) -> int:
    return 0


def whole_number(given: object, default: int, name: str, most: int = 600) -> int:
    """A whole number in a caller's field, as a number or a text; Problem 400 for anything else."""
    if given is None:
        return default
    text = str(given) if isinstance(given, int | str) and not isinstance(given, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most):
        raise invalid(f"{name} must be a whole number from 1 to {most}.", name)
    return int(text)


def named(body: bytes, field: str, model: str) -> bytes:
    """The body under the provider's name of the model."""
    return edited(body, top_level(body), {field: msgspec.json.encode(model)})


def no_videos(wish: Wish, model: str) -> Submission:
    """For those whose errands are signed like a video vendor's, and who have batches alone."""
    raise RuntimeError("a channel that makes no videos was asked for one")


def _no_refusal(answer: Answered) -> Refusal | None:
    return None


def bearer(key: str, errand: Errand, url: str, now: int) -> dict[str, str]:
    """The key as it is."""
    return {"authorization": f"Bearer {key}"} if key else {}


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor's API."""

    name: str
    submit: Callable[[Wish, str], Submission]
    """From a wish and the provider's model; raises Problem 400 for what it can't do."""
    accepted: Callable[[Answered], str]
    """The id of the new task, empty where there is none."""
    look: Callable[[Task], Errand]
    news: Callable[[Answered], News]
    refused: Callable[[Answered], Refusal | None] = _no_refusal
    authorize: Authorize = bearer
    native: Callable[[bytes, str, str], Submission] | None = None
    """From a body in the vendor's own words, the action of its path, and the provider's model."""
    model_field: str = "model"
    """Where such a body names its model."""
    default_model: str = ""
    seconds: Callable[[Answered], int] = _no_seconds
    """What such a body asks for. Raises Problem 400."""
    shown: Callable[[Task], Answered] | None = None
    """A task in the vendor's own words."""
    render_error: Callable[[Problem, str], bytes] = render_error
    content: Callable[[Task, str], Errand] | None = None
    """Fetches a variant of the result from the API; None: its URLs are all there is."""
    variants: frozenset[str] = field(default=frozenset({"video"}))
    remove: Callable[[Task], Errand] | None = None
