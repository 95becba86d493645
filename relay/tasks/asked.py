"""What callers ask about tasks of theirs: how far is it, which are there, give me the result, forget it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl

import msgspec

from openopen8.core.errors import Problem, invalid, not_found
from openopen8.core.models import Task
from openopen8.core.services import tasks
from openopen8.core.services.ledger import Listing
from relay.caller import Caller
from relay.endpoints.endpoint import value
from relay.endpoints.videos import remix_of
from relay.gate import Gate
from relay.incoming import Incoming
from relay.intake import read_body
from relay.probe import stored
from relay.routes import Route
from relay.splice import top_level
from relay.tasks import VENDORS
from relay.tasks.content import deliver
from relay.tasks.errands import outgoing
from relay.tasks.shown import listing as listing_of
from relay.tasks.shown import shown
from relay.tasks.vendor import Errand, Vendor
from relay.upstream import Failure, Outgoing

OPERATIONS = frozenset({"task", "tasks", "task_content", "task_removal"})
_JSON = (b"content-type", b"application/json")
MOST = 100
"""Tasks on one page of a list."""


async def answer(
    gate: Gate, caller: Caller, request: Incoming, who: Listing, query: bytes, headers: Mapping[bytes, bytes]
) -> None:
    """Answer one question; raises a Problem."""
    route = request.route
    asked = dict(parse_qsl(query.decode("latin-1")))
    if route.operation == "tasks":
        return _reply(caller, await _listed(gate, who, asked))
    task = await _of_user(gate, who.holder.user_id, route.subject or await _named(gate, request))
    if route.operation == "task_content":
        return await _content(gate, caller, task, asked.get("variant", "video"), headers)
    if route.operation == "task_removal":
        return _reply(caller, await _removed(gate, task))
    assert route.endpoint is not None
    _reply(caller, shown(route.endpoint.task, task))


async def continued(gate: Gate, request: Incoming) -> Route:
    """The route of a request that makes a new task of an old one: it goes where that one was made."""
    who = await gate.ledger.identify(request.ask())
    task = await _of_user(gate, who.holder.user_id, request.route.subject)
    if task.state != "succeeded" or task.form not in ("openai", "sora"):
        raise invalid("Only a completed video of a provider that knows remixes can be remixed.", "id")
    endpoint, place = remix_of(task), (task.channel_id, task.key_id)
    return replace(request.route, operation="call", format=endpoint.format, endpoint=endpoint, pinned=place)


async def _named(gate: Gate, request: Incoming) -> str:
    """The id in the body, where the path has none."""
    try:
        return str(value(top_level(await read_body(gate, request)), "task_id") or "")
    finally:
        request.kept.give_back()


async def _of_user(gate: Gate, user_id: int, id: str) -> Task:
    task = await asyncio.to_thread(tasks.find, gate.tools, user_id, id[:64])
    if task is None:
        raise not_found("The video")
    return task


async def _listed(gate: Gate, who: Listing, asked: Mapping[str, str]) -> bytes:
    limit = asked.get("limit", "20")
    if not limit.isdigit() or not 1 <= int(limit[:5]) <= MOST:
        raise invalid(f"limit must be a number from 1 to {MOST}.", "limit")
    after, newest_first = asked.get("after", "")[:64], asked.get("order", "desc") != "asc"
    found = await asyncio.to_thread(
        tasks.listed, gate.tools, who.holder.user_id, "video", after, int(limit), newest_first
    )
    return listing_of(*found)


async def _content(gate: Gate, caller: Caller, task: Task, variant: str, headers: Mapping[bytes, bytes]) -> None:
    vendor = VENDORS.get(task.form)
    if vendor is None or variant not in vendor.variants:
        raise invalid(f"There is no {variant[:40]!r} of this video.", "variant")
    if task.state != "succeeded":
        raise Problem(
            409, "not_ready", "The video failed." if task.state == "failed" else "The video is not ready yet."
        )
    if vendor.content is not None:
        errand = vendor.content(task, variant)
    elif task.urls:
        errand = Errand("GET", task.urls[0])
    else:
        raise not_found("The video's content")
    await deliver(gate, caller, await _outgoing(gate, vendor, task, errand), headers)


async def _removed(gate: Gate, task: Task) -> bytes:
    """Here and, where it can be, at the provider's."""
    if task.state not in tasks.ENDED:
        raise Problem(409, "not_ready", "The video is still in the making: it can be deleted when that has ended.")
    vendor = VENDORS.get(task.form)
    if vendor is not None and vendor.remove is not None:
        try:
            sent = await gate.upstream.send(await _outgoing(gate, vendor, task, vendor.remove(task)))
            sent.close()
        except (Failure, Problem):
            raise Problem(502, "upstream_error", "The provider could not delete it. Try again.") from None
        if sent.status >= 500 or sent.status in (401, 403, 429):
            raise Problem(502, "upstream_error", "The provider could not delete it. Try again.")
    await asyncio.to_thread(tasks.remove, gate.tools, task.id)
    return msgspec.json.encode({"id": task.id, "object": "video.deleted", "deleted": True})


async def _outgoing(gate: Gate, vendor: Vendor, task: Task, errand: Errand) -> Outgoing:
    """The errand in the name of the channel that has the task."""
    provider, _ = await asyncio.to_thread(stored, gate.tools, task.channel_id, task.key_id)
    if not provider.keys:
        raise not_found("The video's channel")
    tools = gate.tools
    return outgoing(tools.keyring, provider, provider.keys[0], vendor.authorize, errand, tools.now())


def _reply(caller: Caller, body: bytes) -> None:
    length = (b"content-length", b"%d" % len(body))
    caller.start(200, (_JSON, length, (b"cache-control", b"no-store")))
    caller.finish(body)
