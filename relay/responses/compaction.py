"""``compaction`` items of ours: the summary of a conversation, sealed for the user whose conversation it is.

Nothing is kept: the item itself has the summary, as OpenAI's have. When it comes back it goes on, to any channel, as a
message. Source: https://platform.openai.com/docs/guides/conversation-state#compaction-advanced
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import msgspec

from openopen8.core.errors import Problem, invalid
from openopen8.core.security.keyring import Keyring

HEAD = "Summary of this conversation up to here; the user's own messages stand apart from it:\n\n"
"""Begins the message that an item becomes."""

MOST = 1_000_000
"""Characters of all summaries in one request: packed they are small, and one may be sent many times."""

_MARK = "oo8.summary."
"""No vendor's own encrypted content begins so."""
_SIGN = _MARK.encode()


class _Summary(msgspec.Struct, frozen=True, gc=False, tag="summary"):
    user_id: int
    text: str


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    encrypted_content: str = ""


_summary = msgspec.json.Decoder(_Summary).decode
_item = msgspec.json.Decoder(_Item).decode
_encode = msgspec.json.Encoder().encode


def item(keyring: Keyring, user_id: int, id: str, text: str) -> dict[str, Any]:
    """The item for a caller to send back."""
    sealed = keyring.seal_bytes(zlib.compress(_encode(_Summary(user_id, text))))
    return {"id": id, "type": "compaction", "encrypted_content": _MARK + base64.urlsafe_b64encode(sealed).decode()}


def holds(given: msgspec.Raw | bytes | None) -> bool:
    """True where one of ours may be in it."""
    return given is not None and _SIGN in bytes(given)


def opened(keyring: Keyring, user_id: int, items: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """The items, those of ours as messages. Raises Problem 400 for one that was changed, or is another user's."""
    found: list[msgspec.Raw] = []
    size = 0
    for at, raw in enumerate(items):
        text = _text(keyring, user_id, raw, at) if holds(raw) else None
        size += len(text or "")
        if size > MOST:
            raise Problem(400, "context_length_exceeded", "There is too much in these compaction items.", "input")
        found.append(raw if text is None else _message(text))
    return found


def _text(keyring: Keyring, user_id: int, raw: msgspec.Raw, at: int) -> str | None:
    """The summary in an item; None in one that is none of ours."""
    try:
        found = _item(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None  # of another kind: it is judged where its kind is
    if found.type != "compaction" or not found.encrypted_content.startswith(_MARK):
        return None
    try:
        sealed = base64.b64decode(found.encrypted_content[len(_MARK) :], b"-_", validate=True)
        summary = _summary(zlib.decompress(keyring.open_bytes(sealed)))
    except (Problem, ValueError, zlib.error, msgspec.MsgspecError):
        summary = None
    if summary is None or summary.user_id != user_id:
        path = f"input.{at}.encrypted_content"
        raise invalid("This compaction item was changed on its way, or is another account's.", path)
    return summary.text


def _message(text: str) -> msgspec.Raw:
    content = [{"type": "input_text", "text": HEAD + text}]
    return msgspec.Raw(_encode({"type": "message", "role": "user", "content": content}))
