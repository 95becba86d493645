"""``POST /v1/messages/batches``: Claude's batches, which carry all of their requests in one body.

Source: https://platform.claude.com/docs/en/api/creating-message-batches, the official SDK
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from openopen8.core.errors import invalid
from relay import splice
from relay.endpoints.endpoint import Endpoint, encode, passing, unread, value
from relay.endpoints.paper import Override, Paper, taken
from relay.formats.anthropic.errors import render_error
from relay.formats.fields import model_name, typed
from relay.tasks.message_batches import PATH
from relay.tasks.vendor import Submission

if TYPE_CHECKING:
    from relay.upload import Upload

MOST_REQUESTS = 100_000
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Messages(Paper, frozen=True, gc=False):
    """A batch with its requests."""

    @property
    def kind(self) -> str:
        return "message_batch"

    def submission(self, model: str, override: Override | None, upload: Upload | None) -> Submission:
        """Under the provider's name of the model, with the channel's own fields, in each request."""
        rows = []
        for asked in _requests(self.fields):
            params = splice.edited(asked.params, asked.inner, {"model": encode(model)})
            params = params if override is None else override(params)
            rows.append(msgspec.Raw(splice.edited(asked.row, asked.outer, {"params": params})))
        return Submission(PATH, encode({**self.fields, "requests": rows}))


class _Request(NamedTuple):
    row: bytes
    outer: dict[str, msgspec.Raw]
    params: bytes
    inner: dict[str, msgspec.Raw]


def _requests(fields: dict[str, msgspec.Raw]) -> Iterator[_Request]:
    """Each request and what stands in it. Raises Problem 400."""
    if "requests" not in fields:
        raise invalid("requests is missing.", "requests")
    for number, raw in enumerate(typed(fields["requests"], _list, "requests")):
        outer = splice.top_level(row := bytes(raw))
        if not {"custom_id", "params"} <= outer.keys():
            raise invalid(f"requests.{number} must have custom_id and params.", "requests")
        yield _Request(row, outer, params := bytes(outer["params"]), splice.top_level(params))


def look(body: bytes, path_model: str | None, path_stream: bool | None) -> Messages:
    """All of one model, since a batch has one price and goes to one channel. Raises Problem 400."""
    fields = splice.top_level(body)
    models = [model_name(value(asked.inner, "model"), "requests") for asked in _requests(fields)]
    if not 1 <= len(models) <= MOST_REQUESTS:
        raise invalid(f"A batch must have 1 to {MOST_REQUESTS:,} requests.", "requests")
    model = models[0]
    if models.count(model) < len(models):
        raise invalid("A batch has requests of one model. Make one batch for each model.", "requests")
    found = taken(Messages, model, fields, len(body) // 4, url="/v1/messages")
    assert isinstance(found, Messages)
    return found


MESSAGE_BATCHES = Endpoint(
    "message_batches", PATH, passing("claude_batches", look, unread, render_error=render_error), task="message_batch"
)
