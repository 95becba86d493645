"""``/v1/responses/{id}``: an answer is read again, cancelled or deleted, here or at the vendor that keeps it.

Source: https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from openopen8.core.errors import Problem, invalid
from openopen8.core.services import responses
from openopen8.core.services.responses import Kept
from relay.caller import AsgiCaller, Scope
from relay.formats.openai_responses.output import item_id
from relay.gate import Gate
from relay.incoming import Incoming
from relay.responses.elsewhere import Elsewhere
from relay.responses.films import about
from relay.responses.recall import output_of
from relay.tasks.response import task_id

_JSON = (b"content-type", b"application/json")
_LIMIT = 20
_MOST = 100

Query = list[tuple[str, str]]

_item = msgspec.json.Decoder(dict[str, Any]).decode
_KINDS = {"message": "msg", "function_call": "fc", "reasoning": "rs", "custom_tool_call": "ctc"}


def query_of(scope: Scope) -> Query:
    """The request's query; names with ``[]`` as official clients write lists."""
    pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return [(name, value) for name, value in pairs if name != "key"]


async def look_up(gate: Gate, caller: AsgiCaller, request: Incoming, query: Query) -> None:
    """Answer one request about an answer; only its own user's are known."""
    listing = await gate.ledger.identify(request.ask())
    days, id = listing.snapshot.options.response_retention_days, request.route.id
    if task_id(id):
        return _reply(caller, await about(gate, listing.holder.user_id, request.route, dict(query)))
    row = await asyncio.to_thread(responses.find, gate.tools, listing.holder.user_id, id, days)
    if row is None:
        raise _unknown(id)
    if row.ours:
        _reply(caller, await asyncio.to_thread(_here, gate, request, row, days, dict(query)))
    else:
        await Elsewhere(gate, listing.snapshot, row).pass_on(request.route, query, caller)


def _here(gate: Gate, request: Incoming, row: Kept, days: int, query: dict[str, str]) -> bytes:
    path, method = request.route.path, request.route.method
    if path.endswith("/cancel"):
        raise invalid("Cannot cancel a synchronous response.")
    if method == "DELETE":
        responses.delete(gate.tools, row.user_id, row.id)
        return msgspec.json.encode({"id": row.id, "object": "response", "deleted": True})
    if path.endswith("/input_items"):
        return _page(_items(gate, row, days), query)
    if query.get("stream") == "true":
        raise invalid("This response was not made in the background: it can't be streamed again.", "stream")
    return bytes(responses.opened(gate.tools, row).response)


def _items(gate: Gate, row: Kept, days: int) -> list[dict[str, Any]]:
    """All that this answer was asked, earlier turns included, oldest first; every item has an id."""
    chain = responses.chain(gate.tools, row.user_id, row.id, days) or [row]
    found: list[dict[str, Any]] = []
    for one in chain:
        content = responses.opened(gate.tools, one)
        raws = content.input if one.id == row.id else [*content.input, *output_of(content.response)]
        found += [_named(_item(raw), one.id, at) for at, raw in enumerate(raws)]
    return found


def _named(item: dict[str, Any], response: str, at: int) -> dict[str, Any]:
    kind = item.setdefault("type", "message")
    if isinstance(item.get("content"), str) and kind == "message":
        said = "output_text" if item.get("role") == "assistant" else "input_text"
        item["content"] = [{"type": said, "text": item["content"]}]
    if not item.get("id"):
        item["id"] = item_id(_KINDS.get(kind, "item"), f"{response}in", at)
    return item


def _page(items: list[dict[str, Any]], query: dict[str, str]) -> bytes:
    limit = query.get("limit", str(_LIMIT))
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= _MOST:
        raise invalid(f"limit must be a whole number from 1 to {_MOST}.", "limit")
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise invalid("order must be asc or desc.", "order")
    items = items if order == "asc" else items[::-1]
    if after := query.get("after"):
        at = next((at for at, item in enumerate(items) if item["id"] == after), None)
        if at is None:
            raise invalid(f"There is no item {after[:200]!r}.", "after")
        items = items[at + 1 :]
    page = items[: int(limit)]
    ids = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
    return msgspec.json.encode({"object": "list", "data": page, **ids, "has_more": len(items) > len(page)})


def _unknown(id: str) -> Problem:
    return Problem(404, "response_not_found", f"Response with id '{id}' not found.")


def _reply(caller: AsgiCaller, body: bytes) -> None:
    caller.start(200, (_JSON, (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")))
    caller.finish(body)
