"""What a turn or an answer consists of."""

from __future__ import annotations

from typing import Any, Literal

from relay.neutral.value import CacheMark, Opaque, Value

SourceKind = Literal["url", "base64", "file", "text"]

PlaceKind = Literal["char", "page", "block"]


class Source(Value, frozen=True):
    """Where the bytes of an image, a sound or a document are.

    ``value`` is an address, base64, a file's id, or plain text. An id belongs to ``maker``, the vendor that
    keeps the file: no other vendor can read it.
    """

    kind: SourceKind
    value: str
    media_type: str = ""
    maker: str = ""


class Place(Value, frozen=True):
    """A stretch of a document that was cited. ``first`` counts from 0 (pages from 1), ``last`` is one beyond."""

    kind: PlaceKind
    first: int
    last: int


class Citation(Value, frozen=True):
    """What a piece of an answer's text rests on.

    ``start`` and ``end`` are characters within the text part; both None: all of it. ``document`` is the
    index among the request's documents, ``quote`` the cited words, ``place`` where they stand.
    ``raw`` is the vendor's own form, for callers of the same format ``maker`` (a format's name).
    """

    url: str = ""
    title: str = ""
    quote: str = ""
    file_id: str = ""
    document: int | None = None
    place: Place | None = None
    start: int | None = None
    end: int | None = None
    maker: str = ""
    raw: dict[str, Any] | None = None


class _Part(Value, frozen=True):
    """What all parts have in common."""

    @property
    def blank(self) -> bool:
        """True for a part that has nothing to tell."""
        return False


class Text(_Part, frozen=True, tag="text"):
    """A piece of text, of a prompt or an answer. ``signature``: Gemini signs texts too."""

    text: str
    citations: tuple[Citation, ...] = ()
    cache: CacheMark | None = None
    signature: Opaque | None = None

    @property
    def blank(self) -> bool:
        """A signature is no text."""
        return not (self.text or self.citations)


class Refusal(_Part, frozen=True, tag="refusal"):
    """The model's own words for not answering; formats without such a part show them as text."""

    text: str

    @property
    def blank(self) -> bool:
        """True without a word."""
        return not self.text


class Image(_Part, frozen=True, tag="image"):
    """A picture, asked about or made. ``detail``: ``low``, ``high``, ``auto``, …; empty: not given."""

    source: Source
    detail: str = ""
    cache: CacheMark | None = None
    signature: Opaque | None = None


class Audio(_Part, frozen=True, tag="audio"):
    """Sound: of a prompt (``source``), or an answer, which also has a transcript and an id to refer to it.

    ``format`` is the short name: ``wav``, ``mp3``, ``pcm16``. ``source`` is None where an earlier answer's
    sound is only referred to by ``id``.
    """

    source: Source | None = None
    format: str = ""
    id: str = ""
    transcript: str = ""
    expires_at: int | None = None
    cache: CacheMark | None = None

    @property
    def blank(self) -> bool:
        """True without sound and words."""
        return self.source is None and not self.transcript


class Video(_Part, frozen=True, tag="video"):
    """Moving pictures."""

    source: Source
    cache: CacheMark | None = None


class Document(_Part, frozen=True, tag="document"):
    """A file to read. ``name`` is its file name, ``title`` and ``context`` are told to the model.

    ``cite``: the answer is to name where in it each statement stands.
    """

    source: Source
    name: str = ""
    title: str = ""
    context: str = ""
    cite: bool = False
    cache: CacheMark | None = None


class ToolUse(_Part, frozen=True, tag="tool_use"):
    """The model's wish to have a tool called.

    ``arguments`` is JSON text as the model wrote it, valid or not, empty for none; for a ``freeform`` tool
    it is any text. ``id`` is empty where the vendor gave none: writers make one (``relay/formats/ids.py``).
    """

    id: str
    name: str
    arguments: str = ""
    freeform: bool = False
    signature: Opaque | None = None
    cache: CacheMark | None = None


class ToolResult(_Part, frozen=True, tag="tool_result"):
    """What a tool gave. It stands in a turn of the user; ``name`` is filled where the caller says it."""

    id: str
    parts: tuple[Part, ...] = ()
    is_error: bool = False
    name: str = ""
    freeform: bool = False
    cache: CacheMark | None = None


class Thinking(_Part, frozen=True, tag="thinking"):
    """The model's thoughts, whole or summarised, and the proof that they are its own.

    ``redacted``: there is no text to show, ``signature`` holds the thoughts encrypted. ``id`` is the
    vendor's name of the item.
    """

    text: str = ""
    signature: Opaque | None = None
    redacted: bool = False
    id: str = ""

    @property
    def blank(self) -> bool:
        """Encrypted thoughts are thoughts."""
        return not self.text and self.signature is None


class Block(_Part, frozen=True, tag="block"):
    """A part that only one format knows (its server tools' calls and results): nobody else can express it."""

    format: str
    kind: str
    raw: dict[str, Any]


Part = Text | Refusal | Image | Audio | Video | Document | ToolUse | ToolResult | Thinking | Block
"""All kinds of parts."""


def kind_of(part: Part) -> str:
    """The name of a part's kind, in messages and losses."""
    return type(part).__name__.lower()
