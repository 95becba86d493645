"""OpenAI's form of drawing, on Gemini's models that draw.

Source: https://ai.google.dev/gemini-api/docs/image-generation
"""

from __future__ import annotations

from typing import Any

from openopen8.core.errors import Problem
from relay.endpoints.endpoint import encode
from relay.endpoints.spoken import Spoken
from relay.formats import gemini
from relay.formats.fields import fields_of, not_carried
from relay.formats.format import Asked, Glance, Rendered
from relay.formats.media import url_of
from relay.neutral import Answer, Image, Usage, spoken

RATIOS = tuple(
    (ratio, int(ratio.partition(":")[0]) / int(ratio.partition(":")[2]))
    for ratio in ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
)
_DEFAULTS = {
    "quality": ("auto", "standard"), "background": ("auto", "opaque"), "output_format": ("png",),
    "moderation": ("auto",), "style": ("vivid",),
}  # fmt: skip
"""Values that ask for what is done anyway."""


def request(body: bytes, glance: Glance, model: str) -> Rendered:
    """As generateContent. Raises Problem 400."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    fields.take("model")
    fields.refuse("stream", what="A stream of pictures is")
    if glance.n > 1:
        raise not_carried("More than one picture is", "n")
    fields.take("n")
    fields.take("response_format")
    prompt = fields.text("prompt")
    shape = _shape(fields.text("size") or "auto")
    if shape is None:
        losses["size"] = None
    for name, usual in _DEFAULTS.items():
        if (value := fields.take(name)) is not None and value not in usual:
            losses[name] = None
    fields.drop_rest()
    config: dict[str, Any] = {"responseModalities": ["IMAGE"], **({"imageConfig": shape} if shape else {})}
    contents = [{"role": "user", "parts": [{"text": prompt}]}]
    return Rendered(encode({"contents": contents, "generationConfig": config}), tuple(losses))


def _shape(size: str) -> dict[str, str] | None:
    """Gemini knows proportions and three sizes; None for what is none of them."""
    if size == "auto":
        return {}
    wide, _, high = size.partition("x")
    if not (wide.isascii() and high.isascii() and wide.isdigit() and high.isdigit() and 0 < int(high) < 99_999):
        return None
    ratio = int(wide) / int(high)
    name, nearest = min(RATIOS, key=lambda known: abs(known[1] - ratio))
    if abs(nearest - ratio) > 0.03 * ratio:
        return None
    longest = max(int(wide), int(high))
    larger = {"imageSize": "4K" if longest > 3_000 else "2K"} if longest >= 2_000 else {}
    return {"aspectRatio": name, **larger}


def answer(found: Answer, raw: bytes, asked: Asked) -> Rendered:
    """As OpenAI shows pictures. Raises Problem 400 where the model drew none."""
    pictures = [part.source for part in found.parts if isinstance(part, Image) and part.source.kind == "base64"]
    if not pictures:
        raise _undrawn(found)
    by_address = bytes(asked.fields.get("response_format", b"")).strip() == b'"url"'
    data = [{"url": url_of(source)} if by_address else {"b64_json": source.value} for source in pictures]
    kind = pictures[0].media_type.rpartition("/")[2]
    body = {"created": asked.now_s, "data": data, "output_format": kind}
    return Rendered(encode({**body, "usage": _usage(found.usage)} if found.usage else body))


def _undrawn(found: Answer) -> Problem:
    if found.stop == "refusal":
        return Problem(400, "content_policy_violation", "The model refused to draw this.", "prompt")
    words = spoken(found.parts)[:300]
    return Problem(400, "no_picture", f"The model drew no picture. {words}".strip(), "prompt")


def _usage(usage: Usage) -> dict[str, Any]:
    counts, further = usage.counts, usage.further
    image = further.input_image + further.cached_image
    made = further.output_image or counts.total_output
    return {
        "input_tokens": counts.total_input,
        "output_tokens": counts.total_output,
        "total_tokens": counts.total_input + counts.total_output,
        "input_tokens_details": {"text_tokens": counts.total_input - image, "image_tokens": image},
        "output_tokens_details": {"text_tokens": counts.total_output - made, "image_tokens": made},
    }


BY_GEMINI = Spoken(gemini.FORMAT, "/models/{model}:generateContent", request, answer)
