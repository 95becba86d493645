"""The first answer: the planned attempts in turn, until one gives an answer that is no error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.routing import Attempt, Candidates, plan
from openopen8.core.services.responses import Kept
from relay import media, metering, verdict
from relay.admission import LARGE, Call, input_tokens, off_loop
from relay.answered import Answered, Begun, Later, Whole
from relay.caller import Pairs, Presence
from relay.conversion import Converting
from relay.endpoints.files import UserFile
from relay.endpoints.film import Film
from relay.formats.format import Asked, Garbage, Tap
from relay.framing import MAX_FRAME, SSE, Decoder
from relay.gate import Gate
from relay.mentions import holding
from relay.metering import Measured
from relay.neutral import Answer as Parsed
from relay.opening import Patient
from relay.planning import Prepared, counts_itself, prepare, upstream_model
from relay.streaming import COMMENT, Streaming
from relay.tab import Tab
from relay.tasks.harbour import first, no_turns
from relay.tasks.submission import begun, check, pinned
from relay.upstream import LARGEST_ANSWER, LARGEST_ERROR, Answer, Failure, Outgoing
from relay.upstream.failure import empty
from relay.volley import Joint, Volley, fired

_Passed = tuple[bytes, Measured, tuple[str, ...]]
"""The caller's body, what it came to, and what of the answer was lost on the way."""

PASSED_HEADERS = ("openai-processing-ms", "openai-version")
"""The only headers of a provider that reach the caller."""


async def first_answer(gate: Gate, call: Call, grant: Grant, tab: Tab, presence: Presence) -> Answered:
    """The answer of the first attempt that succeeds; raises a Problem when none did."""
    endpoint = call.route.endpoint
    if endpoint is not None and endpoint.at_home is not None:
        return await _or_at_home(gate, call, grant, tab, presence)
    if endpoint is not None and endpoint.task:
        await check(gate, grant, call.glance)
        providers = pinned(grant.providers, call.route.pinned)
        return await _first(gate, call, grant, providers, tab, presence, steady=isinstance(call.glance, UserFile))
    if call.route.pinned[0]:
        providers = holding(grant.providers, call.route.pinned, call.ask.model)
        return await _first(gate, call, grant, providers, tab, presence)
    return await _first(gate, call, grant, grant.providers, tab, presence)


async def _or_at_home(gate: Gate, call: Call, grant: Grant, tab: Tab, presence: Presence) -> Answered:
    """The count of a channel that speaks the caller's format; ours where there is none, or where none answers."""
    endpoint = call.route.endpoint
    assert endpoint is not None and endpoint.at_home is not None
    able = Candidates(provider for provider in grant.providers if counts_itself(provider, endpoint))
    try:
        if able:
            answer = await _first(gate, call, grant, able, tab, presence)
            tab.measured = None  # free
            return answer
    except Problem as problem:
        if problem.status in (400, 413, 422) or presence.late:
            raise
        tab.channel_id, tab.upstream_model = 0, ""
    return Whole(endpoint.at_home(await input_tokens(call.glance)), Measured(Counts()), ())


async def _first(
    gate: Gate, call: Call, grant: Grant, providers: Candidates, tab: Tab, presence: Presence, steady: bool = False
) -> Answered:
    """``steady``: among equals always the same goes first."""
    failures: list[Failure] = []
    attempts: Iterable[Attempt] = plan(
        providers, gate.tools.now(), first if steady else gate.random, no_turns if steady else gate.turns
    )
    if call.memory is not None:
        _check_home(call.memory.home, providers)
        attempts = call.memory.fitting(attempts)
    for attempt in attempts:
        if len(failures) > grant.options.retries or presence.late:
            break
        if attempt.provider.rest_until and not await gate.health.may_try(attempt):
            continue
        tab.tries(attempt, upstream_model(attempt.provider, call.ask.model))
        try:
            answer = await _attempt(gate, call, grant, attempt, tab, presence)
        except Failure as failure:
            failures.append(failure)
            tab.failed(attempt, failure)
            await gate.health.failed(attempt, failure)
            continue
        if attempt.provider.rest_until or gate.health.troubled:
            await gate.health.succeeded(attempt)
        return answer
    raise verdict.final(failures, providers, gate.tools.now())


def _check_home(home: Kept | None, providers: Candidates) -> None:
    """400 where the channel and the key that keep the earlier answer serve this request no longer."""
    if home is None or any(p.id == home.channel_id and any(key.id == home.key_id for key in p.keys) for p in providers):
        return
    told = f"Previous response with id '{home.id}' not found: the channel that keeps it is not available."
    raise Problem(400, "previous_response_not_found", told, "previous_response_id")


