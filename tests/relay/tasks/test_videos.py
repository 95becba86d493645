"""POST /v1/videos and what follows: asked after in the background, fetched, charged once, given back on failure."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import pytest

from openopen8.core.models import Channel, ChannelKey, LogEntry, Task
from openopen8.core.services import credits, tasks
from relay.app import Relay
from tests.fakes.upstream import FakeUpstream, cut_at_once, status
from tests.fakes.vendors.kling import KEY, kling
from tests.fakes.vendors.sora import sora
from tests.fakes.vendors.tasks import VIDEO, Studio
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House
from tests.relay.tasks.studio import balance, later, opened, task

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BODY = {"model": "m", "prompt": "a cat on a piano", "seconds": "8", "size": "1280x720"}


@contextlib.asynccontextmanager
async def time_passing(house: House) -> AsyncIterator[None]:
    async def pass_on() -> None:
        while True:
            await later(house)
            await asyncio.sleep(0.01)

    passing = asyncio.create_task(pass_on())
    yield
    passing.cancel()


@pytest.fixture
def studio() -> Studio:
    return sora()


@pytest.fixture
async def house(build: Build, studio: Studio) -> House:
    return await opened(build, studio, "openai", "sora-2")


async def test_openais_client_makes_a_video_waits_for_it_and_fetches_it(house: House, studio: Studio) -> None:
    client = openai_client(house)
    async with time_passing(house):
        making = asyncio.create_task(
            client.videos.create_and_poll(
                model="m",  # type: ignore[arg-type]
                prompt="a cat",
                seconds="8",
                size="1280x720",
                input_reference=("a.png", b"\x89PNG", "image/png"),
                poll_interval_ms=10,
            )
        )
        while not studio.made:
            await asyncio.sleep(0.01)
        studio.end()
        video = await making
    assert (video.status, video.progress, video.model, video.seconds) == ("completed", 100, "m", "8")
    assert video.id.startswith("video_") and video.id not in studio.made
    sent = studio.last.body
    assert sent == {
        "model": "sora-2", "prompt": "a cat", "seconds": "8", "size": "1280x720",
        "input_reference": {"image_url": "data:image/png;base64,iVBORw=="},
    }  # fmt: skip
    assert (await client.videos.download_content(video.id)).content == VIDEO
    assert (await client.videos.download_content(video.id, variant="thumbnail")).content == b"picture"
    house.settled()


async def test_a_video_is_charged_by_the_second_once_and_no_prompt_is_kept(house: House, studio: Studio) -> None:
    reply = await house.caller.post("/v1/videos", BODY)
    assert reply.json["status"] == "queued" and reply.headers["x-openopen8-credits"] == "8000"
    studio.end("running")
    await later(house)
    assert (await house.caller.get(f"/v1/videos/{reply.json['id']}")).json["progress"] == 40
    studio.end()
    await later(house, 20)
    entry = house.entry()
    assert (entry.credits, entry.endpoint, entry.status) == (8000, "/v1/videos", 200)
    assert entry.channel_id == house.channel_id
    assert entry.receipt is not None and entry.receipt["lines"] == [
        {"bucket": "units.seconds", "count": 8, "ratio": "1000"}
    ]
    kept = task(house)
    assert (kept.state, kept.credits, kept.refunded, kept.poll_at) == ("succeeded", 8000, 0, None)
    assert "piano" not in repr(kept.model_dump())
    looks = studio.looks
    await later(house, 3600)
    assert studio.looks == looks
    house.settled()


async def test_a_failed_video_is_given_back_once_and_says_why(house: House, studio: Studio) -> None:
    id = (await house.caller.post("/v1/videos", BODY)).json["id"]
    studio.end("failed")
    await asyncio.gather(later(house), later(house), later(house))
    await later(house, 100)
    tasks.heard(house.tools, id, tasks.News("failed"), house.clock.now())  # by a worker that asked at the same time
    assert balance(house) == 0
    (correction,) = house.world.log("correction")
    assert correction.credits == -8000 and correction.request_id == house.entry().request_id
    assert id in correction.error and "moderation_blocked" in correction.error
    shown = (await house.caller.get(f"/v1/videos/{id}")).json
    assert shown["status"] == "failed" and "blocked" in shown["error"]["message"]
    assert task(house).refunded == 8000
    house.settled()


async def test_what_an_admin_gave_back_before_is_not_given_twice(house: House, studio: Studio) -> None:
    await house.caller.post("/v1/videos", BODY)
    await later(house)
    root = house.world.user("root", role="root")
    credits.correct(house.tools, root, house.entry().request_id, 3000, "sorry")
    studio.end("failed")
    await later(house, 20)
    assert balance(house) == 0
    house.settled()


async def test_a_video_that_never_ends_is_given_back_when_its_time_is_over(house: House, studio: Studio) -> None:
    await house.caller.post("/v1/videos", BODY)
    studio.end("running")
    await later(house, tasks.LONGEST // 1000 - 10)
    assert balance(house) == 8000
    await later(house, 40)
    assert balance(house) == 0 and task(house).error == "It did not end within 24 hours."
    house.settled()


async def test_a_provider_that_is_away_is_asked_again(house: House, studio: Studio) -> None:
    await house.caller.post("/v1/videos", BODY)
    for fault in (500, 429, 401, 503):
        studio.fault = fault
        await later(house, 400)
    studio.fault = 0
    studio.end()
    await later(house, 400)
    assert task(house).state == "succeeded" and balance(house) == 8000


async def test_a_video_that_its_provider_has_lost_is_given_back(house: House, studio: Studio) -> None:
    await house.caller.post("/v1/videos", BODY)
    studio.made.clear()
    while task(house).state != "failed":
        await later(house, 400)
    assert balance(house) == 0 and studio.looks >= 5
    house.settled()


async def test_a_hold_covers_all_seconds_before_anything_is_made(build: Build, studio: Studio) -> None:
    house = await opened(build, studio, "openai", "sora-2")
    house.world.option("strict_holds", True)
    caller = house.other_caller(quota=7999)
    reply = await caller.post("/v1/videos", BODY)
    assert (reply.status, reply.json["error"]["code"]) == (403, "insufficient_token_quota")
    assert studio.made == {}
    assert (await caller.post("/v1/videos", {**BODY, "seconds": 4})).status == 200
    assert (await caller.post("/v1/videos", {**BODY, "seconds": 4})).status == 403


async def test_a_price_per_call_and_one_without_seconds(house: House, studio: Studio) -> None:
    house.world.price(input="5", output="15", valid_from=2)
    reply = await house.caller.post("/v1/videos", BODY)
    assert (reply.status, reply.json["error"]["code"]) == (400, "model_not_priced") and studio.made == {}
    house.world.price(per_call=700, valid_from=3)
    reply = await house.caller.post("/v1/videos", BODY)
    assert reply.headers["x-openopen8-credits"] == "700"
    house.settled()


async def test_what_the_provider_refuses_costs_nothing_and_leaves_no_task(house: House, studio: Studio) -> None:
    reply = await house.caller.post("/v1/videos", {**BODY, "seconds": 5})
    assert (reply.status, reply.json["error"]["message"]) == (400, "Invalid value for seconds")
    house.fake.script(cut_at_once())
    assert (await house.caller.post("/v1/videos", BODY)).status == 502
    assert balance(house) == 0 and house.world.all(Task) == []
    house.settled()


async def test_what_is_no_request_for_a_video_is_told_with_its_field(house: House) -> None:
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"prompt": ""}, "prompt"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": "8s"}, "seconds"),
        ({"seconds": 2.5}, "seconds"),
        ({"seconds": 601}, "seconds"),
        ({"size": "large"}, "size"),
        ({"input_reference": {"file_id": "file-1"}}, "input_reference.file_id"),
        ({"model": 7}, "model"),
    )
    for change, param in wrong:
        reply = await house.caller.post("/v1/videos", {**BODY, **change})
        assert (reply.status, reply.json["error"]["param"]) == (400, param)


async def test_broken_forms_are_a_400(house: House) -> None:
    for body in (b"", b"--", b"--x\r\n", b"--x\r\n\r\n\r\n--x--", b"--x\r\nabc\r\n--x--\r\n", b"[]"):
        assert (await house.caller.post("/v1/videos", body)).status == 400
    twice = b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nhi\r\n'
    assert (await house.caller.post("/v1/videos", twice * 2 + b"--x--\r\n")).status == 400


async def test_a_caller_that_leaves_has_its_video_all_the_same(house: House, studio: Studio) -> None:
    async def slow(exchange: Any) -> None:
        await exchange.gate()
        await studio(exchange)

    house.fake.script(slow)
    talk = house.caller.open("/v1/videos", BODY)
    while not house.fake.chats:
        await asyncio.sleep(0.01)
    talk.leave()
    await asyncio.sleep(0.05)
    house.fake.let()
    while not house.world.log():
        await asyncio.sleep(0.01)
    house.fake.script(studio)
    found = await house.caller.get("/v1/videos")
    assert len(found.json["data"]) == 1 and balance(house) == 8000


async def test_tasks_survive_the_end_of_their_worker(house: House, studio: Studio) -> None:
    id = (await house.caller.post("/v1/videos", BODY)).json["id"]
    await house.relay.stop()
    studio.end("failed")
    house.clock.advance(10_000)
    other = Relay(house.tools, poll_every=0.01)
    await other.start()
    try:
        while task(house).state != "failed":
            await asyncio.sleep(0.01)
    finally:
        await other.stop()
    assert balance(house) == 0 and task(house).id == id
    house.settled()


async def test_a_task_whose_charge_was_lost_in_a_crash_is_nobodys(house: House, studio: Studio) -> None:
    """The process died between the task's row and the charge: the caller has no id and pays nothing."""
    id = (await house.caller.post("/v1/videos", BODY)).json["id"]
    (entry,) = house.world.log()
    house.world.change(LogEntry, entry.id or 0, status=None, error="interrupted: the server stopped", credits=0)
    assert (await house.caller.get(f"/v1/videos/{id}")).status == 404
    assert (await house.caller.get("/v1/videos")).json["data"] == []
    await later(house)
    assert house.world.all(Task) == []


