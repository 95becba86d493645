"""``POST /v1/responses`` for a model that makes videos: the last message of the user is the prompt.

OpenAI documents no such form, so what a video has beside its prompt stands in ``metadata``, where every client can
write it: ``seconds``, ``size``, ``resolution``, ``aspect_ratio``, ``negative_prompt``.
Source of the rest: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem, invalid
from relay.endpoints.endpoint import Endpoint, encode, flag, passing, unread, value
from relay.endpoints.film import Film, filmed, seconds_of, size_of, text
from relay.endpoints.videos import DEFAULT_SECONDS
from relay.responses.wish import wish_of
from relay.splice import top_level
from relay.tasks.vendor import Wish

_MEANS_NOTHING = ("previous_response_id", "conversation", "prompt", "instructions", "tools")
"""What would change the result if it meant anything: refused, where all else is reported as lost."""
_KNOWN = frozenset({
    "model", "input", "metadata", "background", "store", "stream", "stream_options", "user", "safety_identifier",
    *_MEANS_NOTHING,
})  # fmt: skip
_EMPTY: tuple[object, ...] = (None, "", [], {})
_PAIRS, _LONGEST_NAME, _LONGEST_TEXT = 16, 64, 512
"""OpenAI's limits of ``metadata``."""


def glance(body: bytes, path_model: str | None, path_stream: bool | None) -> Film:
    """Checks input, metadata and what a video can't have. Raises Problem 400."""
    fields = top_level(body)
    asked, stream = wish_of(fields), flag(fields, "stream")
    for name in _MEANS_NOTHING:
        if value(fields, name) not in _EMPTY:
            raise invalid(f"{name} means nothing to a model that makes videos. Leave it out.", name)
    if not asked.store:
        raise invalid("A video is kept until it is fetched: store can't be false.", "store")
    prompt, image, earlier = _input(value(fields, "input"))
    metadata = _metadata(fields)
    said = {f"metadata.{name}": msgspec.Raw(encode(text)) for name, text in metadata.items()}
    width, height = size_of(said, "metadata.size")
    wish = Wish(
        prompt=prompt,
        seconds=seconds_of(said, ("metadata.seconds",), DEFAULT_SECONDS),
        image=image,
        width=width,
        height=height,
        resolution=text(said, "metadata.resolution"),
        ratio=text(said, "metadata.aspect_ratio"),
        negative=text(said, "metadata.negative_prompt"),
        lost=(*earlier, *(name for name in fields if name not in _KNOWN and value(fields, name) not in _EMPTY)),
    )
    film = filmed(fields, value(fields, "model"), wish.seconds, wish)
    awaited = "events" if stream else "" if asked.background else "whole"
    return msgspec.structs.replace(
        film, awaited=awaited, repeated={"metadata": metadata, "background": asked.background}
    )


def _input(given: Any) -> tuple[str, str, tuple[str, ...]]:
    """Prompt and picture of the last message that the user sent, and what of the input is none of it."""
    if isinstance(given, str):
        return _prompt([given]), "", ()
    items = given if isinstance(given, list) else []
    at = next((at for at in reversed(range(len(items))) if _of_user(items[at])), None)
    if at is None:
        raise invalid("input must be a text or have a message of the user, which says what to show.", "input")
    texts, images = _content(items[at].get("content"), f"input.{at}.content")
    if len(images) > 1:
        raise invalid("A video is made of one picture at most.", f"input.{at}.content")
    return _prompt(texts), "".join(images), ("input",) if len(items) > 1 else ()


def _of_user(item: Any) -> bool:
    return isinstance(item, dict) and item.get("role") == "user" and item.get("type") in (None, "message")


def _prompt(texts: list[str]) -> str:
    prompt = "\n".join(texts)
    if not prompt.strip():
        raise invalid("The input has no text that says what to show.", "input")
    return prompt


def _content(content: Any, path: str) -> tuple[list[str], list[str]]:
    """Texts and pictures of a message."""
    if isinstance(content, str):
        return [content], []
    texts: list[str] = []
    images: list[str] = []
    for at, part in enumerate(content if isinstance(content, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "input_text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif kind == "input_image":
            images.append(_picture(part, f"{path}.{at}"))
        else:
            raise invalid("A video is made of input_text and input_image alone.", f"{path}.{at}")
    return texts, images


def _picture(part: dict[str, Any], path: str) -> str:
    url = part.get("image_url")
    if not isinstance(url, str) or not url:
        raise invalid("Name the picture by its URL: files are not known here.", f"{path}.image_url")
    return url


def _metadata(fields: dict[str, msgspec.Raw]) -> dict[str, str]:
    found = value(fields, "metadata")
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise invalid("metadata must be an object of strings.", "metadata")
    if len(found) > _PAIRS or any(len(n) > _LONGEST_NAME or len(t) > _LONGEST_TEXT for n, t in found.items()):
        raise _too_much()
    return found


def _too_much() -> Problem:
    told = f"metadata has {_PAIRS} pairs at most, names of {_LONGEST_NAME} and texts of {_LONGEST_TEXT} characters."
    return invalid(told, "metadata")


FILMED = Endpoint("videos", "/responses", passing("responses_videos", glance, unread), task="response")
