"""The answer goes to the caller: settled before its end is sent, so that what a caller holds complete is charged."""

from __future__ import annotations

import asyncio
import logging

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Grant
from openopen8.core.services.ledger import Settled
from relay import verdict
from relay.admission import Call
from relay.attempts import Begun, Whole
from relay.caller import Caller, Pairs, Presence
from relay.gate import Gate
from relay.metering import StreamMeter
from relay.tab import Tab
from relay.upstream import Failure

log = logging.getLogger("openopen8.relay")

_JSON = (b"content-type", b"application/json")
_SSE = (b"content-type", b"text/event-stream; charset=utf-8")
_STREAMED = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


async def deliver(
    gate: Gate, call: Call, grant: Grant, answer: Whole | Begun, caller: Caller, tab: Tab, presence: Presence
) -> None:
    """Send the answer and settle it."""
    if isinstance(answer, Whole):
        await _whole(grant, answer, caller, tab)
    else:
        await _stream(gate, call, answer, caller, tab, presence)


async def _whole(grant: Grant, answer: Whole, caller: Caller, tab: Tab) -> None:
    settled = await tab.settle(200)
    length = (b"content-length", b"%d" % len(answer.body))
    caller.start(200, (_JSON, length, *_told(grant, answer), *_charged(settled)))
    caller.finish(answer.body)


async def _stream(gate: Gate, call: Call, answer: Begun, caller: Caller, tab: Tab, presence: Presence) -> None:
    grant, stream, tap = tab.grant, answer.stream, answer.stream.tap
    tab.meter = meter = StreamMeter(grant, stream, tab, call.began)
    meter.input_tokens = await tab.input_tokens()
    gate.ledger.track(grant.ask.request_id, meter)
    caller.start(200, (_JSON if call.array else _SSE, *_STREAMED, *_told(grant, answer)))
    call.forget()
    stream.attach(caller)
    problem = await _passed_on(call, answer, presence)
    measured = tab.measured = meter.measured(complete=problem is None)
    # rendered before it is charged: what only the ending loses belongs into the log, too
    ending = tap.end(measured.usage()) if problem is None else tap.fail(problem)
    await tab.settle(200, problem)
    caller.finish(ending)


async def _passed_on(call: Call, answer: Begun, presence: Presence) -> Problem | None:
    """Wait until the stream is over; returns what went wrong."""
    try:
        await answer.stream.ended()
    except asyncio.CancelledError:
        if not (presence.late and presence.owns()):
            raise
        return Problem(504, "upstream_timeout", "The request took too long.")
    except Failure as failure:
        return verdict.problem_of(failure)
    except Exception:
        log.exception("request %s failed in the middle of its stream", call.ask.request_id)
        return Problem(500, "internal_error", "The gateway failed. The request id helps to find out why.")
    error = answer.stream.tap.error
    return Problem(502, "upstream_error", error.message) if error else None


def _told(grant: Grant, answer: Whole | Begun) -> Pairs:
    """Headers that every answer carries: limits, what the provider said, what a conversion lost."""
    if not (grant.rate_headers or answer.losses):
        return answer.pairs
    pairs = [*answer.pairs, *pairs_of(grant.rate_headers)]
    if answer.losses:
        pairs.append((b"x-openopen8-loss", losses_header(answer.losses)))
    return pairs


def _charged(settled: Settled) -> Pairs:
    return ((b"x-openopen8-credits", b"%d" % settled.credits), (b"x-openopen8-remaining", b"%d" % settled.remaining))


def pairs_of(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as they go over the wire."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def losses_header(losses: tuple[str, ...]) -> bytes:
    """Names of lost fields as one header; names come from the caller's body, so anything odd is left out."""
    plain = ["".join(c for c in name if c.isascii() and c.isprintable() and c != ",")[:100] for name in losses[:50]]
    return ", ".join(name for name in plain if name).encode()