async def test_videos_are_their_users_own(house: House, studio: Studio) -> None:
    id = (await house.caller.post("/v1/videos", BODY)).json["id"]
    stranger = house.world.user()
    other = type(house.caller)(house.relay, house.world.token(stranger)[1], lobby=house.lobby)
    for path in (f"/v1/videos/{id}", f"/v1/videos/{id}/content"):
        assert (await other.get(path)).status == 404
    assert (await other.get("/v1/videos")).json["data"] == []
    assert (await other.open(f"/v1/videos/{id}", method="DELETE").end()).status == 404
    assert (await other.post(f"/v1/videos/{id}/remix", {"prompt": "x"})).status == 404
    assert (await house.other_caller().get(f"/videos/{id}")).status == 200
    nobody = type(house.caller)(house.relay, "", lobby=house.lobby)
    assert (await nobody.get(f"/v1/videos/{id}")).status == 401


async def test_lists_come_in_pages_newest_first(house: House, studio: Studio) -> None:
    ids = []
    for _ in range(3):
        ids.append((await house.caller.post("/v1/videos", {**BODY, "seconds": 4})).json["id"])
        house.clock.advance(1)
    client = openai_client(house)
    assert [video.id async for video in client.videos.list(limit=2)] == ids[::-1]
    assert [video.id async for video in client.videos.list(limit=2, order="asc")] == ids
    for limit in ("0", "101", "%C2%B2", "00001999", "1" + "0" * 5000):
        assert (await house.caller.get("/v1/videos", query=f"limit={limit}")).status == 400


