"""OpenAI's events of pictures, made of what Gemini sends: drafts, which are its thoughts, and the picture.

Sources: https://platform.openai.com/docs/api-reference/images-streaming,
https://ai.google.dev/gemini-api/docs/image-generation#thinking-process
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem, invalid
from openopen8.core.rules.pricing import Counts
from relay.conversion import Converting
from relay.endpoints.endpoint import encode, value
from relay.formats import gemini
from relay.formats.format import Asked
from relay.formats.gemini.words import inner, word
from relay.formats.openai_errors import error_object
from relay.framing import sse
from relay.neutral import Begin, Block, Delta, Event, Further, Image, Source, Stop, Usage, UsageReport, said

MAKES, EDITS = "image_generation", "image_edit"
"""How the events of both endpoints begin."""

DRAFT_TOKENS = 1_120
"""Of a picture of up to 2K: https://ai.google.dev/gemini-api/docs/pricing"""


def drafts(wanted: Any) -> int:
    """How many pictures are wanted before the last one; in an upload it is a text. Raises Problem 400."""
    number = int(wanted) if isinstance(wanted, str) and wanted in ("0", "1", "2", "3") else wanted or 0
    if type(number) is not int or not 0 <= number <= 3:
        raise invalid("partial_images must be an integer from 0 to 3.", "partial_images")
    return number


def usage_of(usage: Usage) -> dict[str, Any]:
    """Counts as OpenAI shows those of pictures."""
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


def undrawn(refused: bool, words: str) -> Problem:
    """400 where the model drew nothing."""
    if refused:
        return Problem(400, "content_policy_violation", "The model refused to draw this.", "prompt")
    return Problem(400, "no_picture", f"The model drew no picture. {words[:300]}".strip(), "prompt")


def finished(kind: str, pictures: list[Source], asked: Asked, usage: Usage | None) -> bytes:
    """The events of pictures that have come already; the counts of all stand in the last."""
    last = len(pictures) - 1
    return b"".join(
        _completed(kind, picture, asked, usage if at == last else None) for at, picture in enumerate(pictures)
    )


def _completed(kind: str, picture: Source, asked: Asked, usage: Usage | None) -> bytes:
    return _event(f"{kind}.completed", picture, asked, usage=usage_of(usage or Usage(Counts())))


def _event(name: str, picture: Source, asked: Asked, **more: Any) -> bytes:
    shown = {"quality": "auto", "background": "opaque", "output_format": picture.media_type.rpartition("/")[2]}
    size = value(asked.fields, "size") or "auto"
    head = {"type": name, "b64_json": picture.value, "created_at": asked.now_s, "size": size}
    return sse(encode({**head, **shown, **more}), name)


def _draft(event: Event) -> Source | None:
    """A draft of a picture, which a thought shows."""
    block = event.part if isinstance(event, Begin) else None
    if not isinstance(block, Block) or block.raw.get("thought") is not True:
        return None
    data = inner(block.raw, "inlineData")
    return Source("base64", word(data.get("data")), word(data.get("mimeType")) or "image/png") if data else None


def _picture(event: Event) -> Source | None:
    return event.part.source if isinstance(event, Begin) and isinstance(event.part, Image) else None


class Events:
    """Writes them; the last picture is held until the counts are known. See ``Writer``."""

    def __init__(self, asked: Asked, kind: str) -> None:
        self.losses: dict[str, None] = {}
        self._asked = asked
        self._kind = kind
        self._wanted = drafts(value(asked.fields, "partial_images"))
        self._drafts = 0
        self._held: Source | None = None
        self._words: list[str] = []
        self._refused = False

    def feed(self, event: Event) -> bytes:
        """See ``Writer``."""
        self._refused |= isinstance(event, Stop) and event.reason == "refusal"
        if isinstance(event, Delta) and event.kind in ("text", "refusal"):
            self._words.append(event.text)
        if (draft := _draft(event)) is not None and self._drafts < self._wanted:
            self._drafts += 1
            name, at = f"{self._kind}.partial_image", self._drafts - 1
            return _event(name, draft, self._asked, partial_image_index=at)
        if (picture := _picture(event)) is None:
            return b""
        before, self._held = self._held, picture
        return b"" if before is None else _completed(self._kind, before, self._asked, None)

    def end(self, usage: Usage) -> bytes:
        """See ``Writer``."""
        if self._held is None:
            return self.fail(undrawn(self._refused, "".join(self._words)))
        return _completed(self._kind, self._held, self._asked, usage)

    def fail(self, problem: Problem) -> bytes:
        """See ``Writer``."""
        return sse(encode(error_object(problem)), "error")


class Drawing(Converting):
    """A stream of Gemini's for callers of OpenAI's form."""

    def __init__(self, asked: Asked, kind: str) -> None:
        super().__init__(gemini.FORMAT.reader(), Events(asked, kind))
        self._drafted = self._drawn = False

    def _hear(self, event: Event) -> None:
        self._drafted |= _draft(event) is not None
        self._drawn |= _picture(event) is not None
        self.first_token = self._drafted or self._drawn
        if isinstance(event, UsageReport):
            self.usage = event.usage
        elif text := said(event):
            self.text.append(text)
        if self._drafted and not self._drawn:
            self.usage = _sketched(self.usage or Usage(Counts()))


def _sketched(usage: Usage) -> Usage:
    """What the picture will cost at least, for callers who leave with a draft of it, which is all but the picture."""
    if usage.counts.total_output >= DRAFT_TOKENS:
        return usage
    counts = msgspec.structs.replace(usage.counts, output=DRAFT_TOKENS, reasoning=0)
    further: Further = msgspec.structs.replace(usage.further, output_image=DRAFT_TOKENS)
    return msgspec.structs.replace(usage, counts=counts, further=further, partial=True)
