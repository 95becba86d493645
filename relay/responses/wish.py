"""What a request of the Responses API says about memory.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import invalid
from relay.formats.fields import typed

LONGEST_ID = 200

_id = msgspec.json.Decoder(str | None).decode
_flag = msgspec.json.Decoder(bool | None).decode
_items = msgspec.json.Decoder(str | list[msgspec.Raw] | None).decode
_conversation = msgspec.json.Decoder(str | dict[str, Any] | None).decode

Fields = dict[str, msgspec.Raw]


class Wish(msgspec.Struct, frozen=True, gc=False):
    """Checked. ``previous`` and ``conversation`` are ids."""

    previous: str | None
    conversation: str | None
    store: bool
    background: bool

    @property
    def elsewhere(self) -> bool:
        """True for what only a vendor that keeps answers itself can do."""
        return self.background or self.conversation is not None


def wish_of(fields: Fields) -> Wish:
    """Raises Problem 400."""
    previous = _known(typed(fields["previous_response_id"], _id, "previous_response_id")) if _in(fields) else None
    conversation = _conversed(fields)
    if previous and conversation:
        raise invalid("Name either previous_response_id or conversation.", "conversation")
    store = typed(fields["store"], _flag, "store") if "store" in fields else None
    background = typed(fields["background"], _flag, "background") if "background" in fields else None
    if background and store is False:
        raise invalid("Background mode needs store.", "background")
    return Wish(previous, conversation, store is not False, bool(background))


def items_of(fields: Fields) -> list[msgspec.Raw]:
    """The request's own input as items."""
    given = typed(fields["input"], _items, "input") if "input" in fields else None
    if isinstance(given, str):
        content = [{"type": "input_text", "text": given}]
        return [msgspec.Raw(msgspec.json.encode({"type": "message", "role": "user", "content": content}))]
    return given or []


def _in(fields: Fields) -> bool:
    return "previous_response_id" in fields


def _conversed(fields: Fields) -> str | None:
    given = typed(fields["conversation"], _conversation, "conversation") if "conversation" in fields else None
    if isinstance(given, dict):
        given = given.get("id")
        if not isinstance(given, str):
            raise invalid("conversation.id must be a string.", "conversation.id")
    return _known(given)


def nameable(id: str) -> bool:
    """True for an id that an answer or a conversation is kept under: not every text can stand in a database."""
    return 0 < len(id) <= LONGEST_ID and id.isprintable()


def _known(id: str | None) -> str | None:
    """An id that can be looked up: no other is anybody's."""
    return id if not id or nameable(id) else "?"