async def test_parts_of_a_video_can_be_fetched_and_nothing_else_of_the_provider_shows(
    house: House, studio: Studio
) -> None:
    id = (await house.caller.post("/v1/videos", BODY)).json["id"]
    assert (await house.caller.get(f"/v1/videos/{id}/content")).status == 409
    studio.end()
    await later(house)
    reply = await house.caller.get(f"/v1/videos/{id}/content", headers={"range": "bytes=10-19"})
    assert (reply.status, reply.body) == (206, VIDEO[10:20])
    assert reply.headers["content-range"] == f"bytes 10-19/{len(VIDEO)}" and "x-secret" not in reply.headers
    assert (await house.caller.get(f"/v1/videos/{id}/content", query="variant=audio")).status == 400


async def test_a_caller_that_leaves_its_download_stops_the_provider(house: House, studio: Studio) -> None:
    id = (await house.caller.post("/v1/videos", BODY)).json["id"]
    studio.end()
    await later(house)

    async def endless(exchange: Any) -> None:
        await exchange.head(200, {"content-type": "text/html", "content-length": "1000000000"})
        while not exchange.received.left.is_set():
            await exchange.raw(b"x" * 1000)
            await asyncio.sleep(0.005)

    house.fake.script(endless)
    talk = house.caller.open(f"/v1/videos/{id}/content", method="GET")
    await talk.until(b"xxx")
    assert talk.reply.headers["content-type"] == "application/octet-stream"  # no page of a provider's opens as ours
    talk.leave()
    await talk.end()
    assert house.fake.requests[-1].left.wait(10)


