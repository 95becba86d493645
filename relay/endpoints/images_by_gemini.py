"""OpenAI's form of drawing and editing, on Gemini's models that draw: one picture a request.

Sources: https://ai.google.dev/gemini-api/docs/image-generation, and for ``candidateCount``, which is refused,
https://github.com/google-gemini/gemini-cli/issues/10370
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from openopen8.core.errors import Problem, invalid
from openopen8.core.rules.pricing import Counts
from relay.endpoints.endpoint import encode, flag, value
from relay.endpoints.image_events import EDITS, MAKES, Drawing, drafts, finished, undrawn, usage_of
from relay.endpoints.picture_files import type_of
from relay.endpoints.spoken import Spoken, Written
from relay.form import Form
from relay.formats import gemini
from relay.formats.fields import Fields, fields_of, not_carried
from relay.formats.format import Asked, Glance, Rendered
from relay.formats.gemini.parts import data_part
from relay.formats.gemini.several import joined
from relay.formats.gemini.words import third
from relay.formats.media import source_of, url_of
from relay.neutral import Answer, Image, Source, Usage, spoken
from relay.spool import Encoded

MOST = 10
"""Pictures of one request, as OpenAI has it: each is a request of its own here."""

RATIOS = tuple(
    (ratio, int(ratio.partition(":")[0]) / int(ratio.partition(":")[2]))
    for ratio in ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
)
_DEFAULTS = {
    "quality": ("auto", "standard"), "background": ("auto", "opaque"), "output_format": ("png",),
    "moderation": ("auto",), "style": ("vivid",), "input_fidelity": ("high",),
}  # fmt: skip
"""Values that ask for what is done anyway."""

_FILES = ("image", "image[]")


def _request(body: bytes, glance: Glance, model: str) -> Rendered:
    """As generateContent. Raises Problem 400."""
    losses: dict[str, None] = {}
    return _rendered(fields_of(glance.fields, losses), [], glance, model, losses)


def _edit(body: bytes, glance: Glance, model: str) -> Rendered:
    """The same with pictures that are named in the body. Raises Problem 400."""
    losses: dict[str, None] = {}
    fields = fields_of(glance.fields, losses)
    return _rendered(fields, _named(fields.take("images", "image")), glance, model, losses)


def _edit_of_files(form: Form, glance: Glance, model: str) -> Written:
    """The same with uploaded pictures, which stay on disk. Raises Problem 400."""
    for part in form.parts:
        if part.is_file and part.name not in _FILES:
            raise not_carried(f"A {part.name} is", part.name)
    losses: dict[str, None] = {}
    found = [(secrets.token_hex(16), file) for file in form.files(*_FILES)]
    parts = [_inline(Source("base64", mark, type_of(form.body, file))) for mark, file in found]
    text = _rendered(fields_of(form.fields(_FILES), losses), parts, glance, model, losses)
    return Written(text, tuple((mark.encode(), Encoded(form.body, file.start, file.size)) for mark, file in found))


def _rendered(
    fields: Fields, pictures: list[dict[str, Any]], glance: Glance, model: str, losses: dict[str, None]
) -> Rendered:
    if glance.n > MOST:
        raise invalid(f"n must be an integer from 1 to {MOST}.", "n")
    for name in ("model", "n", "response_format", "stream"):
        fields.take(name)
    fields.refuse("mask", what="A mask is")
    parts = [*pictures, {"text": fields.text("prompt")}]
    config = {"responseModalities": ["IMAGE"], **_shaped(fields, losses), **_thinking(fields, glance, model, losses)}
    for name, usual in _DEFAULTS.items():
        if (given := fields.take(name)) is not None and given not in usual:
            losses[name] = None
    fields.drop_rest()
    body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
    return Rendered(encode(body), tuple(losses))


def _named(found: Any) -> list[dict[str, Any]]:
    """Pictures by their addresses."""
    parts = []
    for one in found if isinstance(found, list) else [found]:
        url = one.get("image_url") if isinstance(one, dict) else one
        if not isinstance(url, str):
            raise not_carried("A picture that has no URL is", "images")
        source = source_of(url)
        if source.kind == "text" or (source.kind == "url" and not url.startswith(("https://", "http://"))):
            raise invalid("images must be URLs, of the web or of the kind data:…;base64,….", "images")
        parts.append(_inline(source))
    return parts


def _inline(source: Source) -> dict[str, Any]:
    return data_part(source, "image/jpeg" if source.kind == "url" else "image/png")


def _thinking(fields: Fields, glance: Glance, model: str, losses: dict[str, None]) -> dict[str, Any]:
    """Drafts of a picture are thoughts, which newer models alone have and show."""
    wanted = drafts(fields.take("partial_images"))
    if not (wanted and glance.stream):
        return {}
    if not third(model) or glance.n > 1:
        losses["partial_images"] = None
        return {}
    return {"thinkingConfig": {"includeThoughts": True}}


def _shaped(fields: Fields, losses: dict[str, None]) -> dict[str, Any]:
    shape = _shape(fields.text("size") or "auto")
    if shape is None:
        losses["size"] = None
    return {"imageConfig": shape} if shape else {}


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


def _drawn(found: Answer) -> list[Source]:
    parts = (part for choice in found.choices for part in choice.parts)
    return [part.source for part in parts if isinstance(part, Image) and part.source.kind == "base64"]


def _parse(body: bytes) -> Answer:
    """What came: the pictures are counted, for prices that are theirs. Raises Garbage."""
    found = gemini.FORMAT.parse_response(body)
    usage = found.usage or Usage(Counts())
    further = msgspec.structs.replace(usage.further, units={"images": len(_drawn(found))})
    return msgspec.structs.replace(found, usage=msgspec.structs.replace(usage, further=further))


def _answer(found: Answer, raw: bytes, asked: Asked, kind: str) -> Rendered:
    """As OpenAI shows pictures. Raises Problem 400 where the model drew none."""
    pictures, wanted = _drawn(found), value(asked.fields, "n") or 1
    if not pictures:
        raise _undrawn(found)
    losses = ("n",) if len(pictures) < wanted else ()
    if wanted > 1 and flag(asked.fields, "stream"):
        return Rendered(finished(kind, pictures, asked, found.usage), losses)
    by_address = value(asked.fields, "response_format") == "url"
    data = [{"url": url_of(source)} if by_address else {"b64_json": source.value} for source in pictures]
    body = {"created": asked.now_s, "data": data, "output_format": pictures[0].media_type.rpartition("/")[2]}
    usage = {"usage": usage_of(found.usage)} if found.usage and found.usage.counts != Counts() else {}
    return Rendered(encode({**body, **usage}), losses)


def _undrawn(found: Answer) -> Problem:
    refused = any(choice.stop == "refusal" for choice in found.choices)
    return undrawn(refused, "".join(spoken(choice.parts) for choice in found.choices))


def _spoken(kind: str, **how: Any) -> Spoken:
    format = replace(gemini.FORMAT, parse_response=_parse)
    answer, tap = partial(_answer, kind=kind), partial(Drawing, kind=kind)
    return Spoken(format, "/models/{model}:{verb}", answer=answer, joined=joined, tap=tap, **how)


BY_GEMINI = _spoken(MAKES, request=_request)
EDITS_BY_GEMINI = _spoken(EDITS, request=_edit, form=_edit_of_files)
