"""``POST /v1/images/generations``, ``/v1/images/edits`` and ``/v1/images/variations``: whole, or as events.

Source: https://platform.openai.com/docs/api-reference/images, https://platform.openai.com/docs/api-reference/images-streaming
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.units import PICTURE_TOKENS
from relay.endpoints.answers import answer_of, both_usage, check_list, top_level
from relay.endpoints.endpoint import Endpoint, Look, encode, flag, looked, looked_form, passing, value
from relay.endpoints.images_by_gemini import BY_GEMINI, EDITS_BY_GEMINI
from relay.endpoints.taps import EventTap
from relay.form import Form
from relay.formats.fields import MAX_CHOICES, typed, within
from relay.formats.format import Glance
from relay.formats.renaming import patch_response
from relay.formats.vendor import outline
from relay.neutral import Answer, Further, Usage
from relay.splice import top_level as checked
from relay.upstream import LARGEST_ANSWER

_TOKENS = {"low": 272, "medium": 1_056, "high": PICTURE_TOKENS}
"""Of a square picture, by quality."""

_LARGE = ("1024x1536", "1536x1024")

_SHOWN = ("response_format", "partial_images")
"""Fields that say how the answer is to look."""

_int = msgspec.json.Decoder(int | None).decode


class _Picture(msgspec.Struct, gc=False):
    """Counted, never read: it has megabytes."""


class _Named(msgspec.Struct, gc=False):
    model: object = None


class _Event(msgspec.Struct, gc=False):
    """What is looked at of an event, whose picture stays unread."""

    type: object = None
    usage: object = None
    error: object = None
    model: object = None
    quality: object = None
    size: object = None


_pictures = msgspec.json.Decoder(list[_Picture]).decode
_named = outline(_Named)
_event = outline(_Event)


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """Checks model, prompt, number and streaming. Raises Problem 400."""
    return _looked(checked(body))


def _looked(fields: dict[str, msgspec.Raw], images: int = 0) -> Look:
    prompt = value(fields, "prompt")
    if not isinstance(prompt, str) or not prompt:
        raise invalid("prompt must be a text.", "prompt")
    n = within(typed(fields["n"], _int, "n"), "n", 1, MAX_CHOICES) if "n" in fields else None
    return looked(
        fields, (prompt,), stream=flag(fields, "stream"), max_output=PICTURE_TOKENS, n=n or 1, images=images,
        units={"images": n or 1},
    )  # fmt: skip


def glance_edit(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """Checks an edit whose pictures are addresses or ids of files. Raises Problem 400."""
    fields = checked(body)
    found = value(fields, "images") or value(fields, "image")
    if not found:
        raise invalid("images is missing: name them in the body, or send files as multipart/form-data.", "images")
    return _looked(fields, len(found) if isinstance(found, list) else 1)


def glance_variation(body: bytes, path_model: str | None, path_stream: bool | None) -> Look:
    """A picture to vary comes as an upload. Raises Problem 400."""
    raise invalid("Send the picture as multipart/form-data.", "image")


def look_edit(form: Form) -> Look:
    """Checks an edit of uploaded pictures. Raises Problem 400."""
    if not form.text("prompt"):
        raise invalid("prompt must be a text.", "prompt")
    look = look_variation(form)
    shown = {"n": look.n, "stream": look.stream, **{name: form.text(name) or None for name in _SHOWN}}
    return msgspec.structs.replace(look, fields={name: msgspec.Raw(encode(given)) for name, given in shown.items()})


def look_variation(form: Form) -> Look:
    """Checks model, pictures and number. Raises Problem 400."""
    form.check_file("image", "image[]")
    n, prompt = _number(form.text("n")), form.text("prompt")
    images = len(form.files("image", "image[]", "mask"))
    return looked_form(
        form, (prompt,) if prompt else (), max_output=PICTURE_TOKENS, n=n, images=images, units={"images": n}
    )


def _number(text: str) -> int:
    text = text.strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 9):
        raise invalid("n must be an integer.", "n")
    return within(int(text) if text else 1, "n", 1, MAX_CHOICES) or 1


def parse_response(body: bytes) -> Answer:
    """What the pictures cost: tokens of newer models, else their number. Raises Garbage."""
    fields = top_level(body)
    check_list(fields, "data")
    data = fields["data"]
    count = len(_pictures(data)) if isinstance(data, msgspec.Raw) else len(data)
    return answer_of(_usage(fields.get("usage"), count))


def _usage(raw: object, count: int) -> Usage:
    found = both_usage(raw, "image") or Usage(Counts())
    return msgspec.structs.replace(found, further=msgspec.structs.replace(found.further, units={"images": count}))


def _under(body: bytes, model: str) -> bytes:
    """Pictures seldom say which model drew them, and are too large to be looked at twice."""
    named = _named(body)
    return body if named is not None and named.model is None else patch_response(body, model)


class PictureTap(EventTap):
    """Pictures and, before them, what they begin to look like; the last event of each has its counts."""

    def __init__(self, glance: Glance) -> None:
        super().__init__(glance.model, True)
        self._awaited = glance.n
        self._done_with = 0
        self._drawn: Usage | None = None

    def _read(self, data: bytes) -> dict[str, Any] | None:
        event = _event(data)
        return None if event is None else {name: getattr(event, name) for name in event.__struct_fields__}

    def _hear(self, event: dict[str, Any]) -> bool:
        kind = event["type"] if isinstance(event["type"], str) else ""
        self.first_token = self.first_token or kind.endswith((".partial_image", ".completed"))
        if kind.endswith(".partial_image"):
            self.usage = self._drawn or _sketch(event)
        if not kind.endswith(".completed"):
            return False
        self._done_with += 1
        self.usage = self._drawn = _sum(self._drawn, both_usage(event["usage"], "image"), self._done_with)
        self.stop_seen = self._done_with >= self._awaited
        return True


def _sketch(event: dict[str, Any]) -> Usage:
    """What the picture will cost, for callers who leave with what it begins to look like: the last ones are all but it.

    Source: https://platform.openai.com/docs/guides/image-generation#calculating-costs
    """
    quality, size = event["quality"], event["size"]
    tokens = _TOKENS.get(quality, PICTURE_TOKENS) if isinstance(quality, str) else PICTURE_TOKENS
    if size in _LARGE:
        tokens += tokens // 2
    return Usage(Counts(output=tokens), further=Further(output_image=tokens), partial=True)


def _sum(before: Usage | None, now: Usage | None, count: int) -> Usage:
    """Each picture tells its own counts."""
    one, two = before or Usage(Counts()), now or Usage(Counts())
    counts = Counts(*(a + b for a, b in zip(msgspec.structs.astuple(one.counts), msgspec.structs.astuple(two.counts),
                                            strict=True)))  # fmt: skip
    parts = ("input_image", "input_audio", "output_image", "output_audio")
    further = Further(
        units={"images": count}, **{name: getattr(one.further, name) + getattr(two.further, name) for name in parts}
    )
    return Usage(counts, one.inconsistent or two.inconsistent, two.raw or one.raw, further)


def _endpoint(name: str, path: str, glance: Any, **more: Any) -> Endpoint:
    format = passing(f"openai_{name}", glance, parse_response, patch_response=_under)
    return Endpoint(name, path, format, tap=PictureTap, largest_event=LARGEST_ANSWER, **more)


IMAGES = _endpoint("images", "/images/generations", glance, also={"gemini": BY_GEMINI})
IMAGE_EDITS = _endpoint(
    "image_edits", "/images/edits", glance_edit, form=look_edit, also={"gemini": EDITS_BY_GEMINI}
)
IMAGE_VARIATIONS = _endpoint("image_variations", "/images/variations", glance_variation, form=look_variation)
