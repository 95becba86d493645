"""THE request, top to bottom: admit (which holds) -> first answer -> deliver and settle. Start reading here."""

from __future__ import annotations

import asyncio
import logging

from openopen8.core.errors import Problem
from relay.admission import Call
from relay.attempts import first_answer
from relay.caller import Caller, Gone, Presence
from relay.delivery import deliver
from relay.gate import Gate
from relay.tab import LEFT, Tab

log = logging.getLogger("openopen8.relay")

_CALLER_LEFT = Problem(LEFT, "caller_left", "The caller left before the end of the answer.")
_GRACE = 5.0
"""Seconds beyond the total time limit for a caller that does not read."""


async def serve(gate: Gate, call: Call, caller: Caller) -> None:
    """Answer one chat request. Raises a Problem as long as nothing was sent, for the app to render."""
    grant = await gate.ledger.admit(call.ask)
    tab = Tab(gate, grant, call.began)
    try:
        async with asyncio.timeout(gate.settings.request_timeout + _GRACE), Presence(caller):
            answer = await first_answer(gate, call, grant, tab)
            await deliver(gate, call, grant, answer, caller, tab)
    except Gone:
        await tab.stop()
        await tab.settle(LEFT, _CALLER_LEFT)
        raise
    except Exception as error:
        problem = _problem(error, call)
        await tab.settle(200 if caller.started else problem.status, problem)
        raise problem from None
    finally:
        await tab.close()


def _problem(error: Exception, call: Call) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, TimeoutError):
        return Problem(504, "upstream_timeout", "The request took too long.")
    log.exception("request %s failed", call.ask.request_id)
    return failed()


def failed() -> Problem:
    """500: an error of ours; what it is stands in the server's own log."""
    return Problem(500, "internal_error", "The gateway failed. The request id helps to find out why.")
