"""A task begins: its request goes out in the vendor's form; what the vendor accepts is taken down before it is paid.

See docs/decisions/0032-video-tasks.md for what happens when a process dies between two of these steps.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import Any, Protocol

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.models import Task
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import Counts, Further, Price
from openopen8.core.rules.routing import Attempt, Candidates
from openopen8.core.services import tasks
from relay import verdict
from relay.admission import Call
from relay.endpoints.film import Film
from relay.endpoints.paper import Override, Paper
from relay.formats.format import Format, Glance
from relay.gate import Gate
from relay.metering import Measured
from relay.tasks import VENDORS
from relay.tasks.errands import read
from relay.tasks.paperwork import kept
from relay.tasks.shown import shown
from relay.tasks.vendor import Submission, Vendor
from relay.upstream import Answer, Failure


class Ready(Protocol):
    """What is known of the request that went out."""

    @property
    def format(self) -> Format: ...
    @property
    def upstream_model(self) -> str: ...
    @property
    def action(self) -> str: ...


def pinned(providers: Candidates, place: tuple[int, int]) -> Candidates:
    """The channel and key that hold what the request is about; all where it stands for itself."""
    channel_id, key_id = place
    if not channel_id:
        return providers
    found = next((provider for provider in providers if provider.id == channel_id), None)
    keys = tuple(key for key in found.keys if key.id == key_id) if found is not None else ()
    if found is None or not keys:
        told = "The channel that made this is switched off."
        raise Problem(503, "no_available_channel", told, None, {"x-should-retry": "false"})
    return Candidates((replace(found, keys=keys),))


async def check(gate: Gate, grant: Grant, asked: Glance) -> None:
    """Raises Problem for what would be given away."""
    if isinstance(asked, Film):
        _check_price(grant.price, asked)
    elif isinstance(asked, Paper) and asked.kind in tasks.BATCHES:
        await _check_owed(gate, grant)


async def _check_owed(gate: Gate, grant: Grant) -> None:
    """Batches are paid when they end, so those that run must not have used up by estimate what there is."""
    who = grant.holder
    owed, of_token = await asyncio.to_thread(tasks.owed, gate.tools, who.user_id, who.token_id)
    if owed and owed >= who.available:
        told = "The batches that run will need the whole balance of this account. Wait for their end, or top it up."
        raise Problem(403, "insufficient_user_quota", told)
    if of_token and who.left is not None and of_token >= who.left:
        told = f"The batches that run will need the rest of the quota of token {who.hint}. Wait for their end."
        raise Problem(403, "insufficient_token_quota", told)


def _check_price(price: Price, asked: Film) -> None:
    """A video has no tokens: a price that knows nothing else would give it away."""
    if price.per_call is None and not price.free and not dict(price.units).get("seconds"):
        told = f"Model {asked.model!r} has no price per second or call. Ask your admin to set one."
        raise Problem(400, "model_not_priced", told, "model")


def vendor_of(type: str) -> Vendor:
    """Whose API a channel type speaks; raises Failure."""
    vendor = VENDORS.get(type)
    if vendor is None:
        raise Failure("other", "The channel's type knows no videos.")
    return vendor


def submission(call: Call, vendor: Vendor, model: str, override: Override | None) -> Submission:
    """The request in the vendor's form. Raises Problem 400 for what it can't express."""
    asked = call.glance
    if isinstance(asked, Paper):
        return asked.submission(model, override, call.upload)
    assert isinstance(asked, Film)
    if asked.wish is not None:
        made = vendor.submit(asked.wish, model)
    else:
        assert vendor.native is not None
        made = vendor.native(call.body, asked.action, model)
    body = made.body
    assert isinstance(body, bytes)
    if override is not None:
        body = override(body)
    return msgspec.structs.replace(made, body=body if asked.picture is None else asked.picture.within(body))


async def begun(
    gate: Gate, call: Call, grant: Grant, attempt: Attempt, prepared: Ready, answer: Answer
) -> tuple[bytes, Measured | None]:
    """What the caller is told, and what it costs now. Raises Failure or Problem for what was not accepted."""
    vendor = vendor_of(attempt.provider.type)
    fields = await read(answer)
    if isinstance(call.glance, Paper):
        return await kept(gate, call, call.glance, grant, attempt, vendor.accepted(fields), fields)
    refusal = vendor.refused(fields)
    if refusal is not None:
        raise verdict.judged(refusal.status, {}, refusal.message.encode(), prepared.format, gate.tools.now())
    upstream_id = vendor.accepted(fields)
    if not upstream_id or len(upstream_id) > 256:
        raise Failure("broken", "The provider accepted the request but named no task.")
    task = _task(gate, call, grant, attempt, prepared, upstream_id, vendor.news(fields).answer)
    await asyncio.to_thread(tasks.add, gate.tools, task)
    assert call.route.endpoint is not None
    film = call.glance
    assert isinstance(film, Film)
    return shown(call.route.endpoint.task, task), Measured(Counts(), further=Further(units=dict(film.units)))


def _task(
    gate: Gate,
    call: Call,
    grant: Grant,
    attempt: Attempt,
    prepared: Ready,
    upstream_id: str,
    answer: dict[str, Any] | None,
) -> Task:
    film, now = call.glance, gate.tools.now()
    assert isinstance(film, Film)
    return Task(
        id=f"video_{secrets.token_hex(16)}",
        kind="video",
        user_id=grant.holder.user_id,
        token_id=grant.holder.token_id,
        channel_id=attempt.provider.id,
        key_id=attempt.key.id,
        request_id=call.ask.request_id,
        model=film.model,
        upstream_model=prepared.upstream_model,
        form=attempt.provider.type,
        upstream_id=upstream_id,
        action=prepared.action,
        request=_summary(film, call.route.subject),
        answer=answer,
        created_at=now,
        updated_at=now,
        poll_at=now + tasks.FIRST_LOOK,
        expires_at=now + tasks.LONGEST,
    )


def _summary(film: Film, subject: str) -> dict[str, Any]:
    """What was asked for, but for the prompt and pictures."""
    found: dict[str, Any] = {"seconds": film.seconds}
    wish = film.wish
    if wish is not None and wish.width and wish.height:
        found["size"] = f"{wish.width}x{wish.height}"
    if wish is not None:
        found |= {name: value for name in ("resolution", "ratio") if (value := getattr(wish, name))}
    if subject:
        found["remixed_from"] = subject
    if film.repeated is not None:
        found["response"] = film.repeated
    return found
