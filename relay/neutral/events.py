"""What happens in a stream, in order. Folding the events gives the whole answer (``fold``)."""

from __future__ import annotations

from typing import Literal

import msgspec

from relay.neutral.answer import Logprob, StopReason, written
from relay.neutral.parts import Citation, Part
from relay.neutral.usage import Usage
from relay.neutral.value import Opaque

DeltaKind = Literal["text", "refusal", "thinking", "audio", "transcript", "expires"]


class _Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """Frozen, as all neutral values."""


class Start(_Event, frozen=True, tag="start", gc=False):
    """The stream has begun; all names are the upstream's."""

    id: str = ""
    model: str = ""
    fingerprint: str = ""


class Begin(_Event, frozen=True, tag="begin"):
    """A part begins, with all that is known of it so far; what follows adds to it."""

    part: Part
    choice: int = 0


class Delta(_Event, frozen=True, tag="delta", gc=False):
    """A further piece of one choice's current part. A part of that kind begins by itself if none is open.

    ``audio`` pieces are base64, each whole in itself; ``expires`` is the second (since 1970) until which the
    vendor keeps the sound.
    """

    text: str
    choice: int = 0
    kind: DeltaKind = "text"


class Arguments(_Event, frozen=True, tag="arguments", gc=False):
    """A further piece of a tool call's arguments; ``call`` counts the tool calls of the choice from 0.

    Pieces come call by call, unless the upstream itself mixes them.
    """

    text: str
    call: int = 0
    choice: int = 0


class Sign(_Event, frozen=True, tag="sign"):
    """The signature of the current part of the choice. A text begins by itself if nothing that can be signed is open.

    ``id`` names the thought where its beginning did not.
    """

    signature: Opaque
    choice: int = 0
    id: str = ""


class Cite(_Event, frozen=True, tag="cite"):
    """A further citation of the current text of the choice; ``late``: of its last one, which has ended already."""

    citation: Citation
    choice: int = 0
    late: bool = False


class Logprobs(_Event, frozen=True, tag="logprobs"):
    """Log probabilities of the text that came with or before this event."""

    logprobs: tuple[Logprob, ...]
    choice: int = 0


class End(_Event, frozen=True, tag="end", gc=False):
    """The current part of the choice is complete. Not every upstream says so."""

    choice: int = 0


class Stop(_Event, frozen=True, tag="stop", gc=False):
    """One choice has ended."""

    reason: StopReason
    choice: int = 0
    sequence: str | None = None
    detail: str = ""


class UsageReport(_Event, frozen=True, tag="usage"):
    """Counts so far; a later report replaces an earlier one."""

    usage: Usage


class StreamError(_Event, frozen=True, tag="error", gc=False):
    """The upstream broke off with an error; ``message`` is already free of keys and addresses."""

    message: str
    status: int = 502


Event = Start | Begin | Delta | Arguments | Sign | Cite | Logprobs | End | Stop | UsageReport | StreamError
"""All that can happen."""


def said(event: Event) -> str:
    """What the model generated with this event, as text for local counting."""
    if isinstance(event, Delta):
        return event.text if event.kind not in ("audio", "expires") else ""
    if isinstance(event, Arguments):
        return event.text
    return "".join(written(event.part)) if isinstance(event, Begin) else ""
