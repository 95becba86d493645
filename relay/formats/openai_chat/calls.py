"""Tool calls in an OpenAI-compatible vendor's chunks: vendors differ in what names a call's pieces.

OpenAI: ``index``. Some send none, some repeat id and name in every piece, some give every call the index 0.
"""

from __future__ import annotations

from typing import Any

from relay.formats.openai_chat.message import arguments, word
from relay.formats.openai_chat.thoughts import parse_extra
from relay.neutral import Arguments, Begin, Event, Sign, ToolUse


class _Call:
    """One call that grows; it begins once its name is known."""

    __slots__ = ("early", "id", "index", "number", "signed")

    def __init__(self, index: object, id: str) -> None:
        self.index = index
        self.id = id
        self.number: int | None = None
        self.early: list[str] = []
        self.signed = False


class Calls:
    """The calls of one choice, in the order in which they began."""

    __slots__ = ("_begun", "_calls", "_choice")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._calls: list[_Call] = []
        self._begun = 0

    @property
    def any(self) -> bool:
        """True once a call has begun."""
        return self._begun > 0

    def read(self, item: dict[str, Any]) -> list[Event]:
        """The events of one entry of ``tool_calls``."""
        custom = item.get("custom")
        freeform = isinstance(custom, dict)
        inner: dict[str, Any] = custom if isinstance(custom, dict) else _dict(item.get("function"))
        name, text = word(inner.get("name")), arguments(inner.get("input" if freeform else "arguments"))
        call = self._found(item.get("index"), word(item.get("id")), name)
        signature = parse_extra(item.get("extra_content"))
        events: list[Event] = []
        if call.number is None:
            if not name:
                call.early.append(text)
                return []
            call.number, self._begun = self._begun, self._begun + 1
            call.signed = signature is not None
            events.append(Begin(ToolUse(call.id, name, freeform=freeform, signature=signature), self._choice))
            text = "".join(call.early) + text
        elif signature is not None and not call.signed:
            call.signed = True
            events.append(Sign(signature, self._choice))
        if text:
            events.append(Arguments(text, call.number, self._choice))
        return events

    def _found(self, index: object, id: str, name: str) -> _Call:
        same = [call for call in self._calls if call.index == index] if index is not None else self._calls
        call = next((known for known in same if id and known.id == id), same[-1] if same else None)
        if call is None or (id and call.id and id != call.id) or (index is None and name and not id and not call.early):
            call = _Call(index, id)
            self._calls.append(call)
        call.id = call.id or id
        return call


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
