"""``POST /v1/video/generations``: the common form of such gateways, for every vendor of videos.

Source: https://docs.newapi.pro/en/docs/api/ai-model/videos/createvideogeneration
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.endpoints.endpoint import Endpoint, passing, unread, value
from relay.endpoints.film import Film, filmed, number, seconds_of, size_of, text
from relay.splice import top_level
from relay.tasks.vendor import Wish, whole_number

DEFAULT_SECONDS = 5
MOST_PIXELS = 99_999
"""Of one side."""

_KNOWN = frozenset({
    "model", "prompt", "image", "images", "last_image", "duration", "seconds", "size", "width", "height", "resolution",
    "aspect_ratio", "ratio", "seed", "negative_prompt", "metadata", "n", "user", "response_format",
})  # fmt: skip
_METERED = frozenset({"model", "model_name", "req_key", "prompt", "content", "duration", "seconds", "frames", "n"})
"""Names that mean something to the charge: no field in a vendor's own words may say another thing."""


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Film:
    """Checks what all vendors know; ``metadata`` is for what one of them knows. Raises Problem 400."""
    fields = top_level(body)
    if (number(fields, "n") or 1) != 1:
        raise invalid("One request makes one video.", "n")
    extra = _metadata(fields)
    width, height = size_of(fields, "size")
    images = _images(fields)
    wish = Wish(
        prompt=text(fields, "prompt", needed=not images),
        seconds=seconds_of(fields, ("duration", "seconds"), DEFAULT_SECONDS),
        image=images[0] if images else "",
        last_image=text(fields, "last_image") or (images[1] if len(images) > 1 else ""),
        width=width or whole_number(value(fields, "width") or None, 0, "width", MOST_PIXELS),
        height=height or whole_number(value(fields, "height") or None, 0, "height", MOST_PIXELS),
        resolution=text(fields, "resolution") or str(extra.pop("resolution", "")),
        ratio=text(fields, "aspect_ratio") or text(fields, "ratio") or str(extra.pop("aspect_ratio", "")),
        seed=number(fields, "seed"),
        negative=text(fields, "negative_prompt") or str(extra.pop("negative_prompt", "")),
        extra=extra,
        lost=tuple(name for name in fields if name not in _KNOWN),
    )
    return filmed(fields, value(fields, "model"), wish.seconds, wish)


def _metadata(fields: dict[str, msgspec.Raw]) -> dict[str, Any]:
    found = value(fields, "metadata")
    if found is not None and not isinstance(found, dict):
        raise invalid("metadata must be an object.", "metadata")
    extra = dict(found or {})
    for name in extra.keys() & _METERED:
        raise invalid(f"metadata.{name} stands beside metadata, not in it.", f"metadata.{name}")
    return extra


def _images(fields: dict[str, msgspec.Raw]) -> list[str]:
    """First and last frame: URLs or base64."""
    found = value(fields, "images")
    images = found if isinstance(found, list) else [text(fields, "image")] if text(fields, "image") else []
    if not all(isinstance(image, str) and image for image in images) or len(images) > 2:
        raise invalid("images must be a first and a last frame at most, each a URL or base64.", "images")
    return [
        image if "://" in image[:10] or image.startswith("data:") else f"data:image/png;base64,{image}"
        for image in images
    ]


GENERATIONS = Endpoint("videos", "/video/generations", passing("video_generations", glance, unread), task="generations")
