"""THE request, top to bottom: admit (which holds) -> first answer -> deliver and settle. Start reading here."""

from __future__ import annotations

import asyncio
import logging

from openopen8.core.errors import Problem
from relay.admission import Call, admit
from relay.attempts import first_answer
from relay.caller import Caller, Gone, Presence
from relay.delivery import deliver
from relay.gate import Gate
from relay.tab import LEFT, Tab

log = logging.getLogger("openopen8.relay")

_CALLER_LEFT = Problem(LEFT, "caller_left", "The caller left before the end of its answer.")


async def serve(gate: Gate, call: Call, caller: Caller) -> None:
    """Answer one request. Raises a Problem as long as nothing was sent, for the app to render."""
    presence = Presence(caller, call.began + gate.settings.request_timeout)
    if call.route.endpoint is not None and call.route.endpoint.task:
        caller.attend(None)  # a provider that has accepted a task goes on with it, whoever has left
    gate.ticker.add(presence)
    tab: Tab | None = None
    try:
        tab = Tab(gate, await admit(gate, call), call.began)
        answer = await first_answer(gate, call, tab.grant, tab, presence)
        await deliver(gate, call, tab.grant, answer, caller, tab, presence)
    except asyncio.CancelledError:
        if not presence.owns():
            raise
        await _cut_short(presence, caller, tab)
    except Exception as error:
        if tab is None:
            raise
        await _failed(presence, caller, tab, _problem(error, call))
    finally:
        gate.ticker.discard(presence)
        caller.attend(None)
        if tab is not None:
            tab.close()


async def _failed(presence: Presence, caller: Caller, tab: Tab, problem: Problem) -> None:
    """Settle what came before ``problem`` and raise it; Gone when nobody waits for it any more."""
    try:
        await tab.settle(200 if caller.started else problem.status, problem)
    except asyncio.CancelledError:
        if not presence.owns():
            raise
        if presence.gone:
            raise Gone from None  # the settlement goes on by itself
    raise problem from None


async def _cut_short(presence: Presence, caller: Caller, tab: Tab | None) -> None:
    """The caller left, or its time is over; raises what the app is to know."""
    if presence.gone:
        if tab is not None:
            tab.stop()
            await tab.settle(LEFT, _CALLER_LEFT)
        raise Gone
    problem = Problem(504, "upstream_timeout", "The request took too long.")
    if tab is not None:
        tab.stop()
        await tab.settle(200 if caller.started else problem.status, problem)
    raise problem


def _problem(error: Exception, call: Call) -> Problem:
    if isinstance(error, Problem):
        return error
    log.exception("request %s failed", call.ask.request_id)
    return failed()


def failed() -> Problem:
    """500: an error of ours; what it is stands in the server's own log."""
    return Problem(500, "internal_error", "The gateway failed. The request id helps to find out why.")
