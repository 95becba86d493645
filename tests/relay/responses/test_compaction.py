"""A conversation is made shorter by the model of any channel, and goes on from there on any channel."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from openopen8.core.models import KeptResponse
from relay.responses import compaction
from tests.fakes.upstream import whole
from tests.fakes.vendors import ANSWER
from tests.fakes.vendors.keeping import Keeping
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build
from tests.relay.responses.test_conversations import CONVERTED, built, say

SAID: list[Any] = [
    {"role": "developer", "content": "You list files."},
    {"role": "user", "content": "Which files are there?"},
    {"type": "function_call", "call_id": "call_1", "name": "list", "arguments": '{"path":"/srv"}'},
    {"type": "function_call_output", "call_id": "call_1", "output": "a.txt"},
    {"role": "assistant", "content": "There is a.txt."},
    {"role": "user", "content": [{"type": "input_text", "text": "Remember it."}]},
]


def items(response: Any) -> list[Any]:
    """What the caller sends in the place of all that was said."""
    return [item.model_dump(exclude_none=True, warnings=False) for item in response.output]


@pytest.mark.parametrize("kind", CONVERTED)
async def test_the_model_summarises_and_the_next_turn_knows_the_summary(build: Build, kind: str) -> None:
    house = await built(build, kind)
    client = openai_client(house)
    found = await client.responses.compact(model="m", input=SAID, instructions="Be kind.")
    asked = house.fake.chats[0].body
    assert all(word in asked for word in (b"Be kind.", b"You list files.", b"/srv", b"a.txt", b"Remember it."))
    assert found.object == "response.compaction" and found.usage.total_tokens == 1500
    one, two, short = items(found)
    assert [one["content"][0]["text"], two["content"][0]["text"]] == ["Which files are there?", "Remember it."]
    assert short["type"] == "compaction" and ANSWER not in str(short)
    assert (await say(house, [one, two, short, {"role": "user", "content": "Go on."}])).output_text == ANSWER
    turns = house.fake.chats[1].body
    assert all(word in turns for word in (b"Summary of this conversation", ANSWER.encode(), b"Go on."))
    assert b"/srv" not in turns
    entries = house.world.log()
    assert [(entry.endpoint, entry.credits) for entry in entries] == [
        ("/v1/responses/compact", 12_500), ("/v1/responses", 12_500),
    ]  # fmt: skip
    assert len(house.world.all(KeptResponse)) == 1
    house.settled()


async def test_what_is_kept_here_is_compacted_by_its_id_and_a_summary_is_summarised_again(build: Build) -> None:
    house = await built(build)
    client = openai_client(house)
    first = await say(house, "one")
    short = await client.responses.compact(model="m", previous_response_id=first.id)
    assert b"one" in house.fake.chats[1].body and ANSWER.encode() in house.fake.chats[1].body
    second = await say(house, [*items(short), {"role": "user", "content": "two"}])
    third = await say(house, "three", previous_response_id=second.id)
    assert house.fake.chats[-1].body.count(b"Summary of this conversation") == 1 and third.output_text == ANSWER
    kept = [item.type async for item in await client.responses.input_items.list(second.id, order="asc")]
    assert kept == ["message", "compaction", "message"]
    shorter = await client.responses.compact(model="m", previous_response_id=third.id)
    said = [item["content"][0]["text"] for item in items(shorter)[:-1]]
    assert said == ["one", "two", "three"] and b"Summary of this conversation" in house.fake.chats[-1].body
    house.settled()


async def test_a_vendor_that_speaks_the_api_itself_is_told_the_summary_not_the_item(build: Build) -> None:
    house = await build(channel={"type": "openai-responses", "model_mapping": {"m": "gpt-5"}})
    house.fake.script(Keeping())
    item = compaction.item(house.tools.keyring, house.user.user_id, "cmp_1", "All is well.")
    foreign = {"type": "compaction", "encrypted_content": "gAAAA"}
    assert (await say(house, [foreign, item, {"role": "user", "content": "Go on."}])).output_text == ANSWER
    sent = house.fake.chats[0].json["input"]
    assert sent[0] == foreign and sent[2] == {"role": "user", "content": "Go on."}
    assert sent[1]["content"] == [{"type": "input_text", "text": compaction.HEAD + "All is well."}]
    await openai_client(house).responses.compact(model="m", input=[item])
    assert house.fake.chats[1].path == "/v1/responses/compact" and b"All is well." in house.fake.chats[1].body
    house.settled()


async def test_an_item_that_was_changed_or_is_another_users_or_too_much_is_a_400(build: Build) -> None:
    house = await built(build)
    item = compaction.item(house.tools.keyring, house.user.user_id, "cmp_1", "secret plans")
    sealed = item["encrypted_content"]
    other = house.tools.keyring.seal_bytes(b"x").hex()
    for odd in (sealed[:-8] + "AAAAAAA=", sealed[:20], "oo8.summary.", "oo8.summary.é", f"oo8.summary.{other}"):
        with pytest.raises(openai.BadRequestError) as refused:
            await say(house, [{**item, "encrypted_content": odd}])
        assert refused.value.param == "input.0.encrypted_content"
    much = compaction.item(house.tools.keyring, house.user.user_id, "cmp_2", "a" * 200_000)
    with pytest.raises(openai.BadRequestError) as refused:
        await say(house, [much] * 6)
    assert refused.value.code == "context_length_exceeded"
    house.key = house.world.token(house.world.user(balance=1_000_000_000))[1]
    with pytest.raises(openai.BadRequestError) as refused:
        await say(house, [item])
    assert "secret" not in str(refused.value) and house.fake.chats == []
    house.settled()


async def test_no_summary_is_no_compaction(build: Build) -> None:
    house = await built(build)
    house.fake.script(whole(""))
    with pytest.raises(openai.InternalServerError) as failed:
        await openai_client(house).responses.compact(model="m", input=SAID)
    assert failed.value.status_code == 502 and "no summary" in str(failed.value)
    for odd in ({"input": []}, {"input": [1]}, {"input": [{"role": "user", "content": [1]}]}, {"input": {}}, {}):
        reply = await house.caller.post("/v1/responses/compact", {"model": "m", **odd})
        assert reply.status == 400, odd
    house.settled()
