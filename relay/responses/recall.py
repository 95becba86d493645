"""Puts what a request goes on from into it, or finds out which channel keeps that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.services import responses
from openopen8.core.services.responses import Kept
from openopen8.core.tools import Tools
from relay.formats.format import Glance
from relay.gate import Gate
from relay.incoming import Incoming
from relay.responses import compaction
from relay.responses.memory import Memory
from relay.responses.wish import Fields, items_of, wish_of


class Recalled(msgspec.Struct, frozen=True):
    """The request's memory, and its body where that is another one now."""

    memory: Memory
    body: bytes | None = None


async def recall(gate: Gate, request: Incoming, glance: Glance) -> Recalled:
    """Raises a Problem, which is judged in its place, or what speaks against the key."""
    wish, given = wish_of(glance.fields), items_of(glance.fields)
    if request.route.endpoint is not None:
        wish = msgspec.structs.replace(wish, store=False)
    sought = wish.previous or wish.conversation
    compacted = compaction.holds(glance.fields.get("input"))
    if not sought and not compacted:
        return Recalled(Memory(gate, wish, given))
    holder = await gate.ledger.knock(request.ask())
    if not sought:
        return await _opened(gate, request, holder.user_id, Memory(gate, wish, given), glance.fields, given)
    days = gate.ledger.snapshot.options.response_retention_days
    chain = await asyncio.to_thread(responses.chain, gate.tools, holder.user_id, sought, days)
    if not chain or (wish.conversation and chain[-1].ours):
        raise _unknown(sought, "conversation" if wish.conversation else "previous_response_id", days)
    # whose and which they are, without their contents: a stream may last long
    memory = Memory(gate, wish, given, [msgspec.structs.replace(row, sealed=row.sealed and b"") for row in chain])
    if not memory.ours:
        if compacted:
            return await _opened(gate, request, holder.user_id, memory, glance.fields, given)
        return Recalled(memory)
    body = await asyncio.to_thread(_expanded, gate.tools, chain, glance.fields, given)
    if len(body) > gate.settings.max_body_bytes:
        told = "The conversation has grown larger than a request may be. Begin a new one."
        raise Problem(400, "context_length_exceeded", told, "previous_response_id")
    request.kept.take(len(body))
    return Recalled(memory, body)


def _expanded(tools: Tools, chain: Sequence[Kept], fields: Fields, given: list[msgspec.Raw]) -> bytes:
    """The request with everything that was said before it."""
    items: list[msgspec.Raw] = []
    for row in chain:
        content = responses.opened(tools, row)
        items += [*content.input, *output_of(content.response)]
    rest = {name: raw for name, raw in fields.items() if name not in ("previous_response_id", "input")}
    said = compaction.opened(tools.keyring, chain[-1].user_id, [*items, *given])
    return msgspec.json.encode({**rest, "input": said})


async def _opened(
    gate: Gate, request: Incoming, user_id: int, memory: Memory, fields: Fields, given: list[msgspec.Raw]
) -> Recalled:
    """The request with the summaries that its compaction items hold."""
    said = await asyncio.to_thread(compaction.opened, gate.tools.keyring, user_id, given)
    body = msgspec.json.encode({**fields, "input": said})
    request.kept.take(len(body))
    return Recalled(memory, body)


class _Output(msgspec.Struct, gc=False):
    output: list[msgspec.Raw] = []


_output = msgspec.json.Decoder(_Output).decode


def output_of(response: msgspec.Raw) -> list[msgspec.Raw]:
    """The items of an answer."""
    return _output(response).output


def _unknown(id: str, param: str, days: int) -> Problem:
    """400, OpenAI's own code: clients that know it send the whole conversation instead."""
    if param == "conversation":
        return Problem(400, "conversation_not_found", f"Conversation with id '{id[:200]}' not found.", param)
    told = f"Previous response with id '{id[:200]}' not found."
    if not days:
        told += " This server keeps no answers: send the whole conversation as input."
    return Problem(400, "previous_response_not_found", told, param)
