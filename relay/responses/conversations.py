"""``/v1/conversations``: made at a vendor that keeps conversations, and from then on asked for there.

Source: https://platform.openai.com/docs/api-reference/conversations
"""

from __future__ import annotations

import asyncio

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules.routing import Attempt, Candidates, plan
from openopen8.core.services import responses
from openopen8.core.services.ledger import Listing
from openopen8.core.services.responses import Kept
from relay import verdict
from relay.caller import AsgiCaller
from relay.gate import Gate
from relay.incoming import Incoming
from relay.intake import read_body
from relay.responses.elsewhere import CONVERSATIONS, Elsewhere, Query, accepted, asked
from relay.responses.memory import keeps_itself
from relay.responses.wish import nameable
from relay.upstream import LARGEST_ANSWER, Failure

_JSON = (b"content-type", b"application/json")


class _Made(msgspec.Struct, gc=False):
    id: str


_made = msgspec.json.Decoder(_Made).decode


async def converse(gate: Gate, caller: AsgiCaller, request: Incoming, query: Query) -> None:
    """Answer one request about a conversation; only its own user's are known. Nothing is charged: vendors don't."""
    listing = await gate.ledger.identify(request.ask())
    route = request.route
    given = await read_body(gate, request) if route.method == "POST" else b""
    try:
        if not route.id:
            body = await _begun(gate, listing, given)
        else:
            body = await _asked(gate, listing, request, query, given)
    except Failure as failure:
        raise verdict.problem_of(failure) from None
    finally:
        request.kept.give_back()
    caller.start(200, (_JSON, (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")))
    caller.finish(body)


async def _asked(gate: Gate, listing: Listing, request: Incoming, query: Query, given: bytes) -> bytes:
    id, _, rest = request.route.id.partition("/")
    days, user = listing.snapshot.options.response_retention_days, listing.holder.user_id
    row = await asyncio.to_thread(responses.find, gate.tools, user, id, days)
    if row is None or row.ours:
        raise Problem(404, "not_found", f"Conversation with id '{id}' not found.")
    method, part = request.route.method, f"/{rest}" if rest else ""
    answer = await Elsewhere(gate, listing.snapshot, row, CONVERSATIONS).ask(method, part, query, body=given)
    body = await answer.read(LARGEST_ANSWER)
    answer.close()
    if method == "DELETE" and not part:
        await asyncio.to_thread(responses.delete, gate.tools, user, id)
    return body


async def _begun(gate: Gate, listing: Listing, given: bytes) -> bytes:
    """A new one, at the first channel of the group that makes it; its row is there before its id is told."""
    attempt, body = await _made_somewhere(gate, listing, given)
    try:
        id = _made(body).id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        id = ""
    if not nameable(id):
        raise Failure("broken", "The provider's answer is no conversation.")
    holder, now = listing.holder, gate.tools.now()
    row = Kept(holder.user_id, id, holder.token_id, "", attempt.provider.id, attempt.key.id, None, now, None)
    await asyncio.to_thread(responses.save, gate.tools, row, ())
    return body


async def _made_somewhere(gate: Gate, listing: Listing, given: bytes) -> tuple[Attempt, bytes]:
    group, now = listing.group.id, gate.tools.now()
    providers = Candidates(provider for provider in listing.snapshot.providers if group in provider.groups)
    failures: list[Failure] = []
    for attempt in plan(providers, now, gate.random, gate.turns):
        if not keeps_itself(attempt) or len(failures) > listing.snapshot.options.retries:
            continue
        try:
            answer = await accepted(gate, await asked(gate, attempt, "POST", CONVERSATIONS, given))
            body = await answer.read(LARGEST_ANSWER)
            answer.close()
            return attempt, body
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise verdict.final(failures, providers, now)
    told = "No channel of this group keeps conversations. Send the whole conversation as input, or ask your admin."
    raise Problem(503, "no_available_channel", told, headers={"x-should-retry": "false"})
