"""multipart/form-data, read while it passes: which model is meant, and where each file lies.

What is checked must be what runs, so whatever two parsers might read differently is refused: odd dispositions, fields
given twice, encodings, and a boundary that occurs anywhere but between parts. The provider is told the boundary that
was found here, in words that have one meaning only.
Source: https://www.rfc-editor.org/rfc/rfc7578, https://www.rfc-editor.org/rfc/rfc2046#section-5.1
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from openopen8.core.errors import invalid
from relay.upstream import Body, bytes_of

MOST_PARTS = 256
LARGEST_HEADER = 4_096
LARGEST_FIELD = 262_144
"""Bytes of a field that is looked at; files may have any size."""

LOOKED_AT = frozenset({"model", "prompt", "stream", "n", "response_format", "partial_images"})
"""Fields that mean something to the gateway."""

_FORM = "multipart/form-data"
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_DISPOSITION = re.compile(r"form-data((?: *; *[a-zA-Z*]+ *= *(?:\"(?:[^\"\\]|\\.)*\"|[^\s\";]+))*) *;?", re.IGNORECASE)
_PARAMETER = re.compile(r"([a-zA-Z*]+) *= *(\"(?:[^\"\\]|\\.)*\"|[^\s\";]+)")
_PARAMETERS = frozenset({"name", "filename", "filename*"})
_ODD = frozenset('"\\')
"""In names: not all parsers know escapes."""

_TOKEN = re.compile(r"[0-9A-Za-z'+_.-]+")
_CHARSET = re.compile(r"charset *= *\"?([^\s\";]+)", re.IGNORECASE)
_PLAIN_CODINGS = frozenset({"", "7bit", "8bit", "binary"})


def is_form(content_type: str) -> bool:
    """True for an upload."""
    return content_type.lower().startswith(_FORM)


def boundary_of(content_type: str) -> bytes:
    """What stands between the parts. Raises Problem 400."""
    parameters = [word.strip().partition("=") for word in content_type.split(";")[1:]]
    given = [value.strip() for name, _, value in parameters if name.lower() == "boundary"]
    boundary = given[0] if len(given) == 1 else ""
    if len(boundary) > 1 and boundary.startswith('"') and boundary.endswith('"'):
        boundary = boundary[1:-1]
    if not _BOUNDARY.fullmatch(boundary):
        raise invalid("The Content-Type of the upload names no proper boundary.")
    return boundary.encode()


def type_of(boundary: bytes) -> str:
    """The Content-Type that says so. The caller's own may name others where only some parsers see them (RFC 2231)."""
    text = boundary.decode()
    return f"{_FORM}; boundary={text}" if _TOKEN.fullmatch(text) else f'{_FORM}; boundary="{text}"'


class Part(msgspec.Struct):
    """One part: where its content lies. ``value`` is that of a field that is looked at."""

    name: str
    is_file: bool
    kind: str = ""
    """The Content-Type that was given."""
    start: int = 0
    size: int = 0
    value: bytes = b""


class Form(msgspec.Struct, frozen=True):
    """A complete form. ``body`` holds its bytes."""

    body: Body
    parts: tuple[Part, ...]

    def part(self, name: str) -> Part | None:
        """The first part of that name."""
        return next((part for part in self.parts if part.name == name), None)

    def text(self, name: str) -> str:
        """A field that is looked at; empty when it is missing. Raises Problem 400."""
        found = self.part(name)
        try:
            return found.value.decode() if found is not None else ""
        except UnicodeDecodeError:
            raise invalid(f"{name} is not valid UTF-8.", name) from None

    def fields(self, several: tuple[str, ...] = ()) -> dict[str, msgspec.Raw]:
        """What is no file, as the JSON that says the same; each name once, but for files named in ``several``.

        Raises Problem 400.
        """
        found: dict[str, msgspec.Raw] = {}
        seen: set[str] = set()
        for part in self.parts:
            if part.name in seen and not (part.is_file and part.name in several):
                raise invalid(f"The field {part.name!r} is given twice.", part.name)
            seen.add(part.name)
            if not part.is_file:
                found[part.name] = msgspec.Raw(msgspec.json.encode(self._content(part)))
        return found

    def _content(self, part: Part) -> str:
        if part.size > LARGEST_FIELD:
            raise invalid(f"{part.name} is too long.", part.name)
        try:
            return bytes_of(self.body, part.start, part.size).decode()
        except UnicodeDecodeError:
            raise invalid(f"{part.name} is not valid UTF-8.", part.name) from None

    def check_file(self, *names: str) -> None:
        """Raises Problem 400 where none of these files is there."""
        if not self.files(*names):
            raise invalid(f"{names[0]} is missing: send it as a file.", names[0])

    def files(self, *names: str) -> tuple[Part, ...]:
        """The files of these names."""
        return tuple(part for part in self.parts if part.is_file and part.name in names)


