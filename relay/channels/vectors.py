"""Embeddings in a vendor's own form: from OpenAI's, in as many requests as the vendor needs, and back."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.channels.bridge import Bridged
from relay.formats.fields import Fields, fields_of, not_carried
from relay.formats.format import Garbage
from relay.splice import top_level
from relay.volley import Came

MOST = 512
"""Requests to the vendor for one of a caller's."""

_encode = msgspec.json.Encoder().encode
_numbers = msgspec.json.Decoder(list[float]).decode


@dataclass(frozen=True, slots=True)
class Vectors:
    """What one answer holds; ``tokens`` is None where the vendor does not tell."""

    values: Sequence[msgspec.Raw]
    tokens: float | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A request in OpenAI's form: texts for a model. ``fields`` are those that the vendor may know besides."""

    model: str
    texts: list[str]
    packed: bool
    fields: Fields
    losses: dict[str, None]

    def size(self, known: bool = True) -> int | None:
        """How many dimensions are wanted. Raises Problem 400 where the model has no choice of them."""
        found = self.fields.integer("dimensions", "output_dimension", low=1)
        if found is not None and not known:
            raise not_carried("A number of dimensions is", "dimensions")
        return found

    def bridged(
        self, parts: list[list[str]], body: Callable[[list[str]], bytes], read: Callable[[Came], Vectors]
    ) -> Bridged:
        """One request for each of ``parts``. ``read`` raises msgspec's errors."""
        self.fields.drop_rest()
        sizes = [len(part) for part in parts]
        return Bridged(
            tuple(map(body, parts)), tuple(self.losses), lambda came: self._listed([read(one) for one in came], sizes)
        )

    def _listed(self, found: list[Vectors], sizes: list[int]) -> bytes:
        if [len(one.values) for one in found] != sizes:
            raise Garbage("The provider's answer has another number of embeddings than there are texts.")
        values = [_packed(value) if self.packed else value for one in found for value in one.values]
        data = [{"object": "embedding", "index": at, "embedding": value} for at, value in enumerate(values)]
        counts = [round(one.tokens) for one in found if one.tokens is not None]
        tokens = sum(counts) if len(counts) == len(found) else 0  # a part of them would be too little
        usage = {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}} if tokens else {}
        return _encode({"object": "list", "data": data, "model": self.model, **usage})


def wish_of(body: bytes) -> Wish:
    """The wish. Raises Problem 400."""
    losses: dict[str, None] = {}
    fields = fields_of(top_level(body), losses)
    model, packed, found = fields.text("model") or "", fields.text("encoding_format"), fields.take("input")
    texts = found if isinstance(found, list) else [found]
    if not all(isinstance(text, str) for text in texts):
        raise not_carried("Input of anything but texts is", "input")
    return Wish(model, texts, packed == "base64", fields, losses)


def parts(texts: list[str], most: int, characters: int | None = None) -> list[list[str]]:
    """``texts`` in order, at most ``most`` in a part, with so many characters together. Raises Problem 400."""
    found: list[list[str]] = []
    room = 0
    for text in texts:
        if not found or len(found[-1]) >= most or (characters is not None and room < len(text)):
            found.append([])
            room = characters or 0
        found[-1].append(text)
        room -= len(text)
    if len(found) > MOST:
        told = f"input would take {len(found)} requests to this provider, {MOST} are the most: send fewer texts."
        raise invalid(told, "input")
    return found


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """``fields`` without those that nobody has filled."""
    return {name: value for name, value in fields.items() if value is not None}


def read_by(read: Callable[[Came], Vectors]) -> Callable[[Came], Vectors]:
    """``read`` for answers of a vendor, whatever they are. Raises Garbage."""

    def checked(came: Came) -> Vectors:
        try:
            return read(came)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Garbage("The provider's answer has no embeddings.") from None

    return checked


def _packed(vector: msgspec.Raw) -> str:
    try:
        numbers = _numbers(vector)
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    except (msgspec.MsgspecError, struct.error, OverflowError):
        raise Garbage("The provider's answer has no embeddings.") from None