@pytest.mark.parametrize("how", ["named", "redirect"])
async def test_an_address_that_a_provider_names_never_leads_into_the_own_network(build: Build, how: str) -> None:
    studio = kling()
    house = await opened(build, studio, "kling", "kling-v1", keys=(KEY,))
    id = (await house.caller.post("/v1/videos", {**BODY, "seconds": 5})).json["id"]
    studio.end()
    with FakeUpstream(status(200, {"secret": 1})) as inside:
        if how == "named":
            studio.url = inside.url
        await later(house)
        if how == "redirect":
            house.fake.script(status(302, {}, {"location": inside.url + "/cdn/a.mp4"}))
        reply = await house.caller.get(f"/v1/videos/{id}/content")
        assert (reply.status, inside.requests) == (502, []), reply.body


async def test_a_key_that_was_replaced_loses_no_video(house: House, studio: Studio) -> None:
    id = (await house.caller.post("/v1/videos", BODY)).json["id"]
    studio.end()
    (key,) = house.world.all(ChannelKey)
    with house.tools.db.write() as session:
        session.add(ChannelKey(**key.model_dump(exclude={"id"})))
        session.delete(session.get(ChannelKey, key.id))
    await later(house)
    assert (await house.caller.get(f"/v1/videos/{id}/content")).body == VIDEO


async def test_a_remix_goes_where_the_video_was_made_and_costs_as_much(house: House, studio: Studio) -> None:
    house.world.channel("http://127.0.0.1:9", type="openai", priority=9, rest_until=2**60)
    client = openai_client(house)
    first = await client.videos.create(model="m", prompt="a cat", seconds="8")  # type: ignore[arg-type]
    with pytest.raises(openai.BadRequestError):
        await client.videos.remix(first.id, prompt="a dog")
    studio.end()
    await later(house)
    second = await client.videos.remix(first.id, prompt="a dog")
    assert second.remixed_from_video_id == first.id and studio.last.path.endswith("/video-1/remix")
    assert balance(house) == 16_000


async def test_a_deleted_video_is_deleted_at_the_providers_too(house: House, studio: Studio) -> None:
    client = openai_client(house)
    video = await client.videos.create(model="m", prompt="a cat")  # type: ignore[arg-type]
    with pytest.raises(openai.ConflictError):
        await client.videos.delete(video.id)
    studio.end()
    await later(house)
    assert (await client.videos.delete(video.id)).deleted
    assert studio.made == {} and house.world.all(Task) == []
    assert balance(house) == 4000


async def test_a_task_outlives_the_end_of_its_channels_service(house: House, studio: Studio) -> None:
    await house.caller.post("/v1/videos", BODY)
    house.world.change(Channel, house.channel_id, enabled=False)
    studio.end()
    await later(house)
    assert task(house).state == "succeeded"


async def test_a_channel_of_the_type_sora_makes_videos_and_nothing_else(build: Build, studio: Studio) -> None:
    house = await opened(build, studio, "sora", "sora-2-pro")
    assert (await house.caller.post("/videos", BODY)).status == 200 and studio.last.body["model"] == "sora-2-pro"
    assert (await house.caller.chat()).status == 503


def test_the_client_under_test_sends_forms() -> None:
    """The reason why forms are read here: OpenAI's client knows no other way."""
    sent: list[bytes] = []

    def hear(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.read())
        return httpx2.Response(500)

    client = openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=httpx2.MockTransport(hear)), max_retries=0)
    with pytest.raises(openai.InternalServerError):
        client.videos.create(prompt="a cat")
    assert sent[0].startswith(b"--")
