"""``POST /v1/videos`` and its remix, as JSON or as a form.

Source: https://platform.openai.com/docs/api-reference/videos/create
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from openopen8.core.errors import invalid
from openopen8.core.models import Task
from relay.endpoints.endpoint import Endpoint, passing, unread, value
from relay.endpoints.film import Film, filmed, seconds_of, size_of, text
from relay.endpoints.form import form, is_form
from relay.splice import top_level
from relay.tasks.vendor import Wish

DEFAULT_MODEL = "sora-2"
DEFAULT_SECONDS = 4

_KNOWN = frozenset({"model", "prompt", "seconds", "size", "input_reference"})


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Film:
    """Checks model, prompt, seconds and size. Raises Problem 400."""
    fields = form(body) if is_form(body) else top_level(body)
    width, height = size_of(fields, "size")
    wish = Wish(
        prompt=text(fields, "prompt", needed=True),
        seconds=seconds_of(fields, ("seconds",), DEFAULT_SECONDS),
        image=_reference(fields),
        width=width,
        height=height,
        extra={name: value(fields, name) for name in fields if name not in _KNOWN},
    )
    return filmed(fields, text(fields, "model") or DEFAULT_MODEL, wish.seconds, wish)


def _reference(fields: dict[str, msgspec.Raw]) -> str:
    """A file of the form, or the URL of a reference object."""
    found = value(fields, "input_reference")
    if isinstance(found, dict):
        if found.get("file_id"):
            raise invalid("Name the picture by its URL: files are not known here.", "input_reference.file_id")
        found = found.get("image_url")
    if found is not None and not isinstance(found, str):
        raise invalid("input_reference must be a file or {image_url: …}.", "input_reference")
    return found or ""


def remix_of(task: Task) -> Endpoint:
    """The endpoint that makes another video of this one, as long and as large, where it was made."""
    return Endpoint("videos", "/videos", passing("openai_remix", _remix(task), unread), task="videos")


def _remix(task: Task) -> Callable[[bytes, str | None, bool | None], Film]:
    def look(body: bytes, path_model: str | None, path_stream: bool | None) -> Film:
        fields = form(body) if is_form(body) else top_level(body)
        seconds = int(task.request.get("seconds") or DEFAULT_SECONDS)
        wish = Wish(prompt=text(fields, "prompt", needed=True), seconds=seconds, of=task.upstream_id)
        return filmed(fields, task.model, seconds, wish)

    return look


VIDEOS = Endpoint("videos", "/videos", passing("openai_videos", glance, unread), task="videos")
