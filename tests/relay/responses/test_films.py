"""A model that makes videos, asked through the Responses API with OpenAI's own client: one task, one charge."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import openai
import pytest
from openai.types.responses import Response

from openopen8.core.models import KeptResponse, Task
from tests.fakes.vendors.sora import sora
from tests.fakes.vendors.tasks import VIDEO, Studio
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House
from tests.relay.tasks.studio import balance, later, opened, task

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ASKED: dict[str, Any] = {"model": "m", "input": "a cat on a piano", "metadata": {"seconds": "8", "size": "1280x720"}}
PICTURE = "data:image/png;base64,iVBORw=="


@pytest.fixture
def studio() -> Studio:
    return sora()


@pytest.fixture
async def house(build: Build, studio: Studio) -> House:
    return await opened(build, studio, "openai", "sora-2")


async def ended(house: House, studio: Studio, state: str, response: asyncio.Task[Any]) -> Any:
    """What the caller gets who waits, while the video comes to its end."""
    while not (studio.made or response.done()):
        await asyncio.sleep(0.01)
    studio.end(state)
    while not response.done():
        await later(house)
        await asyncio.sleep(0.05)
    return await response


async def test_in_the_background_it_is_answered_at_once_and_tells_its_state_until_the_video_can_be_fetched(
    house: House, studio: Studio
) -> None:
    client = openai_client(house)
    begun = await client.responses.create(**ASKED, background=True)
    assert (begun.status, begun.output, begun.model, begun.background) == ("queued", [], "m", True)
    assert begun.metadata == ASKED["metadata"]
    assert studio.last.body == {
        "model": "sora-2", "prompt": "a cat on a piano", "seconds": "8", "size": "1280x720",
    }  # fmt: skip
    studio.end("running")
    await later(house)
    assert (await client.responses.retrieve(begun.id)).status == "in_progress"
    with pytest.raises(openai.ConflictError):
        await client.responses.cancel(begun.id)
    studio.end()
    await later(house, 20)
    found = await client.responses.cancel(begun.id)
    made = task(house)
    assert (found.id, found.status, found.error) == (begun.id, "completed", None)
    assert f"/v1/videos/{made.id}/content" in found.output_text
    assert (await client.videos.download_content(made.id)).content == VIDEO
    assert (house.entry().credits, house.entry().endpoint, balance(house)) == (8000, "/v1/responses", 8000)
    assert house.world.all(KeptResponse) == [] and "piano" not in repr(made.model_dump())
    house.settled()


async def test_who_does_not_want_it_in_the_background_waits_for_the_video(house: House, studio: Studio) -> None:
    content = [{"type": "input_text", "text": "a cat"}, {"type": "input_image", "image_url": PICTURE, "detail": "low"}]
    given = [{"role": "user", "content": "a dog"}, {"role": "user", "content": content}]
    client = openai_client(house)
    create = client.responses.with_raw_response.create
    raw = await ended(house, studio, "succeeded", asyncio.create_task(create(model="m", input=given, temperature=0)))  # type: ignore[arg-type]
    found: Response = raw.parse()
    assert found.status == "completed" and task(house).id in found.output_text
    assert raw.headers["x-openopen8-loss"] == "input, temperature" and raw.headers["x-openopen8-credits"] == "4000"
    assert (studio.last.body["prompt"], studio.last.body["input_reference"]) == ("a cat", {"image_url": PICTURE})
    assert (await client.responses.retrieve(found.id)).output_text == found.output_text
    house.settled()


async def test_a_stream_tells_of_the_beginning_and_of_the_video(house: House, studio: Studio) -> None:
    async def heard() -> tuple[list[str], Response]:
        async with openai_client(house).responses.stream(**ASKED) as stream:
            kinds = [event.type async for event in stream]
            return kinds, await stream.get_final_response()

    kinds, found = await ended(house, studio, "succeeded", asyncio.create_task(heard()))
    assert kinds[:2] == ["response.created", "response.in_progress"] and kinds[-1] == "response.completed"
    assert "response.output_text.done" in kinds and task(house).id in found.output_text
    assert (await openai_client(house).responses.retrieve(found.id)).output_text == found.output_text
    house.settled()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_video_that_fails_is_a_failed_response_and_costs_nothing(
    house: House, studio: Studio, stream: bool
) -> None:
    asking = asyncio.create_task(house.caller.post("/v1/responses", {**ASKED, "stream": stream}))
    reply = await ended(house, studio, "failed", asking)
    found = reply.events[-1]["response"] if stream else reply.json
    assert (reply.status, found["status"], found["output"]) == (200, "failed", [])
    assert found["error"]["code"] == "server_error" and "blocked" in found["error"]["message"]
    assert balance(house) == 0 and "x-openopen8-credits" not in reply.headers
    house.settled()


@pytest.mark.parametrize("stream", [False, True])
async def test_who_has_waited_as_long_as_a_request_may_is_told_so_and_asks_again(
    house: House, studio: Studio, stream: bool
) -> None:
    asking = house.caller.open("/v1/responses", {**ASKED, "stream": stream})
    while not house.world.log():
        await asyncio.sleep(0.1)
    if stream:
        await asking.until(b"response.in_progress")
    await asyncio.sleep(0.5)
    assert house.relay.gate is not None
    for one in tuple(house.relay.gate.ticker._members):
        one.tick(math.inf)
    reply = await asking.end()
    first = reply.events[0]["response"] if stream else reply.json
    assert (reply.status, first["status"]) == (200, "queued")
    if stream:
        assert reply.events[-1]["type"] == "error" and "ask for this response again" in reply.events[-1]["message"]
    studio.end()
    await later(house)
    assert (await openai_client(house).responses.retrieve(first["id"])).status == "completed"
    assert balance(house) == 8000
    house.settled()


async def test_a_video_goes_on_when_its_caller_has_left(house: House, studio: Studio) -> None:
    asking = house.caller.open("/v1/responses", ASKED)
    while not (house.world.all(Task) and house.world.log()):
        await asyncio.sleep(0.01)
    asking.leave()
    await asking.end()
    studio.end()
    await later(house)
    found = await openai_client(house).responses.retrieve(f"resp_{task(house).id}")
    assert found.status == "completed" and (house.entry().status, balance(house)) == (200, 8000)
    house.settled()


async def test_a_response_is_deleted_with_its_video(house: House, studio: Studio) -> None:
    client = openai_client(house)
    begun = await client.responses.create(**ASKED, background=True)
    with pytest.raises(openai.ConflictError):
        await client.responses.delete(begun.id)
    studio.end()
    await later(house)
    await client.responses.delete(begun.id)
    assert house.world.all(Task) == [] and studio.made == {}
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(begun.id)


async def test_nobody_sees_another_users_video_nor_a_video_of_another_api_as_a_response(
    house: House, studio: Studio
) -> None:
    client = openai_client(house)
    begun = await client.responses.create(**ASKED, background=True)
    video = (await house.caller.post("/v1/videos", {"model": "m", "prompt": "x"})).json["id"]
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(f"resp_{video}")
    house.key = house.world.token(house.world.user(balance=1))[1]
    with pytest.raises(openai.NotFoundError):
        await openai_client(house).responses.retrieve(begun.id)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"tools": [{"type": "web_search"}]}, "tools"),
    ({"instructions": "be kind"}, "instructions"),
    ({"store": False}, "store"),
    ({"input": [{"role": "assistant", "content": "x"}]}, "input"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": PICTURE}]}]}, "input"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
     "input.0.content.0.image_url"),
    ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input.0.content.0"),
    ({"metadata": {"seconds": "long"}}, "metadata.seconds"),
    ({"metadata": {"seconds": 8}}, "metadata"),
    ({"metadata": {"x": "y" * 513}}, "metadata"),
]  # fmt: skip


async def test_what_means_nothing_to_a_video_is_refused_by_name(house: House, studio: Studio) -> None:
    for change, param in REFUSED:
        reply = await house.caller.post("/v1/responses", {**ASKED, **change})
        assert (reply.status, reply.json["error"]["param"]) == (400, param), change
    assert studio.made == {} and balance(house) == 0
    house.settled()


async def test_a_model_that_chats_is_no_video_though_its_channel_can_make_some(build: Build, studio: Studio) -> None:
    house = await opened(build, studio, "openai", "gpt-5")
    await house.caller.post("/v1/responses", ASKED)
    assert studio.made == {} and house.fake.requests[-1].path == "/v1/responses"


async def test_without_a_price_for_seconds_nothing_is_made(build: Build, studio: Studio) -> None:
    house = await build(channel={"type": "sora", "models": ("m",), "model_mapping": {"m": "sora-2"}})
    house.fake.script(studio)
    reply = await house.caller.post("/v1/responses", ASKED)
    assert (reply.status, reply.json["error"]["code"]) == (400, "model_not_priced")
    assert studio.made == {}
