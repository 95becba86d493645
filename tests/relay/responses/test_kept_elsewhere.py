"""Answers that a vendor keeps: the gateway knows whose they are, and at which channel and key they live."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from openopen8.core.clock import DAY, HOUR
from openopen8.core.models import Channel, ChannelKey, Hold, KeptResponse
from openopen8.core.services import responses
from openopen8.core.services.responses import Kept
from relay.app import Relay
from tests.fakes.vendors import ANSWER
from tests.fakes.vendors.keeping import Keeping
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House
from tests.relay.responses.test_conversations import say

KEYS = ("one-key", "another-key")


@pytest.fixture
def vendor() -> Keeping:
    return Keeping()


@pytest.fixture
async def house(build: Build, vendor: Keeping) -> House:
    """A vendor behind two keys that are used in turn, so that luck alone would find the wrong one."""
    mapping = {"m": "gpt-5"}
    channel = {"type": "openai-responses", "keys": KEYS, "key_mode": "round_robin", "model_mapping": mapping}
    house = await build(channel=channel)
    house.fake.script(vendor)
    return house


def rested(house: House) -> None:
    house.settled()
    assert all(row.hold_id is None for row in house.world.all(KeptResponse))


async def written(house: House) -> KeptResponse:
    """The one answer, once it is kept."""
    async with asyncio.timeout(20):
        while not (rows := house.world.all(KeptResponse)):
            await asyncio.sleep(0.01)
    return rows[0]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_conversation_stays_with_the_key_that_began_it(house: House, stream: bool) -> None:
    first = await say(house, "one", stream)
    second = await say(house, "two", stream, previous_response_id=first.id)
    third = await say(house, "three", stream, previous_response_id=second.id)
    assert third.output_text == ANSWER and len({received.key for received in house.fake.chats}) == 1
    assert house.fake.chats[2].json["previous_response_id"] == second.id
    assert [row.sealed for row in house.world.all(KeptResponse)] == [None] * 3
    rested(house)


async def test_an_answer_is_read_listed_cancelled_and_deleted_where_it_lives(house: House, vendor: Keeping) -> None:
    first = await say(house, "one")
    client = openai_client(house)
    found = await client.responses.retrieve(first.id)
    assert (found.output_text, found.model) == (ANSWER, "m")
    assert [item.id async for item in await client.responses.input_items.list(first.id)] == ["msg_in"]
    with pytest.raises(openai.BadRequestError, match="synchronous"):
        await client.responses.cancel(first.id)
    events = [e async for e in await client.responses.retrieve(first.id, stream=True, starting_after=0)]
    assert events[0].sequence_number == 1 and events[-1].type == "response.completed"
    assert events[-1].response.model == "m"
    await client.responses.delete(first.id)
    assert vendor.kept == {} and house.world.all(KeptResponse) == []
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(first.id)
    assert len(house.world.log()) == 1


async def test_nobody_else_gets_at_it(house: House, vendor: Keeping) -> None:
    first = await say(house, "one")
    asked = len(vendor.asked)
    house.key = house.world.token(house.world.user(balance=1_000_000_000))[1]
    with pytest.raises(openai.BadRequestError):
        await say(house, "two", previous_response_id=first.id)
    for deed in ("retrieve", "delete", "cancel"):
        with pytest.raises(openai.NotFoundError):
            await getattr(openai_client(house).responses, deed)(first.id)
    assert len(vendor.asked) == asked


async def test_what_is_asked_about_it_counts_among_the_requests_in_flight(house: House, vendor: Keeping) -> None:
    first = await say(house, "one")
    asked = len(vendor.asked)
    house.relay.running = house.tools.settings.max_requests_in_flight
    for path in (f"/v1/responses/{first.id}", "/v1/conversations/conv_1"):
        assert (await house.caller.get(path)).status == 503
    assert (await house.caller.get("/v1/models")).status == 200
    house.relay.running = 0
    assert len(vendor.asked) == asked and (await house.caller.get(f"/v1/responses/{first.id}")).status == 200
    assert house.relay.running == 0


@pytest.mark.parametrize("gone", ["channel", "key"])
async def test_when_its_channel_or_key_is_gone_the_caller_hears_that_it_is_not_found(house: House, gone: str) -> None:
    first = await say(house, "one")
    (row,) = house.world.all(KeptResponse)
    if gone == "channel":
        house.world.change(Channel, house.channel_id, enabled=False)
        house.world.channel(house.fake.url, type="openai-responses")
    else:
        house.world.change(ChannelKey, row.key_id, enabled=False)
    with pytest.raises(openai.BadRequestError) as refused:
        await say(house, "two", previous_response_id=first.id)
    assert refused.value.code == "previous_response_not_found"
    with pytest.raises(openai.NotFoundError):
        await openai_client(house).responses.retrieve(first.id)
    assert (await say(house, "one, two")).output_text == ANSWER


async def test_a_setting_of_no_days_forgets_contents_but_not_whose_a_vendors_answer_is(house: House) -> None:
    house.world.option("response_retention_days", 0)
    first = await say(house, "one")
    house.clock.advance(29 * DAY)
    assert (await say(house, "two", previous_response_id=first.id)).output_text == ANSWER
    assert (await say(house, "three", store=False)).store is False
    assert len(house.world.all(KeptResponse)) == 2


async def test_a_conversation_is_compacted_at_its_channel_and_paid(house: House) -> None:
    first = await say(house, "one")
    found = await openai_client(house).responses.compact(model="m", previous_response_id=first.id)
    assert found.output[0].type == "compaction"
    assert len({received.key for received in house.fake.chats}) == 1
    assert [entry.credits for entry in house.world.log()] == [12_500, 12_500]
    rested(house)


async def test_a_conversation_object_lives_where_it_was_made(house: House, vendor: Keeping) -> None:
    client = openai_client(house)
    made = await client.conversations.create(metadata={"a": "b"})
    for _ in range(2):
        assert (await say(house, "one", conversation=made.id)).output_text == ANSWER
    assert (await client.conversations.update(made.id, metadata={"a": "c"})).metadata == {"a": "c"}
    assert (await client.conversations.retrieve(made.id)).metadata == {"a": "c"}
    assert (await client.conversations.items.list(made.id)).data == []
    assert len({received.key for received in house.fake.requests}) == 1 and len(house.world.log()) == 2
    mine, house.key = house.key, house.world.token(house.world.user(balance=1_000_000_000))[1]
    with pytest.raises(openai.NotFoundError):
        await openai_client(house).conversations.retrieve(made.id)
    with pytest.raises(openai.BadRequestError):
        await say(house, "one", conversation=made.id)
    house.key = mine
    await client.conversations.delete(made.id)
    assert made.id not in {id for _, id in vendor.kept} | {row.id for row in house.world.all(KeptResponse)}
    with pytest.raises(openai.NotFoundError):
        await client.conversations.retrieve(made.id)
    house.world.change(Channel, house.channel_id, type="openai-compatible")
    with pytest.raises(openai.InternalServerError, match="keeps conversations"):
        await client.conversations.create()


# -- in the background ---------------------------------------------------------------------------------


async def test_what_is_made_in_the_background_is_held_and_charged_once_at_its_end(
    house: House, vendor: Keeping
) -> None:
    begun = await say(house, "one", background=True)
    assert begun.status == "queued" and house.world.log() == [] and house.world.all(Hold)[0].amount > 0
    client = openai_client(house)
    assert (await client.responses.retrieve(begun.id)).status == "queued" and house.world.log() == []
    vendor.finish()
    for _ in range(2):
        assert (await client.responses.retrieve(begun.id)).output_text == ANSWER
    entry = house.entry()
    assert (entry.credits, entry.input_tokens, entry.status, entry.upstream_model) == (12_500, 1000, 200, "gpt-5")
    assert entry.channel_id == house.channel_id and entry.endpoint == "/v1/responses"
    rested(house)


async def test_it_is_charged_when_nobody_asks_for_it_by_any_worker(house: House, vendor: Keeping) -> None:
    await say(house, "one", background=True)
    await house.relay.stop()
    other = Relay(house.tools, random=lambda: 0.0)
    await other.start()  # settles what dead workers left: not this
    assert other.follower is not None and house.world.log() == []
    await other.follower.turn()
    assert house.world.log() == []
    vendor.finish()
    house.clock.advance(HOUR)
    await other.follower.turn()
    await other.follower.turn()
    assert house.entry().credits == 12_500
    rested(house)
    await other.stop()


@pytest.mark.parametrize("id", ["resp_again", "resp_\u0000"])
async def test_it_is_charged_also_where_its_id_is_odd(house: House, vendor: Keeping, id: str) -> None:
    vendor.id = id
    await say(house, "one")
    begun = await say(house, "two", background=True)
    assert begun.id == id
    vendor.finish()
    house.clock.advance(HOUR)
    assert house.relay.follower is not None
    await house.relay.follower.turn()
    assert [entry.credits > 0 for entry in house.world.log()] == [True, True]
    rested(house)


@pytest.mark.parametrize(("status", "usage"), [("failed", None), ("cancelled", None)])
async def test_what_came_to_nothing_costs_nothing(house: House, vendor: Keeping, status: str, usage: Any) -> None:
    begun = await say(house, "one", background=True)
    vendor.finish(status, usage)
    assert (await openai_client(house).responses.retrieve(begun.id)).status == status
    assert (house.entry().credits, status in house.entry().error) == (0, True)
    rested(house)


async def test_cancelling_and_deleting_let_the_hold_go(house: House) -> None:
    for deed in ("cancel", "delete"):
        begun = await say(house, "one", background=True)
        await getattr(openai_client(house).responses, deed)(begun.id)
        rested(house)
    assert [entry.credits for entry in house.world.log()] == [0, 0]


async def test_what_never_ends_is_let_go_after_a_day(house: House) -> None:
    await say(house, "one", background=True)
    assert house.relay.follower is not None
    house.clock.advance(25 * HOUR)
    await house.relay.follower.turn()
    assert "no end" in house.entry().error
    rested(house)


async def test_a_stream_that_is_left_goes_on_in_the_background_and_is_charged_whole(
    house: House, vendor: Keeping
) -> None:
    talk = house.caller.open("/v1/responses", {"model": "m", "input": "x", "background": True, "stream": True})
    await talk.until(b"response.created")
    talk.leave()
    await talk.end()
    row = await written(house)
    assert house.world.log() == [] and len(house.world.all(Hold)) == 1
    vendor.finish()
    await openai_client(house).responses.retrieve(row.id)
    assert house.entry().credits == 12_500
    rested(house)


async def test_who_has_heard_a_stream_and_then_cancels_it_pays_for_what_it_heard(house: House, vendor: Keeping) -> None:
    vendor.heard = 7
    talk = house.caller.open("/v1/responses", {"model": "m", "input": "x", "background": True, "stream": True})
    await talk.until(b"response.output_text.done")
    row = await written(house)
    talk.leave()
    await talk.end()
    await openai_client(house).responses.cancel(row.id)
    entry = house.entry()
    assert entry.credits > 0 and entry.output_tokens > 0 and "cancelled" in entry.error
    house.settled()


async def test_so_does_who_hears_it_afterwards_and_whoever_hears_less_takes_nothing_off(
    house: House, vendor: Keeping
) -> None:
    await say(house, "one", background=True)
    row = await written(house)
    for vendor.heard, last in ((7, b"response.output_text.done"), (3, b"response.output_item.added")):
        talk = house.caller.open(f"/v1/responses/{row.id}", method="GET", query="stream=true")
        await talk.until(last)
        talk.leave()
        await talk.end()
    await openai_client(house).responses.cancel(row.id)
    entry = house.entry()
    assert entry.output_tokens >= 2 and entry.input_tokens > 0 and entry.credits > 0
    house.settled()


async def test_an_odd_word_about_an_answer_is_not_its_end_and_no_counts_are_not_nothing(
    house: House, vendor: Keeping
) -> None:
    begun = await say(house, "one", background=True)
    for odd in (b"{}", b"[]", b"busy", b'{"status":"thinking"}'):
        vendor.odd = odd
        await house.caller.get(f"/v1/responses/{begun.id}")
        assert house.world.log() == [] and len(house.world.all(Hold)) == 1
    vendor.odd = b""
    vendor.finish(usage=None)
    await openai_client(house).responses.retrieve(begun.id)
    assert house.entry().output_tokens > 0 and house.entry().credits > 0
    rested(house)


async def test_one_that_cannot_be_judged_does_not_hold_up_the_others(house: House, vendor: Keeping) -> None:
    await say(house, "one", background=True)
    (row,) = house.world.all(KeptResponse)
    odd = Kept(1, "resp_a", 1, "m", row.channel_id, row.key_id, None, house.tools.now(), None, -(2**62), b"{}")
    responses.save(house.tools, odd, [])
    vendor.finish()
    assert house.relay.follower is not None
    await house.relay.follower.turn()
    assert house.entry().credits == 12_500