async def _attempt(
    gate: Gate, call: Call, grant: Grant, attempt: Attempt, tab: Tab, presence: Presence
) -> Answered:
    """One attempt; raises Failure, or a Problem that no other provider would change."""
    answered = False
    try:
        if call.upload is None and len(call.body) <= LARGE:
            prepared = prepare(call, attempt, gate.templates)
        else:
            prepared = await asyncio.to_thread(prepare, call, attempt, gate.templates)
        if grant.ask.sampled and grant.ask.stream and tab.counting is None:
            # while the provider thinks: a stream lasts, and what it was asked is not kept so long
            tab.counting = asyncio.ensure_future(input_tokens(call.glance))
        if prepared.volley is not None:
            answered = True
            return await _volleyed(gate, call, grant, attempt, prepared, prepared.volley, tab)
        if prepared.sign is None:
            answer = await gate.upstream.send(prepared.outgoing)
        else:
            answer = await gate.signer.send(prepared.sign, prepared.outgoing, attempt.provider, attempt.key)
        tab.answer, answered = answer, True
        return await _opened(gate, call, grant, attempt, prepared, answer, tab)
    except asyncio.CancelledError:
        tab.stop()
        if presence.late and presence.owns():
            raise Failure("timeout", "The provider did not answer in time.") from None
        raise
    except Problem:
        tab.stop()
        if answered:  # what is wrong is the caller's, so a trial has succeeded
            await gate.health.succeeded(attempt)
        raise
    except Failure:
        tab.stop()
        raise


async def _opened(
    gate: Gate, call: Call, grant: Grant, attempt: Attempt, prepared: Prepared, answer: Answer, tab: Tab
) -> Answered:
    status_map = attempt.provider.status_map
    status = _mapped(answer.status, status_map) if status_map else answer.status
    if not 200 <= status < 300:
        raise await _refused(gate, status, answer, prepared)
    endpoint = call.route.endpoint
    streamed = call.glance.stream and (endpoint is None or media.streams(endpoint, answer.headers))
    if endpoint is not None and endpoint.media and not streamed:
        pairs = _passed(answer.headers)
        if endpoint.read is None:
            return await media.flowing(gate, prepared, answer, tab, pairs)
        return await media.whole(call, endpoint, prepared, answer, tab, pairs)
    if streamed:
        return await _begun(gate, call, grant, prepared, answer, tab)
    if call.route.endpoint is not None and call.route.endpoint.task:
        tab.losses = prepared.losses
        body, tab.measured = await begun(gate, call, grant, attempt, prepared, answer)
        tab.stop()
        pairs, film = _passed(answer.headers), call.glance
        if isinstance(film, Film) and film.awaited:
            return Later(body, film.awaited == "events", pairs, tab.losses)
        return Whole(body, tab.measured or Measured(Counts()), pairs, tab.losses)
    return await _whole(gate, call, grant, prepared, answer, tab)


async def _volleyed(
    gate: Gate, call: Call, grant: Grant, attempt: Attempt, prepared: Prepared, volley: Volley, tab: Tab
) -> Whole:
    """Several requests, one answer."""

    def send(outgoing: Outgoing) -> Awaitable[Answer]:
        if prepared.sign is None:
            return gate.upstream.send(outgoing)
        return gate.signer.send(prepared.sign, outgoing, attempt.provider, attempt.key)

    async def check(answer: Answer) -> None:
        status = _mapped(answer.status, attempt.provider.status_map)
        if not 200 <= status < 300:
            raise await _refused(gate, status, answer, prepared)

    came = await fired(volley, send, check)
    try:
        raw = await off_loop(sum(len(one.body) for one in came), lambda: volley.joined(came))
    except Garbage as garbage:
        raise Failure("broken", str(garbage)) from None
    whole = await _whole(gate, call, grant, prepared, Joint(raw), tab)
    return msgspec.structs.replace(whole, kind=b"text/event-stream; charset=utf-8") if call.glance.stream else whole


async def _refused(gate: Gate, status: int, answer: Answer, prepared: Prepared) -> Problem | Failure:
    """What an answer with an error status means."""
    body = await _error_body(answer)
    return verdict.judged(status, answer.headers, body, prepared.format, gate.tools.now())


def _mapped(status: int, status_map: Mapping[str, int]) -> int:
    """The status as the admin reads it; an error can't be mapped to a success."""
    mapped = status_map.get(str(status), status)
    return mapped if 400 <= mapped <= 599 else status


async def _error_body(answer: Answer) -> bytes:
    try:
        return await answer.read(LARGEST_ERROR)
    except Failure:
        return b""


async def _whole(gate: Gate, call: Call, grant: Grant, prepared: Prepared, answer: Answer, tab: Tab) -> Whole:
    raw = await answer.read(LARGEST_ANSWER)
    tab.stop()
    tab.losses = prepared.losses
    unread = len(raw) <= LARGE and not (grant.options.retry_empty_answers and _picky(call))
    passed = _unread(call, prepared, raw) if unread else None
    if passed is None:
        passed = await _read(gate, call, grant, prepared, raw, tab)
    body, measured, lost = passed
    tab.measured = measured
    if lost:
        tab.losses = (*prepared.losses, *lost)
    return Whole(body, measured, _passed(answer.headers), tab.losses)


