"""Files of requests and the batches that are made of them.

Source: https://platform.openai.com/docs/guides/batch, /api-reference/files, /api-reference/batch
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from openopen8.core.errors import invalid
from openopen8.core.models import Task
from relay import splice
from relay.endpoints.endpoint import Endpoint, Look, passing, unread, value
from relay.endpoints.film import text
from relay.form import Form
from relay.formats.fields import model_name
from relay.spool import Window
from relay.tasks.vendor import Submission, whole_number
from relay.upstream import Failure

if TYPE_CHECKING:
    from relay.upload import Upload

MOST_LINES = 50_000
LONGEST_LINE = 16 * 1024 * 1024
EXPIRY, LONGEST_LIFE = "expires_after[seconds]", 10**8 - 1
URLS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions")
"""Endpoints whose usage is understood when a batch ends."""
BOUNDARY = "openopen8-file-of-requests"

Override = Callable[[bytes], bytes]
"""The channel's own fields for a body."""
_encode = msgspec.json.Encoder().encode


class _Line(msgspec.Struct, gc=False):
    custom_id: str
    method: str
    url: str
    body: msgspec.Raw


_line = msgspec.json.Decoder(_Line).decode


class Paper(Look, frozen=True, gc=False):
    """A file (``form``), or a batch that is made of one (``of``)."""

    form: Form | None = None
    url: str = ""
    of: str = ""
    """The file's id at the provider."""

    @property
    def kind(self) -> str:
        """That of its task."""
        return "batch" if self.of else "file"

    def submission(self, model: str, override: Override | None, upload: Upload | None) -> Submission:
        """For the provider: under its name of the model, in each request of a file, which is copied for it."""
        if self.form is None or upload is None:
            asked = {name: raw for name, raw in self.fields.items() if name != "model"}
            return Submission("/batches", _encode({**asked, "input_file_id": self.of}))
        spool = upload.copy()
        try:
            spool.write(_head(value(self.fields, EXPIRY)))
            for line in _lines(self.form):
                spool.write(_renamed(line, model, override) + b"\n")
            spool.write(f"\r\n--{BOUNDARY}--\r\n".encode())
        except OSError:
            raise Failure("other", "The gateway has no room on its disk.") from None
        return Submission("/files", spool, content_type=f"multipart/form-data; boundary={BOUNDARY}")


def _renamed(line: bytes, model: str, override: Override | None) -> bytes:
    row = _line(line)
    body = bytes(row.body)
    body = splice.edited(body, splice.top_level(body), {"model": _encode(model)})
    row.body = msgspec.Raw(body if override is None else override(body))
    return _encode(row)


def _lines(form: Form) -> Iterator[bytes]:
    """One request after the other from disk. Raises Problem 400."""
    (part, *_), number = form.files("file"), 0
    reader = io.BufferedReader(Window(form.body, part.start, part.size), 256 * 1024)
    while line := reader.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise invalid(f"Line {number} is too long.", "file")
        if line.strip():
            yield line


def _head(expires: str | None) -> bytes:
    parts = {"purpose": "batch"}
    if expires:
        parts |= {"expires_after[anchor]": "created_at", EXPIRY: expires}
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{told}\r\n'
        for field, told in parts.items()
    )
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="requests.jsonl"\r\n'
    return f"{head}{file}Content-Type: application/jsonl\r\n\r\n".encode()


def glance_file(body: bytes, path_model: str | None, path_stream: bool | None) -> NoReturn:
    """A file comes as an upload. Raises Problem 400."""
    raise invalid("A file is uploaded as multipart/form-data.", "file")


def look_requests(form: Form, fields: dict[str, msgspec.Raw]) -> Paper:
    """Checks each request of the file: one model, one endpoint. Raises Problem 400."""
    form.check_file("file")
    # it goes into a form of our own: nothing in it may look like the end of its part
    whole_number(value(fields, EXPIRY), 1, EXPIRY, LONGEST_LIFE)
    model, url = _checked(form)
    return taken(Paper, model, fields, form.files("file")[0].size // 4, form=form, url=url)


def _checked(form: Form) -> tuple[str, str]:
    """Model and endpoint of all requests."""
    seen: set[tuple[str, str]] = set()
    number = 0
    for number, line in enumerate(_lines(form), 1):
        if number > MOST_LINES:
            break
        try:
            row = _line(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise invalid(f"Line {number} is no request: custom_id, method, url and body are needed.", "file") from None
        if row.method != "POST" or row.url not in URLS:
            raise invalid(f"Line {number}: url must be one of {', '.join(URLS)}, posted to.", "file")
        seen.add((model_name(value(splice.top_level(bytes(row.body)), "model"), "file"), row.url))
        if len(seen) > 1:
            raise invalid(f"Line {number}: a file has requests of one model at one endpoint.", "file")
    if not 1 <= number <= MOST_LINES:
        raise invalid(f"The file must have 1 to {MOST_LINES:,} requests.", "file")
    return seen.pop()


def batch_of(file: Task) -> Endpoint:
    """The endpoint that makes a batch of this file, where it was uploaded."""

    def look(body: bytes, path_model: str | None, path_stream: bool | None) -> Paper:
        fields = splice.top_level(body)
        if not file.request.get("url"):
            raise invalid("A batch is made of a file whose purpose is batch.", "input_file_id")
        if text(fields, "endpoint", needed=True) != file.request.get("url"):
            raise invalid(f"The requests of this file are for {file.request.get('url')}.", "endpoint")
        url = text(fields, "endpoint")
        return taken(Paper, file.model, fields, int(file.request.get("tokens", 0)), of=file.upstream_id, url=url)

    return Endpoint("batches", "/batches", passing("openai_batches", look, unread), task="batch")


def taken(kind: type[Paper], model: str, fields: dict[str, msgspec.Raw], tokens: int = 0, **more: Any) -> Paper:
    """A file or a batch as it is seen."""
    return kind(
        model=model,
        stream=False,
        max_output=0,
        n=1,
        include_usage=True,
        input_texts=(),
        images=0,
        messages=0,
        fields=fields,
        tokens=tokens,
        **more,
    )


def _of_a_file(body: bytes, path_model: str | None, path_stream: bool | None) -> Paper:
    raise invalid("input_file_id is missing.", "input_file_id")


BATCHES = Endpoint("batches", "/batches", passing("openai_batches", _of_a_file, unread), task="batch")
"""Before it is known which file a batch is made of; see ``batch_of``."""

__all__ = ["BATCHES", "Override", "Paper", "batch_of", "glance_file", "look_requests", "taken"]
