"""What a request means: its body is read and looked at, and what it goes on from, or is in truth, is found out."""

from __future__ import annotations

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Ask
from relay.admission import Call, looked_at
from relay.form import is_form
from relay.formats.format import Glance
from relay.gate import Gate
from relay.incoming import Incoming
from relay.intake import read_body
from relay.responses.films import film_route
from relay.responses.memory import Memory
from relay.responses.recall import recall
from relay.responses.summary import summary_route
from relay.upload import read_upload


async def call_of(gate: Gate, request: Incoming) -> Call:
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
    if glance is None:
        await gate.ledger.admit(ask)  # raises
        raise RuntimeError("a request with a problem was admitted")
    return Call(
        request.route, ask, body, glance, request.array, request.began, request.beta, request.kept, request.upload
    )


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
    return Call(
        request.route, ask, body, glance, request.array, request.began, request.beta, request.kept,
        memory=memory,
    )  # fmt: skip