def _unread(call: Call, prepared: Prepared, raw: bytes) -> _Passed | None:
    """An answer of the usual kind in the caller's own format passes through; None for all others."""
    format = prepared.format
    found = format.survey(raw) if prepared.same and format.survey is not None else None
    if found is None or format.patch_response is None:
        return None
    model, measured = call.glance.model, metering.of_usage(found.usage, call.ask.input_tokens)
    return raw if found.model == model else format.patch_response(raw, model), measured, ()


async def _read(gate: Gate, call: Call, grant: Grant, prepared: Prepared, raw: bytes, tab: Tab) -> _Passed:
    """Every other answer, parsed: the counts, and the body in the caller's format."""
    try:
        found = await off_loop(len(raw), lambda: prepared.format.parse_response(raw))
    except Garbage as garbage:
        raise Failure("broken", str(garbage)) from None
    if grant.options.retry_empty_answers and found.empty and _picky(call):
        raise empty()
    prompt = grant.ask.input_tokens
    if found.usage is None and grant.ask.sampled:
        prompt = await input_tokens(call.glance)
    try:
        return await off_loop(len(raw), lambda: _rendered(gate, call, prepared, raw, found, prompt))
    except Problem:
        # the provider has worked, though what came is not what was asked for: its own count is charged, no units
        tab.measured = None if found.usage is None else metering.of_usage(found.usage, prompt)
        raise


def _rendered(gate: Gate, call: Call, prepared: Prepared, raw: bytes, found: Parsed, prompt: int) -> _Passed:
    model = call.glance.model
    measured = metering.with_units(metering.of_answer(found, model, prompt), call.ask.units)
    if prepared.same and prepared.format.patch_response is not None:
        return prepared.format.patch_response(raw, model), measured, ()
    if found.usage is None:
        found = metering.with_usage(found, measured)
    asked = _asked(gate, call)
    if prepared.spoken is not None:
        rendered = prepared.spoken.answer(found, raw, asked)
    else:
        rendered = call.route.format.render_response(found, asked)
    return rendered.body, measured, rendered.losses


def _picky(call: Call) -> bool:
    """True where an answer should have something in it: a chat's, but for one that is made in the background."""
    return call.route.endpoint is None and (call.memory is None or not call.memory.wish.background)


def _decoder(call: Call, prepared: Prepared) -> Callable[[], Decoder]:
    endpoint = call.route.endpoint
    if endpoint is None or endpoint.largest_event == MAX_FRAME:
        return prepared.decoder
    return partial(SSE, endpoint.largest_event)


async def _begun(gate: Gate, call: Call, grant: Grant, prepared: Prepared, answer: Answer, tab: Tab) -> Begun:
    tap = _tap(gate, call, prepared)
    means = (gate.settings, gate.ticker, b"\n" if call.array else COMMENT, _decoder(call, prepared))
    if grant.options.retry_empty_answers and _picky(call):
        stream: Streaming = Patient(answer, tap, *means, prepared.format.reader())
    else:
        stream = Streaming(answer, tap, *means)
    tab.answer, tab.losses = stream, prepared.losses
    tab.converting = converting = tap if isinstance(tap, Converting) else None
    await stream.begin()
    if tap.error is not None:
        raise verdict.judged_event(tap.error)
    losses = prepared.losses if converting is None else (*prepared.losses, *converting.losses)
    return Begun(stream, _passed(answer.headers), losses)


def _tap(gate: Gate, call: Call, prepared: Prepared) -> Tap:
    """The one place where conversion of a stream is decided."""
    endpoint = call.route.endpoint
    if endpoint is not None and endpoint.tap is not None:
        spoken = prepared.spoken
        return endpoint.tap(call.glance) if spoken is None or spoken.tap is None else spoken.tap(_asked(gate, call))
    tap = prepared.format.array_tap if call.array else prepared.format.tap
    if prepared.same and tap is not None:
        return tap(call.glance.model, call.glance.include_usage)
    return Converting(prepared.format.reader(), call.route.format.writer(_asked(gate, call)))


def _asked(gate: Gate, call: Call) -> Asked:
    glance, memory = call.glance, call.memory
    fields = glance.fields if memory is None else memory.echoed(glance.fields)
    now_s = gate.tools.now() // 1000
    return Asked(glance.model, now_s, call.ask.request_id, glance.include_usage, call.array, fields)


def _passed(headers: Mapping[str, str]) -> Pairs:
    found = [(name, value) for name in PASSED_HEADERS if (value := headers.get(name)) and len(value) < 200]
    return [(name.encode(), value.encode("latin-1")) for name, value in found if value.isprintable()]
