"""The answer goes to the caller: settled before its end is sent, so that what a caller holds complete is charged."""

from __future__ import annotations

import asyncio
import logging

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Grant
from openopen8.core.services.ledger import Settled
from relay import verdict
from relay.admission import Call
from relay.answered import Answered, Begun, Later, Whole
from relay.caller import Caller, Pairs, Presence
from relay.gate import Gate
from relay.metering import StreamMeter
from relay.responses.memory import Memory
from relay.responses.waiting import Waiting
from relay.tab import Tab
from relay.upstream import Failure

log = logging.getLogger("openopen8.relay")

_JSON = (b"content-type", b"application/json")
_SSE = (b"content-type", b"text/event-stream; charset=utf-8")
_STREAMED = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


async def deliver(
    gate: Gate, call: Call, grant: Grant, answer: Answered, caller: Caller, tab: Tab, presence: Presence
) -> None:
    """Send the answer and settle it."""
    if isinstance(answer, Whole):
        await _whole(grant, answer, caller, tab, call.memory)
    elif isinstance(answer, Begun):
        await _stream(gate, call, answer, caller, tab, presence)
    else:
        await _later(gate, call, answer, caller, tab, presence)


async def _whole(grant: Grant, answer: Whole, caller: Caller, tab: Tab, memory: Memory | None) -> None:
    charged = _charged(await tab.settle(200)) if memory is None else await _remembered(memory, grant, answer, tab)
    length = (b"content-length", b"%d" % len(answer.body))
    kind = (b"content-type", answer.kind)
    caller.start(200, (kind, length, *_told(grant, answer), *charged))
    caller.finish(answer.body)


async def _remembered(memory: Memory, grant: Grant, answer: Whole, tab: Tab) -> Pairs:
    """The charge of an answer that later requests may go on from; one made in the background is charged at its end."""
    memory.whole(grant, answer.body)
    charged: Pairs = ()
    if memory.waits(answer.body):
        await tab.leave_open()
    else:
        charged = _charged(await tab.settle(200))
    await memory.written()
    return charged


async def _later(gate: Gate, call: Call, answer: Later, caller: Caller, tab: Tab, presence: Presence) -> None:
    """A task is paid when it begins, and goes on whether or not its caller stays."""
    charged = _charged(await tab.settle(200))
    call.forget()
    waiting = Waiting(gate, tab.grant.holder.user_id, answer, caller, presence)
    await waiting.answer(_told(tab.grant, answer), charged)


async def _stream(gate: Gate, call: Call, answer: Begun, caller: Caller, tab: Tab, presence: Presence) -> None:
    grant, stream, tap = tab.grant, answer.stream, answer.stream.tap
    tab.meter = meter = StreamMeter(grant, stream, tab, call.began)
    meter.input_tokens = await tab.input_tokens()
    gate.ledger.track(grant.ask.request_id, meter)
    if call.memory is not None:
        tab.lasting = call.memory.begun(grant, tap)
    kind = (b"content-type", answer.kind) if answer.kind else _JSON if call.array else _SSE
    caller.start(200, (kind, *_STREAMED, *_told(grant, answer)))
    call.forget()
    stream.attach(caller)
    problem = await _passed_on(call, answer, presence)
    measured = tab.measured = meter.measured(complete=problem is None)
    if problem is not None and answer.kind:
        await tab.settle(200, problem)
        raise problem  # the app cuts the connection
    # rendered before it is charged: what only the ending loses belongs into the log, too
    ending = tap.end(measured.usage()) if problem is None else tap.fail(problem)
    if call.memory is not None and problem is None:
        return await _kept(call.memory, grant, ending, caller, tab)
    await tab.settle(200, problem)
    caller.finish(ending)


async def _kept(memory: Memory, grant: Grant, ending: bytes, caller: Caller, tab: Tab) -> None:
    """The end of a stream that later requests may go on from: they may as soon as the caller knows it."""
    memory.ended(grant, ending)
    await tab.settle(200)
    await memory.written()
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


def _told(grant: Grant, answer: Answered) -> Pairs:
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
