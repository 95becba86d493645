"""``POST /v1/videos`` and its remix, as JSON or as a form.

Source: https://platform.openai.com/docs/api-reference/videos/create
"""

from __future__ import annotations

import re
import secrets

import msgspec

from openopen8.core.errors import invalid
from openopen8.core.models import Task
from relay.endpoints.endpoint import Endpoint, encode, passing, unread, value
from relay.endpoints.film import Film, Picture, filmed, seconds_of, size_of, text
from relay.form import Form
from relay.splice import top_level
from relay.tasks.vendor import Wish

DEFAULT_MODEL = "sora-2"
DEFAULT_SECONDS = 4

_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_KNOWN = frozenset({"model", "prompt", "seconds", "size", "input_reference"})


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Film:
    """Checks model, prompt, seconds and size. Raises Problem 400."""
    return _filmed(top_level(body))


def look(form: Form) -> Film:
    """The same as a form, whose picture stays where it is: on disk. Raises Problem 400."""
    fields, files = form.fields(), [part for part in form.parts if part.is_file]
    if not files:
        return _filmed(fields)
    (file, *others), mark = files, secrets.token_hex(16)
    if others or file.name != "input_reference":
        raise invalid("Only input_reference may be a file.", (others or files)[0].name)
    kind = file.kind.lower() if _TYPE.fullmatch(file.kind.lower()) else "application/octet-stream"
    fields["input_reference"] = msgspec.Raw(encode(f"data:{kind};base64,{mark}"))
    return msgspec.structs.replace(_filmed(fields), picture=Picture(mark, form.body, file.start, file.size))


def _filmed(fields: dict[str, msgspec.Raw]) -> Film:
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
    """A file, as a ``data:`` URL, or the URL of a reference object."""
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

    def look(fields: dict[str, msgspec.Raw]) -> Film:
        seconds = int(task.request.get("seconds") or DEFAULT_SECONDS)
        wish = Wish(prompt=text(fields, "prompt", needed=True), seconds=seconds, of=task.upstream_id)
        return filmed(fields, task.model, seconds, wish)

    format = passing("openai_remix", lambda body, path_model, path_stream: look(top_level(body)), unread)
    return Endpoint("videos", "/videos", format, task="videos", form=lambda form: look(form.fields()))


VIDEOS = Endpoint("videos", "/videos", passing("openai_videos", glance, unread), task="videos", form=look)
