"""The answer goes to the caller: settled before its end is sent, so that what a caller holds complete is charged."""

from __future__ import annotations

import asyncio
import logging

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Grant
from openopen8.core.services.ledger import Settled
from relay import verdict
from relay.admission import Call
from relay.attempts import Begun, Whole, deadline
from relay.caller import Caller, Gone
from relay.gate import Gate
from relay.metering import StreamMeter
from relay.streaming import Streaming
from relay.tab import Tab
from relay.upstream import Failure

log = logging.getLogger("openopen8.relay")

SSE_TYPE = "text/event-stream; charset=utf-8"
COMMENT = b": keep-alive\n\n"

Pairs = list[tuple[str, str]]


async def deliver(gate: Gate, call: Call, grant: Grant, answer: Whole | Begun, caller: Caller, tab: Tab) -> None:
    """Send the answer and settle it."""
    if isinstance(answer, Whole):
        await _whole(grant, answer, caller, tab)
    else:
        await _stream(gate, call, grant, answer, caller, tab)


async def _whole(grant: Grant, answer: Whole, caller: Caller, tab: Tab) -> None:
    settled = await tab.settle(200)
    headers: Pairs = [("content-type", "application/json"), ("content-length", str(len(answer.body)))]
    await caller.start(200, headers + _told(grant, answer) + _charged(settled))
    await caller.finish(answer.body)


async def _stream(gate: Gate, call: Call, grant: Grant, answer: Begun, caller: Caller, tab: Tab) -> None:
    tap = answer.stream.tap
    meter = StreamMeter(grant, tap, tab.channel_id, tab.upstream_model, tab.retries)
    tab.meter = meter
    _clock(meter, tab)
    gate.ledger.track(call.ask.request_id, meter)
    await caller.start(200, _stream_headers(call) + _told(grant, answer))
    problem = await _pass_on(gate, call, answer, caller, tab)
    measured = tab.measured = meter.measured(complete=problem is None)
    await tab.settle(200, problem)
    await caller.finish(tap.end(measured.usage()) if problem is None else tap.fail(problem))


async def _pass_on(gate: Gate, call: Call, answer: Begun, caller: Caller, tab: Tab) -> Problem | None:
    """Chunks as they come, comments while there are none; returns what went wrong."""
    try:
        await _chunks(gate, call, answer, caller, tab)
    except Failure as failure:
        return verdict.problem_of(failure)
    except Gone:
        raise
    except Exception:
        log.exception("request %s failed in the middle of its stream", call.ask.request_id)
        return Problem(500, "internal_error", "The gateway failed. The request id helps to find out why.")
    error = answer.stream.tap.error
    return Problem(502, "upstream_error", error.message) if error else None


async def _chunks(gate: Gate, call: Call, answer: Begun, caller: Caller, tab: Tab) -> None:
    clock = asyncio.get_running_loop().time
    silence, end = gate.settings.keep_alive_seconds, deadline(gate, call)
    comment = b"\n" if call.array else COMMENT
    stream: Streaming = answer.stream
    await caller.write(answer.head)
    spoken = clock()
    while not stream.over:
        data = await stream.read(max(0.0, spoken + silence - clock()))
        if tab.meter is not None:
            _clock(tab.meter, tab)
        if not data and clock() >= spoken + silence:
            data = comment
        if data:
            await caller.write(data)
            spoken = clock()
        if clock() >= end and not stream.over:
            raise Failure("timeout", "The request took too long.")


def _clock(meter: StreamMeter, tab: Tab) -> None:
    """Note when the first token came."""
    if meter.first_token_ms is None and meter.speaks:
        meter.first_token_ms = tab.elapsed_ms()


def _stream_headers(call: Call) -> Pairs:
    kind = "application/json" if call.array else SSE_TYPE
    return [("content-type", kind), ("cache-control", "no-cache"), ("x-accel-buffering", "no")]


def _told(grant: Grant, answer: Whole | Begun) -> Pairs:
    """Headers that every answer carries: limits, what the provider said, what a conversion lost."""
    pairs: Pairs = [*grant.rate_headers.items(), *answer.headers.items()]
    if answer.losses:
        pairs.append(("x-openopen8-loss", losses_header(answer.losses)))
    return pairs


def _charged(settled: Settled) -> Pairs:
    return [("x-openopen8-credits", str(settled.credits)), ("x-openopen8-remaining", str(settled.remaining))]


def losses_header(losses: tuple[str, ...]) -> str:
    """Names of lost fields as one header; names come from the caller's body, so anything odd is left out."""
    plain = ["".join(c for c in name if c.isascii() and c.isprintable() and c != ",")[:100] for name in losses[:50]]
    return ", ".join(name for name in plain if name)
