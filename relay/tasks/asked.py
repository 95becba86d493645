"""What callers ask about tasks of theirs: how far is it, which are there, give me the result, forget it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from openopen8.core.errors import Problem, invalid, not_found
from openopen8.core.models import Task
from openopen8.core.services import tasks
from openopen8.core.services.ledger import Listing
from relay.caller import Caller
from relay.endpoints.endpoint import Endpoint, value
from relay.endpoints.paper import BATCHES, batch_of
from relay.endpoints.videos import remix_of
from relay.formats.vendor import message_of
from relay.gate import Gate
from relay.incoming import Incoming
from relay.intake import read_body
from relay.routes import Route
from relay.splice import top_level
from relay.tasks import VENDORS, gemini_batches, message_batches, papers
from relay.tasks.batching import BATCHINGS
from relay.tasks.content import deliver
from relay.tasks.errands import answered
from relay.tasks.place import Place, place_of
from relay.tasks.shown import listing as listing_of
from relay.tasks.shown import shown
from relay.tasks.vendor import Errand, whole_number
from relay.upstream import Failure

OPERATIONS = frozenset({"task", "tasks", "task_content", "task_removal", "task_cancel"})
_JSON = (b"content-type", b"application/json")
MOST = 100
"""Tasks on one page of a list."""
_Write = Callable[[list[Task], bool], bytes]
_LISTS: dict[str, tuple[tuple[str, str], int, _Write]] = {
    "message_batch": (("limit", "after_id"), 1_000, message_batches.listing),
    "gemini_batch": (("pageSize", "pageToken"), 1_000, gemini_batches.listing),
}
"""Lists that are not OpenAI's: their words for length and place, the longest page, how it is written."""


async def answer(
    gate: Gate, caller: Caller, request: Incoming, who: Listing, query: bytes, headers: Mapping[bytes, bytes]
) -> None:
    """Answer one question; raises a Problem."""
    route, asked = request.route, dict(parse_qsl(query.decode("latin-1")))
    assert route.endpoint is not None
    view = route.endpoint.task
    if route.operation == "tasks":
        return _reply(caller, await _listed(gate, who, view, asked))
    task = await _of_user(gate, who, _kind(view), route.subject or await _named(gate, request, "task_id"))
    if view in VENDORS and task.form != view:
        raise not_found("The task")  # it is of another vendor, whose words are others
    if route.operation == "task_content":
        return await _content(gate, caller, task, asked.get("variant", "video"), headers)
    if route.operation == "task_removal":
        await remove(gate, task)
        return _reply(caller, msgspec.json.encode(_deleted(task)))
    if route.operation == "task_cancel":
        task = await _cancelled(gate, task)
        told = BATCHINGS[task.kind].told
        return _reply(caller, shown(view, task) if told is None else msgspec.json.encode(told(task)))
    _reply(caller, await _with_results(gate, task) or shown(view, task))


async def continued(gate: Gate, request: Incoming) -> Route:
    """The route of a request that makes a new task of an old one, or of a file: it goes where that one is."""
    who = await gate.ledger.identify(request.ask())
    if request.route.endpoint is BATCHES:
        file = await _of_user(gate, who, "file", await _named(gate, request, "input_file_id", "input_file_id"))
        return _pinned(request.route, batch_of(file), file)
    task = await _of_user(gate, who, "video", request.route.subject)
    if task.state != "succeeded" or task.form not in ("openai", "sora"):
        raise invalid("Only a completed video of a provider that knows remixes can be remixed.", "id")
    return _pinned(request.route, remix_of(task), task)


def _pinned(route: Route, endpoint: Endpoint, task: Task) -> Route:
    place = (task.channel_id, task.key_id)
    return replace(route, operation="call", format=endpoint.format, endpoint=endpoint, pinned=place)


def _kind(view: str) -> str:
    return view if view in ("file", *tasks.BATCHES) else "video"


def _deleted(task: Task) -> dict[str, Any]:
    of = BATCHINGS.get(task.kind)
    if of is not None and of.deleted is not None:
        return of.deleted(task)
    return {"id": task.id, "object": "file" if task.kind == "file" else "video.deleted", "deleted": True}


async def _named(gate: Gate, request: Incoming, field: str, param: str | None = None) -> str:
    """The id in the body, where the path has none; the body can be read again."""
    body = await read_body(gate, request)
    request.kept.give_back()

    async def again() -> tuple[bytes, bool]:
        return body, False

    request.part, request.here = again, True
    found = value(top_level(body), field)
    if not isinstance(found, str) or not found:
        raise invalid(f"{field} is missing.", param)
    return found