class FormReader:
    """Takes the bytes of one form as they come."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"--" + boundary
        self._head = self._tail = b""
        self._marks = 0
        self._fed = 0
        self._parts: list[Part] = []
        self._headers: dict[str, str] = {}
        self._name, self._header_value = b"", b""
        self._ended = False
        self._chunk = b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_name,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_end": self._on_end,
            },
            max_header_size=LARGEST_HEADER,
        )

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises Problem 400."""
        if not data:
            return
        self._count(data)
        self._head += data[: len(self._mark) + 2 - len(self._head)]
        self._chunk = data
        try:
            self._parser.write(data)
        except FormParserError:
            raise invalid("The upload is no proper multipart/form-data.") from None
        self._fed += len(data)

    def close(self, body: Body) -> Form:
        """The form, once all of ``body`` has been fed. Raises Problem 400."""
        if not self._ended:
            raise invalid("The upload ends in its middle.")
        if self._marks != len(self._parts) + 1:
            raise invalid("The boundary of the upload occurs inside a part.")
        if not self._head.removeprefix(b"\r\n").startswith(self._mark):
            # after a foreword the parser takes a boundary also in the middle of a line
            raise invalid("The upload does not begin with its boundary.")
        return Form(body, tuple(self._parts))

    def _count(self, data: bytes) -> None:
        """Delimiters that the parser did not take for such would be ones to another parser."""
        seen = self._tail + data
        self._marks += seen.count(self._mark)
        self._tail = seen[1 - len(self._mark) :]
        if self._marks > MOST_PARTS + 1:
            raise invalid(f"An upload may have at most {MOST_PARTS} parts.")

    # -- the parser's words --------------------------------------------------------------------------

    def _begin(self) -> None:
        self._headers = {}

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header(self) -> None:
        name, value = self._name.decode("latin-1").lower(), self._header_value.decode("utf-8", "replace")
        self._name, self._header_value = b"", b""
        if name in self._headers or not value.isprintable():
            raise invalid("A part of the upload has odd headers.")
        self._headers[name] = value.strip()

    def _on_headers(self) -> None:
        part = _part(self._headers)
        if part.name in LOOKED_AT and any(part.name == other.name for other in self._parts):
            raise invalid(f"The field {part.name!r} is given twice.", part.name)
        self._parts.append(part)

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        part = self._parts[-1]
        if not part.size:
            # what looked like the beginning of a boundary comes late, out of a buffer of the parser's own
            part.start = self._fed + start if data is self._chunk else self._fed - end
        part.size += end - start
        if part.name in LOOKED_AT:
            if part.size > LARGEST_FIELD:
                raise invalid(f"{part.name} is too long.", part.name)
            part.value += data[start:end]

    def _on_end(self) -> None:
        self._ended = True


def _part(headers: dict[str, str]) -> Part:
    found = _DISPOSITION.fullmatch(headers.get("content-disposition", ""))
    if found is None:
        raise invalid("A part of the upload has no proper Content-Disposition.")
    given = [(name.lower(), _unquoted(value)) for name, value in _PARAMETER.findall(found[1])]
    known = dict(given)
    if len(known) != len(given) or "name" not in known or not known.keys() <= _PARAMETERS or _ODD & set(known["name"]):
        raise invalid("A part of the upload has no proper name.")
    part = Part(known["name"], "filename" in known or "filename*" in known, headers.get("content-type", ""))
    alike = unquote(part.name).strip().lower()
    if alike in LOOKED_AT:
        _check(part, alike, headers)
    return part


def _check(part: Part, alike: str, headers: dict[str, str]) -> None:
    """A field that decides something must be one to every parser, with the same value."""
    charset = _CHARSET.search(headers.get("content-type", ""))
    plain = charset is None or charset[1].lower() in ("utf-8", "us-ascii")
    coded = headers.get("content-transfer-encoding", "").lower() not in _PLAIN_CODINGS
    if part.is_file or part.name != alike or not plain or coded:
        raise invalid(f"The field {alike!r} must be a plain field.", alike)


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
