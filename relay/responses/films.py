"""``/v1/responses`` for models that make videos: which requests these are, and what is asked about such an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from openopen8.core.errors import Problem, invalid
from openopen8.core.models import Task
from openopen8.core.rules import suffixes
from openopen8.core.rules.routing import ENDPOINTS, candidates
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services import tasks
from relay.endpoints.filmed import FILMED
from relay.gate import Gate
from relay.incoming import Incoming
from relay.planning import upstream_model
from relay.probe_questions import films
from relay.routes import RESPONSES, Route
from relay.tasks.asked import remove
from relay.tasks.response import response, task_id

_FILMING = frozenset(type for type, abilities in ENDPOINTS.items() if "videos" in abilities)


async def film_route(gate: Gate, request: Incoming, model: str) -> Route | None:
    """The route that makes a video of a request for ``model``; None where the model chats, or is not known.

    A channel type that can do both goes by the provider's name of the model.
    """
    route = request.route
    if route.format is not RESPONSES or _chats(gate.ledger.snapshot, model):
        return None  # nearly all
    try:
        who = await gate.ledger.identify(request.ask())
    except Problem:
        return None  # judged and logged in its place
    able = candidates(who.snapshot, who.group.id, model, FILMED.ability or FILMED.name)
    chatting = candidates(who.snapshot, who.group.id, model, "chat")
    if not able or not all(films(p.type, upstream_model(p, model)) for p in chatting):
        return None
    return replace(route, operation="call", format=FILMED.format, endpoint=FILMED)


def _chats(snapshot: Snapshot, model: str) -> bool:
    """True for a model of channels that make no videos; the snapshot may be too old to know it at all."""
    meant = suffixes.meant(model, snapshot)
    types = {provider.type for provider in snapshot.providers if meant in provider.models}
    return bool(types) and types.isdisjoint(_FILMING)


async def about(gate: Gate, user_id: int, route: Route, query: Mapping[str, str]) -> bytes:
    """The answer to one question about a video that was asked for here."""
    task = await asyncio.to_thread(tasks.find, gate.tools, user_id, task_id(route.id)[:64], "video")
    if task is None or "response" not in task.request:
        raise Problem(404, "response_not_found", f"Response with id '{route.id}' not found.")
    if route.method == "DELETE":
        await remove(gate, task)
        return msgspec.json.encode({"id": route.id, "object": "response", "deleted": True})
    if route.path.endswith("/input_items"):
        raise invalid("What a video was asked for with is not kept.")
    if route.path.endswith("/cancel"):
        _check_cancel(task)
    if query.get("stream") == "true":
        raise invalid("A video can't be streamed again. Ask without stream.", "stream")
    return msgspec.json.encode(response(task))


def _check_cancel(task: Task) -> None:
    """What has ended is shown as it is; no provider stops a video that it makes."""
    if not task.request["response"].get("background"):
        raise invalid("Cannot cancel a synchronous response.")
    if task.state not in tasks.ENDED:
        raise Problem(409, "not_ready", "The video is in the making, which no provider stops. It is charged.")
