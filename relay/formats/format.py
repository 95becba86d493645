"""What a wire format is: one frozen record of pure functions, and the values they exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from openopen8.core.errors import Problem
from relay.framing import Frame
from relay.neutral import Answer, Event, Reasoning, Request, StreamError, Usage


class Garbage(Exception):
    """The upstream's body is no answer: not JSON, another shape, or an error inside a 200."""


class Glance(msgspec.Struct, frozen=True, gc=False):
    """What the gateway itself needs of a request, checked; all else in ``fields`` is unread.

    ``max_output`` is in tokens, per choice. ``input_texts`` are for counting tokens, ``images`` counts
    the parts that are not text, ``messages`` the turns. ``fields`` maps top-level keys to their bytes.
    ``audio`` counts those of ``images`` that are sound, ``tools`` the tools that are offered. ``files`` are ids of
    OpenAI's that parts of the turns name.
    """

    model: str
    stream: bool
    max_output: int | None
    n: int
    include_usage: bool
    input_texts: tuple[str, ...]
    images: int
    messages: int
    fields: dict[str, msgspec.Raw]
    audio: int = 0
    tools: int = 0
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A request or an answer in another format, and the names of what that format could not express."""

    body: bytes
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller's answer depends on. ``model`` is the name that the caller sees.

    ``now_s`` are seconds since 1970, ``include_usage`` and ``array`` concern streams: counts are wanted; one
    JSON array instead of SSE (Gemini only). ``fields`` are the request's top-level fields, for formats that
    repeat some of them.
    """

    model: str
    now_s: int
    request_id: str
    include_usage: bool = True
    array: bool = False
    fields: dict[str, msgspec.Raw] = field(default_factory=dict)


class Survey(msgspec.Struct, frozen=True, gc=False):
    """What is needed of a whole answer that passes through unread."""

    model: str
    usage: Usage


class Reader(Protocol):
    """Turns a vendor's frames into events; never raises.

    ``finished``: the stream's ending event came.
    """

    finished: bool

    @property
    def stop_seen(self) -> bool:
        """True once every choice that began has named its stop reason."""

    def feed(self, frame: Frame) -> list[Event]:
        """The events of one frame."""

    def close(self) -> list[Event]:
        """The events that the end of the bytes adds."""


class Writer(Protocol):
    """Turns events into the caller's bytes. Exactly one of ``end`` and ``fail`` closes the stream.

    ``losses`` names what came and has no place in this format; it is complete at the end.
    """

    losses: dict[str, None]

    def feed(self, event: Event) -> bytes:
        """The bytes to send for one event; may be empty. Errors are for ``fail``, not for here."""

    def end(self, usage: Usage) -> bytes:
        """The ending events, to be sent after the charge is committed."""

    def fail(self, problem: Problem) -> bytes:
        """The caller's own error event, which ends the stream."""


class Tap(Protocol):
    """Listens to a stream that passes through in its own format; never raises.

    ``text`` are the generated pieces since ``clear_text()``; ``first_token`` is True once one came.
    """

    text: list[str]
    finished: bool
    error: StreamError | None
    first_token: bool

    @property
    def usage(self) -> Usage | None:
        """The counts that the upstream has told so far."""

    @property
    def stop_seen(self) -> bool:
        """True once every choice that began has named its stop reason."""

    def plain(self, data: bytes) -> tuple[int, bytes]:
        """Whole events at the start of ``data`` that only add text: their size, and the bytes to pass on for them.

        A short way for what streams mostly consist of; the rest of ``data`` goes the usual way.
        """

    def feed(self, frame: Frame) -> bytes:
        """The bytes to pass on now; the ending is held back."""

    def clear_text(self) -> None:
        """Drops the text that has been counted."""

    def end(self, usage: Usage | None) -> bytes:
        """The held ending, completed with what the upstream left out."""

    def fail(self, problem: Problem) -> bytes:
        """The caller's own error event, which ends the stream."""


@dataclass(frozen=True, slots=True)
class Format:
    """One wire format. All functions are pure: no I/O, no clock, no random; arguments are never changed.

    ``glance(body, path_model, path_stream)`` raises Problem 400 and nothing else, whatever the bytes.
    ``parse_request`` raises Problem 400 for what can't be converted, and so does ``render_request`` for what
    would mean something else in this format. ``parse_response`` raises Garbage. ``parse_error(status, body)``
    is the vendor's message without keys and addresses. ``patch_request(body, glance, model)``,
    ``patch_response(body, model)`` and ``tap(model, include_usage)`` serve channels of the caller's own format;
    they are None where no channel speaks this format.
    """

    name: str
    glance: Callable[[bytes, str | None, bool | None], Glance]
    parse_request: Callable[[Glance], Request]
    render_request: Callable[[Request], Rendered]
    parse_response: Callable[[bytes], Answer]
    render_response: Callable[[Answer, Asked], Rendered]
    reader: Callable[[], Reader]
    writer: Callable[[Asked], Writer]
    render_error: Callable[[Problem, str], bytes]
    parse_error: Callable[[int, bytes], str]
    patch_request: Callable[[bytes, Glance, str], bytes] | None = None
    patch_response: Callable[[bytes, str], bytes] | None = None
    tap: Callable[[str, bool], Tap] | None = None
    survey: Callable[[bytes], Survey | None] | None = None
    """None from it: the answer has to be parsed."""
    array_tap: Callable[[str, bool], Tap] | None = None
    """As ``tap``, for callers who asked for one JSON array (Gemini only)."""
    patch_reasoning: Callable[[bytes, Glance, Reasoning, str], Rendered] | None = None
    """A body that passes through, with what the suffix of its model's name asks for."""
