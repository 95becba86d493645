"""Files that a chat names by their ids: its user's own, all in one place, and the request goes there alone.

Looked for only where such ids mean something: in parts of turns (see ``Glance``), tools and prompts. Sources:
https://platform.openai.com/docs/guides/pdf-files, /guides/images-vision, /guides/tools-code-interpreter
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules.routing import ENDPOINTS, Candidates
from openopen8.core.services import tasks
from relay.formats.fields import typed
from relay.formats.format import Glance
from relay.gate import Gate
from relay.incoming import Incoming
from relay.routes import Place, Route
from relay.tasks.submission import pinned

MOST = 100
"""Files of one request."""

_decode = msgspec.json.Decoder().decode


async def pinned_to_files(gate: Gate, request: Incoming, glance: Glance) -> Route:
    """The route to the files that a request names, or as it was. A Problem is logged as it is raised."""
    try:
        ids = tuple(dict.fromkeys((*glance.files, *_aside(glance))))
        return replace(request.route, pinned=await _place_of(gate, request, ids)) if ids else request.route
    except Problem as problem:
        if problem.status == 400:
            await gate.ledger.admit(request.ask(problem))  # raises
        raise


async def _place_of(gate: Gate, request: Incoming, ids: Sequence[str]) -> Place:
    """Channel and key. Raises Problem 400."""
    if len(ids) > MOST:
        raise Problem(400, "invalid_request", f"A request may name at most {MOST} files.", "file_id")
    holder = await gate.ledger.knock(request.ask())
    plain = [id for id in ids if len(id) <= 64 and id.isprintable()]  # no other can stand in the database
    found = await asyncio.to_thread(tasks.files, gate.tools, holder.user_id, plain)
    known = {file.id: (file.channel_id, file.key_id) for file in found}
    for id in ids:
        if id not in known:
            told = f"You have no file with id '{id[:64]}' here. Upload it to this gateway: POST /v1/files."
            raise Problem(400, "file_not_found", told, "file_id")
    places = set(known.values())
    if len(places) > 1:
        told = "The files of this request lie at different channels. Upload them again under one model (field model)."
        raise Problem(400, "files_apart", told, "file_id")
    return places.pop()


def holding(providers: Candidates, place: Place, model: str) -> Candidates:
    """The channel and key that hold the files. Raises Problem 400 where they do not serve the model."""
    try:
        found = pinned(providers, place)
    except Problem:
        found = Candidates()
    if not any("files" in ENDPOINTS.get(provider.type, frozenset()) for provider in found):
        told = f"The files of this request lie at a channel that does not serve model {model!r} now. "
        told += "Name a model that it serves, or send the files themselves."
        raise Problem(400, "file_elsewhere", told, "file_id")
    return found


def _aside(glance: Glance) -> Iterator[str]:
    """Ids that stand in no turn; the fields are read only where they may hold one. Raises Problem 400."""
    for name, read in (("tools", _of_tools), ("prompt", _of_prompt)):
        raw = bytes(glance.fields.get(name, b""))
        # a name may be written with escapes, too
        if b"file_id" in raw or b"\\u00" in raw:
            yield from (id for id in read(typed(glance.fields[name], _decode, name)) if isinstance(id, str) and id)


def _of_tools(tools: object) -> Iterator[object]:
    for tool in _dicts(tools):
        for container in _dicts(tool.get("container")):
            ids = container.get("file_ids")
            yield from ids if isinstance(ids, list) else ()
        yield from (mask.get("file_id") for mask in _dicts(tool.get("input_image_mask")))


def _of_prompt(prompt: object) -> Iterator[object]:
    for told in _dicts(prompt):
        variables = told.get("variables")
        values = list(variables.values()) if isinstance(variables, dict) else []
        yield from (value.get("file_id") for value in _dicts(values))


def _dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a list, or the one object."""
    found = value if isinstance(value, list) else [value]
    return [item for item in found if isinstance(item, dict)]
