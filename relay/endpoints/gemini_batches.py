"""Gemini's ``:batchGenerateContent``: a batch that carries all of its requests in one body.

Source: https://ai.google.dev/api/batch-api, the official SDK
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from openopen8.core.errors import invalid
from relay import splice
from relay.endpoints.endpoint import Endpoint, encode, passing, unread, value
from relay.endpoints.paper import Override, Paper, taken
from relay.formats import gemini
from relay.formats.fields import model_name, typed
from relay.tasks.vendor import Submission

if TYPE_CHECKING:
    from relay.upload import Upload

_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
URL = "/v1beta/models/{model}:generateContent"


class _Object(NamedTuple):
    """An object within another one."""

    name: str
    body: bytes
    fields: dict[str, msgspec.Raw]

    def having(self, name: str, inner: bytes) -> bytes:
        """Itself with another value for a key."""
        return splice.edited(self.body, self.fields, {name: inner})


class Generations(Paper, frozen=True, gc=False):
    """A batch with its requests."""

    @property
    def kind(self) -> str:
        return "gemini_batch"

    def submission(self, model: str, override: Override | None, upload: Upload | None) -> Submission:
        """Under the provider's name of the model, with the channel's own fields, in each request."""
        batch, config, requests, rows = _within(self.fields)
        made = [_renamed(bytes(row), number, model, override) for number, row in enumerate(rows)]
        inner = config.having(requests.name, requests.having("requests", encode(made)))
        body = encode({**self.fields, "batch": msgspec.Raw(batch.having(config.name, inner))})
        return Submission(f"/models/{model}:batchGenerateContent", body)


def _renamed(row: bytes, number: int, model: str, override: Override | None) -> msgspec.Raw:
    fields = splice.top_level(row)
    asked = _object(fields, f"requests.{number}", "request")
    changes = {"model": encode(f"models/{model}")} if "model" in asked.fields else {}
    body = splice.edited(asked.body, asked.fields, changes)
    return msgspec.Raw(splice.edited(row, fields, {"request": body if override is None else override(body)}))


def _object(fields: dict[str, msgspec.Raw], where: str, *names: str) -> _Object:
    """The object under one of these names. Raises Problem 400."""
    name = next((name for name in names if name in fields), None)
    if name is None:
        raise invalid(f"{where} must have {names[0]}.", names[0])
    body = bytes(fields[name])
    return _Object(name, body, splice.top_level(body))


def _within(fields: dict[str, msgspec.Raw]) -> tuple[_Object, _Object, _Object, list[msgspec.Raw]]:
    """The batch, its input, the requests' object and the requests. Raises Problem 400."""
    batch = _object(fields, "The body", "batch")
    config = _object(batch.fields, "batch", "inputConfig", "input_config")
    if "fileName" in config.fields or "file_name" in config.fields:
        raise invalid("A batch's requests must stand in the body: files are not passed on to Gemini.", "fileName")
    requests = _object(config.fields, "batch.inputConfig", "requests")
    if "requests" not in requests.fields:
        raise invalid("batch.inputConfig.requests must have requests.", "requests")
    return batch, config, requests, typed(requests.fields["requests"], _list, "requests")


def look(body: bytes, path_model: str | None, path_stream: bool | None) -> Generations:
    """All of the model that the path names, since a batch has one price. Raises Problem 400."""
    fields = splice.top_level(body)
    model = model_name(path_model)
    *_, rows = _within(fields)
    if not rows:
        raise invalid("A batch must have a request.", "requests")
    for number, row in enumerate(rows):
        asked = _object(splice.top_level(bytes(row)), f"requests.{number}", "request")
        if value(asked.fields, "model") not in (None, model, f"models/{model}"):
            raise invalid(f"requests.{number} is for another model than the batch.", "model")
    found = taken(Generations, model, fields, len(body) // 4, url=URL)
    assert isinstance(found, Generations)
    return found


GEMINI_BATCHES = Endpoint(
    "gemini_batches", "/models/{model}:batchGenerateContent",
    passing("gemini_batches", look, unread, render_error=gemini.FORMAT.render_error), task="gemini_batch",
)  # fmt: skip
