"""Callers that hang up, at every stage: the upstream is stopped, the books are right, the next caller is served."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.fakes.upstream import by_turns, streamed, whole
from tests.server.door.conftest import DOORS, Gateway
from tests.server.door.raw import Raw, told
from tests.server.door.requests import body_of, chat, chunked, known, models, request, stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

Stage = Callable[[Gateway, Raw], Awaitable[None]]
GATED = by_turns(streamed("one ", "two ", gated=True), whole(gated=True))


def sends(data: bytes) -> Stage:
    """Leaves right after these bytes."""

    async def stage(gateway: Gateway, caller: Raw) -> None:
        await caller.sent(known(gateway, data))

    return stage


def is_heard(data: bytes, then: bytes = b"") -> Stage:
    """Leaves when the provider has the request (and ``then`` was sent)."""

    async def stage(gateway: Gateway, caller: Raw) -> None:
        before = len(gateway.fake.chats)
        await caller.sent(known(gateway, data))
        while len(gateway.fake.chats) == before:
            await asyncio.sleep(0.002)
        await caller.sent(known(gateway, then))

    return stage


def reads(data: bytes, part: bytes, then: bytes = b"") -> Stage:
    """Leaves when it has got ``part`` of the answer."""

    async def stage(gateway: Gateway, caller: Raw) -> None:
        await caller.sent(known(gateway, data))
        if part == b"one ":
            gateway.fake.let()
        await caller.until(part)
        await caller.sent(known(gateway, then))

    return stage


HEAD = -len(body_of())
STAGES: dict[str, tuple[Stage, list[int]]] = {
    # what the log says: 499 where the key was looked at and the caller was gone before the end
    "before anything": (sends(b""), []),
    "in the request line": (sends(b"POST /v1/ch"), []),
    "in the head": (sends(chat()[: HEAD - 10]), []),
    "after the head": (sends(chat()[:HEAD]), []),
    "in the body": (sends(chat()[:-5]), []),
    "in a large body": (sends(request("content-length: 900000", body=b" " * 500_000, length=False)), []),
    "in the chunks": (sends(chunked(body_of())[:-8]), []),
    "before a 100": (sends(request("expect: 100-continue", "content-length: 9")), []),
    "after a 100": (reads(request("expect: 100-continue", "content-length: 9"), b"100 Continue\r\n\r\n"), []),
    "while the provider thinks": (is_heard(chat()), [499]),
    "while the provider thinks about a stream": (is_heard(chunked(body_of(stream=True))), [499]),
    "after the first event": (reads(stream(), b'"role"'), [499]),
    "in the stream": (reads(stream(), b"one "), [499]),
    "while another one waits": (is_heard(chat(), then=chat()), [499]),
    "while a list waits": (is_heard(chat(), then=models()), [499]),
    "in the stream, while another one waits": (reads(stream(), b"one ", then=chat() + models()), [499]),
    "with the body of another one under way": (is_heard(chat(), then=chat()[:-5]), [499]),
    "with rubbish waiting": (is_heard(chat(), then=b"rubbish\r\n\r\n"), [499]),
    "after a refusal": (reads(chat(key=False), b"}}"), []),
    "in the middle of a refused body": (reads(request("content-length: 90000000"), b"}}", then=b" " * 100_000), []),
}


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("way", ["closes", "resets", "half"])
async def test_a_caller_may_leave_at_any_time(gateway: Gateway, name: str, way: str) -> None:
    stage, expected = STAGES[name]
    for kind in DOORS:
        gateway.fake.script(GATED)
        before, heard = len(gateway.world.log()), len(gateway.fake.chats)
        caller = await Raw.open(gateway.doors[kind])
        await stage(gateway, caller)
        await leave(caller, way)
        await gateway.alone(kind)
        while gateway.servers[kind].server_state.tasks:
            await asyncio.sleep(0.005)
        await gateway.settled()
        assert [entry.status for entry in gateway.world.log()[before:]] == expected
        for received in gateway.fake.chats[heard:]:
            assert await asyncio.to_thread(received.left.wait, 10)
        assert len(gateway.fake.chats) - heard == len(expected)
        gateway.fake.script(whole())
        assert str(await told(gateway.doors[kind], known(gateway, chat()), answers=1)) == "200 open"


async def leave(caller: Raw, way: str) -> None:
    """To half-close is to leave: so it is for uvicorn, and for nginx as a proxy."""
    if way == "resets":
        caller.leave()
    elif way == "half":
        caller.end()
        await caller.rest()
        await caller.close()
    else:
        await caller.close()


async def test_an_answer_that_is_complete_counts_though_nobody_took_it(gateway: Gateway) -> None:
    """Settled before its end is sent: a caller that leaves then has been charged."""
    for kind in DOORS:
        gateway.fake.script(whole(gated=True))
        before = len(gateway.world.log())
        caller = await Raw.open(gateway.doors[kind])
        await is_heard(chat())(gateway, caller)
        gateway.fake.let()
        await caller.head()
        caller.leave()
        await gateway.alone(kind)
        (entry,) = gateway.world.log()[before:]
        assert (entry.status, entry.credits) == (200, 12500)
    await gateway.settled()


@pytest.mark.parametrize("kind", DOORS)
async def test_a_body_that_turns_out_broken_ends_its_request_at_once(gateway: Gateway, kind: str) -> None:
    """The caller is still there, and may go on writing for a while."""
    caller = await Raw.open(gateway.doors[kind])
    await caller.sent(known(gateway, chunked(b"{")[:-5]))
    state = gateway.servers[kind].server_state
    while not state.tasks:
        await asyncio.sleep(0.005)
    await caller.sent(b"zz\r\n")
    answer = await caller.answer()
    assert answer is not None and answer.status == 400
    while state.tasks:
        await caller.sent(b"more", 0.01)
    assert len(state.connections) == 1
    await caller.close()
    await gateway.alone(kind)


@pytest.mark.parametrize("kind", DOORS)
async def test_callers_that_come_and_go_leave_nothing_behind(gateway: Gateway, kind: str) -> None:
    gateway.fake.script(by_turns(streamed("one ", "two "), whole()))
    asks = [chat(), stream(), models(), chat()[:-7], chunked(body_of()), chat(key=False), b"rubbish", b""]

    async def come(number: int) -> None:
        caller = await Raw.open(gateway.doors[kind])
        await caller.sent(known(gateway, asks[number % len(asks)] + asks[number * 3 % len(asks)]))
        await asyncio.sleep(number % 7 / 1000)
        await leave(caller, ("closes", "resets", "half")[number % 3])

    await asyncio.gather(*(come(number) for number in range(100)))
    await gateway.alone(kind)
    while gateway.servers[kind].server_state.tasks:
        await asyncio.sleep(0.005)
    # admissions are taken in their order: once this one is answered, those that left have held what they hold
    assert str(await told(gateway.doors[kind], known(gateway, chat()), answers=1)) == "200 open"
    await gateway.settled()
