"""From a request that has come in to a call that can be served.

Its body is read and looked at; what it goes on from, which files it names, or what it is in truth, is found out.
"""

from __future__ import annotations

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Ask
from relay.admission import Call, looked_at
from relay.endpoints.files import UserFile
from relay.form import is_form
from relay.formats.format import Glance
from relay.gate import Gate
from relay.incoming import Incoming
from relay.intake import read_body
from relay.mentions import pinned_to_files
from relay.responses.films import film_route
from relay.responses.memory import Memory
from relay.responses.recall import recall
from relay.responses.summary import summary_route
from relay.tasks.harbour import model_for_files
from relay.upload import read_upload


async def received(gate: Gate, request: Incoming) -> Call:
    """The request, read and looked at; what is wrong with it is judged (and logged) in its place."""
    glance, body, form = None, b"", None
    try:
        if request.content_type and is_form(request.content_type):
            form = await read_upload(gate, request)
        else:
            body = await read_body(gate, request)
    except Problem as problem:
        if problem.status not in (400, 408, 413):
            raise
        ask = request.ask(problem)
    else:
        ask, glance = await looked_at(request, body, form)
        if glance is not None and request.route.recalls:
            film = await film_route(gate, request, glance.model)
            if film is None:
                return await _recalled(gate, request, ask, glance, body)
            request.route = film
            ask, glance = await looked_at(request, body)
        if form is not None and isinstance(glance, UserFile) and not glance.model:
            ask, glance = await _harboured(gate, request, ask, glance)
    if glance is None:
        await gate.ledger.admit(ask)  # raises
        raise RuntimeError("a request with a problem was admitted")
    route = request.route
    if glance.files:
        route = await pinned_to_files(gate, request, glance)
    return Call(route, ask, body, glance, request.array, request.began, request.beta, request.kept, request.upload)


async def _recalled(gate: Gate, request: Incoming, ask: Ask, glance: Glance, body: bytes) -> Call:
    """A request to the Responses API, with what it goes on from."""
    try:
        recalled = await recall(gate, request, glance)
    except Problem as problem:
        if problem.status != 400:
            raise
        await gate.ledger.admit(request.ask(problem))  # raises
        raise
    memory: Memory | None = recalled.memory
    body = recalled.body or body
    if (summary := await summary_route(gate, request, glance.model)) is not None:
        request.route, memory = summary, None
    if recalled.body is not None or summary is not None:
        ask, seen = await looked_at(request, body)
        if seen is None:
            await gate.ledger.admit(ask)  # raises
        glance = seen or glance
    route = request.route
    if route.endpoint is None and (glance.files or glance.tools or "prompt" in glance.fields):
        route = await pinned_to_files(gate, request, glance)
    return Call(route, ask, body, glance, request.array, request.began, request.beta, request.kept, memory=memory)


async def _harboured(gate: Gate, request: Incoming, ask: Ask, file: UserFile) -> tuple[Ask, Glance]:
    """A file whose caller has named no model, under one that leads to a channel for it."""
    try:
        model = model_for_files(await gate.ledger.identify(request.ask()), gate.tools.now())
    except Problem as problem:
        await gate.ledger.admit(request.ask(problem))  # raises
        raise
    return msgspec.structs.replace(ask, model=model), msgspec.structs.replace(file, model=model)
