"""A whole answer."""

from __future__ import annotations

from typing import Literal

from relay.neutral.parts import Audio, Part, Refusal, Text, Thinking, ToolUse
from relay.neutral.usage import Usage
from relay.neutral.value import Value

StopReason = Literal["stop", "length", "sequence", "refusal", "tools", "pause", "other"]
"""Why an answer ended: by itself, at its token limit, at a stop sequence, refused or filtered, to call tools, to be
continued by sending it back, or for a reason that is none of these."""


class Logprob(Value, frozen=True):
    """One token of an answer, how likely it was, and the likeliest others. ``bytes`` is None where not told."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top: tuple[Logprob, ...] = ()


class Choice(Value, frozen=True):
    """One of the ``n`` answers.

    ``sequence`` is the stop sequence that was met, ``detail`` the vendor's word for a filter that stopped it
    (``SAFETY``, ``cyber``), where the vendor says so. ``logprobs`` are those of the text.
    """

    index: int
    parts: tuple[Part, ...] = ()
    stop: StopReason | None = None
    sequence: str | None = None
    detail: str = ""
    logprobs: tuple[Logprob, ...] = ()


class Answer(Value, frozen=True):
    """A whole answer; ``choices`` has at least one entry, sorted by index. ``id`` and ``model`` are the upstream's."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    fingerprint: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the first choice."""
        return self.choices[0].parts

    @property
    def stop(self) -> StopReason | None:
        """Why the first choice ended."""
        return self.choices[0].stop

    @property
    def texts(self) -> tuple[str, ...]:
        """All that was generated in all choices, as text for local counting."""
        return tuple(text for choice in self.choices for part in choice.parts for text in written(part) if text)

    @property
    def empty(self) -> bool:
        """True where there is nothing in it, although the model was neither stopped nor kept from answering."""
        return all(choice.stop in _BY_ITSELF and all(part.blank for part in choice.parts) for choice in self.choices)


_BY_ITSELF = frozenset((None, "stop", "tools", "other"))


def spoken(parts: tuple[Part, ...]) -> str:
    """All text and words of refusal among ``parts``."""
    return "".join(part.text for part in parts if isinstance(part, Text | Refusal))


def written(part: Part) -> tuple[str, ...]:
    """What the model wrote to make this part."""
    if isinstance(part, Text | Refusal | Thinking):
        return (part.text,)
    if isinstance(part, ToolUse):
        return (part.name, part.arguments)
    return (part.transcript,) if isinstance(part, Audio) else ()
