"""However a request ends: it is settled once, no hold is left, the books are right. (L8, N2, N4, N6)"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import text

from openopen8.core.errors import Problem
from relay import attempts, delivery, serve
from relay.app import Relay
from relay.tab import Tab
from tests.fakes.upstream import Exchange, hang, status, streamed, whole
from tests.relay.driving import Caller, question
from tests.relay.house import Build, House


async def _upstream_left(house: House, which: int = 0) -> None:
    assert await asyncio.to_thread(house.fake.chats[which].left.wait, 10), "the upstream was not stopped"


async def test_a_caller_that_leaves_a_stream_stops_the_upstream_and_pays_what_came(house: House) -> None:
    house.fake.script(streamed("one", " two", " three", gated=True))
    talk = house.caller.stream()
    house.fake.let(2)
    await talk.until(b" two")
    talk.leave()
    await talk.end()
    await _upstream_left(house)
    entry = house.entry()
    assert entry.status == 499 and entry.error.startswith("caller_left")
    assert entry.output_tokens == 2 and entry.credits > 0
    assert entry.receipt is not None and "counted locally" in entry.receipt["notes"]
    house.settled()


async def test_a_caller_that_leaves_before_the_answer_pays_nothing_and_no_retry_starts(house: House) -> None:
    house.world.channel(house.fake.url)
    house.fake.script(hang())
    talk = house.caller.open(body=question())
    while not house.fake.chats:
        await asyncio.sleep(0.01)
    talk.leave()
    await talk.end()
    await _upstream_left(house)
    assert len(house.fake.chats) == 1
    assert (house.entry().status, house.entry().credits) == (499, 0)
    house.settled()


async def test_a_caller_that_leaves_while_a_failure_is_settled_is_gone_and_the_failure_is_logged(house: House) -> None:
    busy, free = threading.Event(), threading.Event()

    def occupy() -> None:
        with house.tools.db.write() as session:
            session.connection().execute(text("UPDATE accounts SET revision = revision"))
            busy.set()
            free.wait(20)

    async def refuse(exchange: Exchange) -> None:
        thread.start()
        busy.wait(20)
        await status(400)(exchange)

    thread = threading.Thread(target=occupy)
    house.fake.script(refuse)
    talk = house.caller.open(body=question())
    ledger = house.relay.gate.ledger  # type: ignore[union-attr]
    while not (house.fake.chats and not ledger._open):
        await asyncio.sleep(0.01)
    talk.leave()
    await asyncio.sleep(0.05)
    free.set()
    assert not (await talk.end()).body
    thread.join()
    while not house.world.log():
        await asyncio.sleep(0.01)
    assert (house.entry().status, house.entry().credits) == (400, 0)
    house.settled()


async def test_a_whole_answer_that_can_not_be_delivered_is_charged_in_full(house: House) -> None:
    for message in (1, 2):
        reply = await house.caller.open(body=question(), break_at=message).end()
        assert not reply.whole
    assert [entry.credits for entry in house.world.log()] == [12_500, 12_500]
    house.settled()


@pytest.mark.parametrize("message", [1, 2, 3])
async def test_a_stream_whose_sends_fail_is_settled(house: House, message: int) -> None:
    house.fake.script(streamed("one", " two", " three", gated=True, finish=None, done=False, then="hang"))
    talk = house.caller.stream(break_at=message)
    while not talk.done:
        house.fake.let()
        await asyncio.sleep(0.02)
    await talk.end()
    await _upstream_left(house)
    assert house.entry().status == 499 and house.entry().credits > 0
    house.settled()


async def test_a_stream_whose_last_send_fails_is_charged_as_complete(house: House) -> None:
    house.fake.script(streamed("one", gated=True))
    talk = house.caller.stream()
    await talk.until(b"assistant")
    talk._break_at = talk._sent + 3  # the text, the finish reason and usage in one or two pieces, the ending
    house.fake.let()
    await talk.end()
    assert house.entry().status in (200, 499) and house.entry().credits > 0
    house.settled()


async def test_a_server_that_is_told_to_stop_settles_what_runs(house: House) -> None:
    house.fake.script(streamed("one", " two", gated=True))
    talk = house.caller.stream()
    house.fake.let()
    await talk.until(b"one")
    await talk.cancel()
    await _upstream_left(house)
    await house.relay.stop()
    assert house.entry().credits > 0
    house.settled()


async def test_a_caller_that_leaves_while_it_is_admitted_leaves_no_hold(house: House) -> None:
    for pause in range(6):
        talk = house.caller.open(body=question())
        for _ in range(pause):
            await asyncio.sleep(0)
        await talk.cancel()
    await house.calm()
    house.settled()


STEPS: list[tuple[Any, str]] = [
    (serve, "first_answer"),
    (serve, "deliver"),
    (attempts, "prepare"),
    (attempts, "plan"),
    (attempts, "_opened"),
    (attempts, "_read"),
    (attempts, "_begun"),
    (delivery, "_charged"),
    (delivery, "_told"),
    (delivery, "_passed_on"),
    (Tab, "tries"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("place", "name"), STEPS, ids=[name for _, name in STEPS])
async def test_an_exception_at_any_step_leaves_no_hold(
    house: House, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, stream: bool
) -> None:
    def boom(*_: Any, **__: Any) -> Any:
        raise RuntimeError("planted")

    house.fake.script(streamed() if stream else whole())
    monkeypatch.setattr(place, name, boom)
    reply = await house.caller.chat(stream=stream)
    assert b"planted" not in reply.body
    assert reply.status in (200, 500)
    if reply.status == 500:
        assert reply.json["error"]["code"] == "internal_error"
    assert len(house.world.log()) == 1
    house.settled()


async def test_no_request_is_charged_twice_when_settling_is_asked_for_again(house: House) -> None:
    house.fake.script(streamed("one"))
    await house.caller.chat(stream=True)
    gate = house.relay.gate
    assert gate is not None
    assert len(house.world.log()) == 1 and house.entry().credits == 12_500
    house.settled()


async def test_fifty_requests_of_all_kinds_leave_the_books_right(house: House) -> None:
    """A mix of answers, streams, early leavers and failures at once."""
    house.fake.script(
        streamed("a", "b"), whole(), streamed("c", then="cut", done=False, finish=None), whole(usage=None)
    )

    async def one(n: int) -> None:
        talk = house.caller.open(body=question(stream=n % 2 == 0), break_at=n % 5 or None)
        if n % 7 == 0:
            await asyncio.sleep(0.005 * (n % 3))
            talk.leave()
        await talk.end()

    await asyncio.gather(*(one(n) for n in range(50)))
    assert len(house.world.log()) == 50
    house.settled()


async def test_the_rest_of_a_quota_is_free_again_after_a_failure(build: Build) -> None:
    house = await build()
    limited = house.other_caller(quota=20_000)
    house.fake.script(status(500))
    for _ in range(3):
        assert (await limited.chat()).status == 502
    house.fake.script(whole())
    assert (await limited.chat()).status == 200
    house.settled()


async def test_a_problem_while_stopping_is_a_clean_503(house: House) -> None:
    relay = Relay(house.tools)
    reply = await Caller(relay, house.key).chat()
    assert reply.status == 503 and reply.headers["retry-after"] == "1"


def test_problems_hold_no_secrets_in_their_repr() -> None:
    assert repr(Problem(400, "c", "m")) == "Problem(400, 'c', 'm', param=None)"
