"""How a vendor departs from the format that it speaks: fields that it refuses, or knows under another name.

Edits keep the bytes of every value that stays. What the caller wished for and can't have is named as a loss.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from relay import splice

_messages = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_encode = msgspec.json.Encoder().encode

_NOTHING = frozenset((b"null", b"false", b"0", b"0.0", b"{}", b"[]", b'""'))
"""Values that ask for nothing: to leave them out loses nothing."""

Fields = dict[str, msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Quirks:
    """One vendor's. ``models`` limits them to some of its models."""

    refused: frozenset[str] = frozenset()
    """Fields of the body that the vendor answers with an error: left out, and reported."""
    renamed: dict[str, str] = field(default_factory=dict)
    """OpenAI's name → the vendor's; it goes before a field that has the vendor's name already."""
    needless: frozenset[str] = frozenset()
    """Fields that the vendor refuses and does not need: it does all the same what they ask for."""
    refused_of_messages: frozenset[str] = frozenset()
    """Fields of messages that are left out, and reported."""
    developers: bool = True
    """The vendor knows messages of developers; where not, they are the system's."""
    models: re.Pattern[str] | None = None
    whose: str = ""
    """Which models these are, in words for the manual."""

    def applied(self, body: bytes, model: str) -> tuple[bytes, tuple[str, ...]]:
        """The body as the vendor takes it, and the names of what it lost. Raises Problem 400 like ``splice``."""
        if not self._concern(body, model):
            return body, ()
        fields = splice.top_level(body)
        losses: dict[str, None] = {}
        kept = self._renamed(self._allowed(fields, losses))
        if "messages" in kept and (messages := self._messages(bytes(kept["messages"]), losses)) is not None:
            kept["messages"] = msgspec.Raw(messages)
        return (body if kept == fields else _encode(kept)), tuple(losses)

    def _concern(self, body: bytes, model: str) -> bool:
        """False for what surely stays as it is: most bodies, found out without reading them."""
        if self.models is not None and not self.models.search(model):
            return False
        names = (*self.refused, *self.renamed, *self.needless, *self.refused_of_messages)
        return any(name.encode() in body for name in names) or not (self.developers or b"developer" not in body)

    def _allowed(self, fields: Fields, losses: dict[str, None]) -> Fields:
        for name in self.refused & fields.keys():
            if bytes(fields[name]).strip() not in _NOTHING:
                losses[name] = None
        gone = self.refused | self.needless
        return {name: raw for name, raw in fields.items() if name not in gone}

    def _renamed(self, fields: Fields) -> Fields:
        found = [name for name in self.renamed if name in fields]
        if not found:
            return fields
        shadowed = {self.renamed[name] for name in found}
        return {self.renamed.get(name, name): raw for name, raw in fields.items() if name not in shadowed}

    def _messages(self, raw: bytes, losses: dict[str, None]) -> bytes | None:
        """The messages as the vendor takes them; None where they stay as they came."""
        suspect = any(name.encode() in raw for name in self.refused_of_messages)
        if not suspect and (self.developers or b'"developer"' not in raw):
            return None
        try:
            messages = _messages(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None  # the vendor will say what is wrong
        return _encode([self._message(message, losses) for message in messages])

    def _message(self, message: Fields, losses: dict[str, None]) -> dict[str, Any]:
        for name in self.refused_of_messages & message.keys():
            if bytes(message[name]).strip() not in _NOTHING:
                losses[f"messages.{name}"] = None
        kept: dict[str, Any] = {name: raw for name, raw in message.items() if name not in self.refused_of_messages}
        if not self.developers and bytes(kept.get("role", b"")).strip() == b'"developer"':
            kept["role"] = "system"
        return kept