async def _of_user(gate: Gate, who: Listing, kind: str, id: str) -> Task:
    task = await asyncio.to_thread(tasks.find, gate.tools, who.holder.user_id, id[:64], kind)
    if task is None:
        raise not_found(f"The {kind}")
    return task


async def _listed(gate: Gate, who: Listing, view: str, asked: Mapping[str, str]) -> bytes:
    names, most, write = _LISTS.get(view, (("limit", "after"), MOST, partial(listing_of, view)))
    limit = whole_number(asked.get(names[0]), 20, names[0], most)
    before = asked.get("before_id", "") if view == "message_batch" else ""
    newest_first = asked.get("order", "desc") != "asc" and not before
    at, user, kind = (before or asked.get(names[1], ""))[:64], who.holder.user_id, _kind(view)
    found, more = await asyncio.to_thread(tasks.listed, gate.tools, user, kind, at, limit, newest_first)
    return write(found[::-1] if before else found, more)


async def _with_results(gate: Gate, task: Task) -> bytes | None:
    """An ended batch as its provider shows it now; None where results stand elsewhere, or there are none any more."""
    live = BATCHINGS[task.kind].live if task.kind in BATCHINGS and task.state == "succeeded" else None
    if live is None:
        return None
    fields = await _done(gate, await _place(gate, task), BATCHINGS[task.kind].look(task))
    return msgspec.json.encode(live(task, fields)) if fields else None


async def _content(gate: Gate, caller: Caller, task: Task, variant: str, headers: Mapping[bytes, bytes]) -> None:
    place = await _place(gate, task)
    vendor = place.vendor
    if task.kind == "file":
        return await deliver(gate, caller, place, papers.content(task.upstream_id), headers)
    if task.kind in tasks.BATCHES:
        errand = BATCHINGS[task.kind].output(task, task.answer or {})
        if task.state != "succeeded" or errand is None:
            raise Problem(409, "not_ready", "The batch has no results yet. Ask for it until it has ended.")
        return await deliver(gate, caller, place, errand, headers)
    if variant not in vendor.variants:
        raise invalid(f"There is no {variant[:40]!r} of this video.", "variant")
    if task.state != "succeeded":
        told = "The video failed." if task.state == "failed" else "The video is not ready yet."
        raise Problem(409, "not_ready", told)
    if vendor.content is not None:
        errand = vendor.content(task, variant)
    elif task.urls:
        errand = Errand("GET", task.urls[0])
    else:
        raise not_found("The video's content")
    await deliver(gate, caller, place, errand, headers)


async def _place(gate: Gate, task: Task) -> Place:
    """Where the task is; 404 where that is there no more."""
    try:
        return await place_of(gate.tools, task)
    except Failure:
        raise not_found("The channel") from None


async def remove(gate: Gate, task: Task) -> None:
    """Here and, where it can be, at the provider's."""
    if task.state not in tasks.ENDED:
        told = "The video is still in the making" if task.kind == "video" else "The batch is still running"
        raise Problem(409, "not_ready", f"{told}: it can be deleted when that has ended.")
    place = await _place(gate, task)
    remove = papers.remove if task.kind == "file" else place.vendor.remove
    if remove is not None:
        await _done(gate, place, remove(task))
    await asyncio.to_thread(tasks.remove, gate.tools, task.id)


async def _cancelled(gate: Gate, task: Task) -> Task:
    """Asks the provider to stop a batch; what it has done by then is charged when it has ended."""
    if task.state in tasks.ENDED:
        raise Problem(409, "not_ready", "The batch has ended.")
    of = BATCHINGS[task.kind]
    fields = await _done(gate, await _place(gate, task), of.cancel(task))
    if of.told is not None:
        return task
    if not fields:
        raise not_found("The batch")
    news = replace(of.news(fields), state="running")  # its end is the polling's to tell
    return await asyncio.to_thread(tasks.heard, gate.tools, task.id, news, gate.tools.now()) or task


async def _done(gate: Gate, place: Place, errand: Errand) -> dict[str, Any]:
    """The provider's answer; a thing that it does not know any more is as good as deleted."""
    try:
        status, fields = await answered(gate.upstream, place.sent(errand))
    except Failure:
        status, fields = 502, {}
    if status in (400, 409):
        raise Problem(status, "invalid_request", message_of(fields) or "The provider refuses it.")
    if 200 <= status < 300:
        return fields
    if status in (404, 410):
        return {}
    raise Problem(502, "upstream_error", "The provider could not do it. Try again.")


def _reply(caller: Caller, body: bytes) -> None:
    length = (b"content-length", b"%d" % len(body))
    caller.start(200, (_JSON, length, (b"cache-control", b"no-store")))
    caller.finish(body)
