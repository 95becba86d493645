"""The neutral chat model: what every wire format converts into and from (N + M conversions, not N × M)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from openopen8.core.rules.pricing import Counts

Role = Literal["system", "user", "assistant"]

StopReason = Literal["stop", "length", "sequence", "refusal", "tools", "other"]
"""Why an answer ended: by itself, at its token limit, at a stop sequence, by a filter, to call tools."""

DeltaKind = Literal["text", "refusal"]


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text, of a prompt or an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model's own words for not answering; formats without such a part show them as text."""

    text: str


Part = Text | Refusal


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. ``system`` stands here only for instructions in the middle of a conversation."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A chat request. ``None`` means: not given, the model's default holds.

    ``system`` are the instructions before the first turn. ``losses`` names fields of the caller's
    body that have no place here; ``render_request`` passes them on with those the target lacks.
    """

    model: str
    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    n: int = 1
    seed: int | None = None
    user: str | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one answer as its vendor reported them, in disjoint buckets.

    ``inconsistent``: the report contradicted itself and was clamped; ``raw`` is the report as it came.
    """

    counts: Counts
    inconsistent: bool = False
    raw: bytes | dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the ``n`` answers. ``sequence`` is the stop sequence that was met, where the vendor says so."""

    index: int
    parts: tuple[Part, ...] = ()
    stop: StopReason | None = None
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; ``choices`` has at least one entry, sorted by index."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None

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
        """All generated text of all choices, for local counting."""
        return tuple(part.text for choice in self.choices for part in choice.parts)


@dataclass(frozen=True, slots=True)
class Start:
    """The stream has begun; both names are the upstream's."""

    id: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """A further piece of text of one choice."""

    text: str
    choice: int = 0
    kind: DeltaKind = "text"


@dataclass(frozen=True, slots=True)
class Stop:
    """One choice has ended."""

    reason: StopReason
    choice: int = 0
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Counts so far; a later report replaces an earlier one."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class StreamError:
    """The upstream broke off with an error; ``message`` is already free of keys and addresses."""

    message: str
    status: int = 502


Event = Start | Delta | Stop | UsageReport | StreamError


def fold(events: Iterable[Event]) -> Answer:
    """The whole answer that a stream amounts to; errors in it are left out."""
    answer = Answer("", "", (Choice(0),))
    choices: dict[int, Choice] = {}
    for event in events:
        if isinstance(event, Start):
            answer = replace(answer, id=event.id, model=event.model)
        elif isinstance(event, UsageReport):
            answer = replace(answer, usage=event.usage)
        elif isinstance(event, Delta | Stop):
            choices[event.choice] = _grown(choices.get(event.choice) or Choice(event.choice), event)
    ordered = tuple(choices[index] for index in sorted(choices))
    return replace(answer, choices=ordered or answer.choices)


def _grown(choice: Choice, event: Delta | Stop) -> Choice:
    if isinstance(event, Stop):
        return replace(choice, stop=event.reason, sequence=event.sequence)
    kind = Refusal if event.kind == "refusal" else Text
    if choice.parts and type(choice.parts[-1]) is kind:
        return replace(choice, parts=(*choice.parts[:-1], kind(choice.parts[-1].text + event.text)))
    return replace(choice, parts=(*choice.parts, kind(event.text)))
