"""A call whose arguments Vertex AI streams piece by piece, each piece with the path of its value.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Content#FunctionCall
"""

from __future__ import annotations

import re
from typing import Any

from relay.formats.gemini.words import dicts, word

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,4})\]|\['([^']*)'\]|\["([^"]*)"\]""")

_VALUES = ("stringValue", "numberValue", "boolValue")

_DEEPEST = 100
"""Steps of a path; no schema of a tool comes near."""

_GAP = 32
"""Places that a list may grow by at once: empty objects are not told. Few bytes may not take much memory."""


class Partial:
    """One call that grows."""

    __slots__ = ("_args", "_call", "_state")

    def __init__(self) -> None:
        self._call: dict[str, Any] = {}
        self._args: dict[str, Any] = {}
        self._state: Any = None

    def add(self, raw: dict[str, Any]) -> bool:
        """Takes a part of an answer; False where more of the call is to come."""
        call: dict[str, Any] = raw["functionCall"]
        self._state = raw.get("thoughtSignature") or self._state
        self._call = {**self._call, **{name: call[name] for name in ("id", "name") if word(call.get(name))}}
        if isinstance(call.get("args"), dict):
            self._args.update(call["args"])
        for piece in dicts(call.get("partialArgs")):
            _put(self._args, word(piece.get("jsonPath")), _value(piece))
        return call.get("willContinue") is not True

    def whole(self) -> dict[str, Any]:
        """The part as it would have come at once."""
        signed = {"thoughtSignature": self._state} if self._state else {}
        return {"functionCall": {**self._call, "args": self._args}, **signed}


def begins(raw: dict[str, Any]) -> bool:
    """True for a part that is a piece of a call."""
    call = raw.get("functionCall")
    return isinstance(call, dict) and (call.get("willContinue") is True or "partialArgs" in call)


def _value(piece: dict[str, Any]) -> Any:
    value = next((piece[name] for name in _VALUES if name in piece), None)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _put(args: dict[str, Any], path: str, value: Any) -> None:
    """Sets the value at ``path``; texts at one path are pieces of one text."""
    steps = [int(at) if at else name or quoted or other for name, at, quoted, other in _STEP.findall(path)]
    if len(steps) > _DEEPEST:
        return
    here: Any = args  # what stands at the path so far: an object or a list
    step: Any
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(here, list) and isinstance(step, int) and step < len(here) + _GAP:
            here.extend([None] * (step + 1 - len(here)))
        elif not (isinstance(here, dict) and isinstance(step, str)):
            return
        before: Any = here.get(step) if isinstance(here, dict) else here[step]
        if after is None:
            here[step] = before + value if isinstance(before, str) and isinstance(value, str) else value
        elif not isinstance(before, dict | list):
            here[step] = [] if isinstance(after, int) else {}
        here = here[step]
