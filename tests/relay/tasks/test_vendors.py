"""Each vendor of videos: the common form and OpenAI's carried to it, and its own words passed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from relay import probe
from tests.fakes.upstream import status
from tests.fakes.vendors import jimeng as jimeng_fake
from tests.fakes.vendors import kling as kling_fake
from tests.fakes.vendors.doubao import doubao
from tests.fakes.vendors.jimeng import jimeng
from tests.fakes.vendors.kling import kling
from tests.fakes.vendors.sora import sora
from tests.fakes.vendors.tasks import VIDEO, Studio
from tests.fakes.vendors.vidu import vidu
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House
from tests.relay.tasks.studio import balance, later, opened, task

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PICTURE = "https://example.com/a.png"
PIXELS = "data:image/png;base64,iVBORw=="


@dataclass(frozen=True)
class Case:
    """One vendor: what the gateway makes of one wish, and how its own callers speak."""

    type: str
    studio: Callable[[], Studio]
    model: str
    text: dict[str, Any]
    """Of ``10 s, 1280x720, seed 7, metadata {cfg}``, without pictures."""
    picture: dict[str, Any]
    """What a first frame given as pixels becomes."""
    native: str
    native_body: dict[str, Any]
    native_query: str = ""
    look: str = ""
    id: Callable[[Any], str] = field(default=lambda answer: str(answer["id"]))
    key: str = "upstream-key"
    extra: dict[str, Any] = field(default_factory=dict)
    lost: str = ""

    def __str__(self) -> str:
        return self.type


CASES = (
    Case(
        "kling", kling, "kling-v2-6",
        {"model_name": "kling-v2-6", "prompt": "a cat", "duration": "10", "aspect_ratio": "16:9", "mode": "pro",
         "negative_prompt": "dogs"},
        {"image": "iVBORw=="},
        "/kling/v1/videos/text2video", {"model_name": "m", "prompt": "a cat", "duration": "10", "cfg_scale": 0.5},
        look="/kling/v1/videos/text2video/{id}", id=lambda answer: str(answer["data"]["task_id"]), key=kling_fake.KEY,
        extra={"metadata": {"mode": "pro"}}, lost="seed",
    ),
    Case(
        "jimeng", jimeng, "jimeng_ti2v_v30_pro",
        {"req_key": "jimeng_ti2v_v30_pro", "prompt": "a cat", "frames": 241, "aspect_ratio": "16:9", "seed": 7},
        {"binary_data_base64": ["iVBORw=="]},
        "/jimeng", {"req_key": "m", "prompt": "a cat", "frames": 241},
        "Action=CVSync2AsyncSubmitTask&Version=2022-08-31",
        look="Action=CVSync2AsyncGetResult&Version=2022-08-31", id=lambda answer: str(answer["data"]["task_id"]),
        key=jimeng_fake.KEY, lost="negative_prompt",
    ),
    Case(
        "doubao", doubao, "doubao-seedance-1-0-pro-250528",
        {"model": "doubao-seedance-1-0-pro-250528", "content": [{"type": "text", "text": "a cat"}], "duration": 10,
         "ratio": "16:9", "resolution": "720p", "seed": 7, "watermark": False},
        {"content": [{"type": "text", "text": "a cat"},
                     {"type": "image_url", "image_url": {"url": PIXELS}, "role": "first_frame"}]},
        "/doubao/api/v3/contents/generations/tasks",
        {"model": "m", "content": [{"type": "text", "text": "a cat --dur 10"}], "watermark": True},
        look="/doubao/api/v3/contents/generations/tasks/{id}", extra={"metadata": {"watermark": False}},
        lost="negative_prompt",
    ),
    Case(
        "vidu", vidu, "viduq2",
        {"model": "viduq2", "prompt": "a cat", "duration": 10, "aspect_ratio": "16:9", "resolution": "720p", "seed": 7,
         "bgm": True},
        {"images": [PIXELS]},
        "/vidu/ent/v2/text2video", {"model": "m", "prompt": "a cat", "duration": 10, "style": "anime"},
        look="/vidu/ent/v2/tasks/{id}/creations", id=lambda answer: str(answer.get("task_id") or answer["id"]),
        extra={"metadata": {"bgm": True}}, lost="negative_prompt",
    ),
)  # fmt: skip

each = pytest.mark.parametrize("case", CASES, ids=str)
WISH = {"model": "m", "prompt": "a cat", "duration": 10, "size": "1280x720", "seed": 7, "negative_prompt": "dogs"}


async def house_of(build: Build, case: Case) -> tuple[House, Studio]:
    studio = case.studio()
    return await opened(build, studio, case.type, case.model, keys=(case.key,)), studio


@each
async def test_the_common_form_is_carried_and_what_is_made_can_be_fetched(build: Build, case: Case) -> None:
    house, studio = await house_of(build, case)
    reply = await house.caller.post("/v1/video/generations", {**WISH, **case.extra})
    assert reply.json["status"] == "queued" and reply.headers["x-openopen8-credits"] == "10000", reply.json
    assert studio.last.body == case.text
    assert reply.headers["x-openopen8-loss"] == case.lost
    where = f"/v1/video/generations/{reply.json['task_id']}"
    studio.end("running")
    await later(house)
    assert (await house.caller.get(where)).json["status"] == "in_progress"
    studio.end()
    await later(house)
    done = (await house.caller.get(where)).json
    assert done["status"] == "completed" and done["url"].startswith(house.fake.url + "/cdn/")
    assert done["metadata"] == {"duration": 10, "width": 1280, "height": 720} and done["error"] is None
    content = await house.caller.get(f"/v1/videos/{done['task_id']}/content")
    assert content.body == VIDEO and content.headers["content-type"] == "video/mp4"
    assert balance(house) == 10_000
    house.settled()


@each
async def test_what_a_vendor_fails_at_is_given_back_and_said(build: Build, case: Case) -> None:
    house, studio = await house_of(build, case)
    id = (await house.caller.post("/v1/video/generations", WISH)).json["task_id"]
    studio.end("failed")
    await later(house)
    shown = (await house.caller.get(f"/v1/video/generations/{id}")).json
    assert shown["status"] == "failed" and len(shown["error"]["message"]) > 10
    assert balance(house) == 0
    house.settled()


@each
async def test_openais_client_and_its_form_with_a_picture(build: Build, case: Case) -> None:
    house, studio = await house_of(build, case)
    client = openai_client(house)
    video = await client.videos.create(
        model="m",  # type: ignore[arg-type]
        prompt="a cat",
        seconds="10",  # type: ignore[arg-type]
        input_reference=("a.png", b"\x89PNG", "image/png"),
    )
    assert video.status == "queued" and case.picture.items() <= studio.last.body.items()
    studio.end()
    await later(house)
    assert (await client.videos.retrieve(video.id)).status == "completed"
    assert (await client.videos.download_content(video.id)).content == VIDEO


@each
async def test_a_vendors_own_words_pass_and_its_callers_follow_their_task(build: Build, case: Case) -> None:
    house, studio = await house_of(build, case)

    async def look() -> Any:
        if case.native_query:
            asked = {"req_key": "m", "task_id": id}
            return (await house.caller.post(case.native, asked, query=case.look)).json
        return (await house.caller.get(case.look.format(id=id))).json

    reply = await house.caller.post(case.native, case.native_body, query=case.native_query)
    assert reply.headers["x-openopen8-credits"] == "10000", reply.json
    sent = dict(case.native_body)
    sent |= {name: case.model for name in ("model", "model_name", "req_key") if name in sent}
    assert studio.last.body == sent
    id = case.id(reply.json)
    assert id == task(house).id and studio.last.id not in reply.body.decode()
    stranger = CASES[2] if case.type != "doubao" else CASES[3]
    assert (await house.caller.get(stranger.look.format(id=id))).status == 404
    studio.end("running")
    await later(house)
    assert studio.last.id not in repr(await look())
    studio.end()
    await later(house)
    assert house.fake.url + "/cdn/" in repr(await look())
    assert house.entry().endpoint == case.native and balance(house) == 10_000
    house.settled()


@each
async def test_a_task_that_the_gateway_gave_up_has_failed_in_the_vendors_words_too(build: Build, case: Case) -> None:
    house, studio = await house_of(build, case)
    reply = await house.caller.post(case.native, case.native_body, query=case.native_query)
    studio.end("running")
    await later(house)
    studio.made.clear()
    while task(house).state != "failed":
        await later(house, 400)
    if case.native_query:
        asked = {"req_key": "m", "task_id": case.id(reply.json)}
        shown = (await house.caller.post(case.native, asked, query=case.look)).json
        assert shown["data"]["status"] == "not_found"
    else:
        shown = (await house.caller.get(case.look.format(id=case.id(reply.json)))).json
        assert "failed" in repr(shown)
    assert balance(house) == 0


@each
async def test_a_vendors_own_words_go_to_channels_of_that_vendor_alone(build: Build, case: Case) -> None:
    house = await opened(build, sora(), "openai", "sora-2")
    reply = await house.caller.post(case.native, case.native_body, query=case.native_query)
    assert reply.status == 503 and house.fake.chats == []


async def test_what_is_no_wish_is_told_with_its_field(build: Build) -> None:
    house, studio = await house_of(build, CASES[0])
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"prompt": ""}, "prompt"),
        ({"duration": "long"}, "duration"),
        ({"n": 2}, "n"),
        ({"metadata": 7}, "metadata"),
        ({"metadata": {"frames": 289}}, "metadata.frames"),
        ({"images": [PICTURE] * 3}, "images"),
        ({"seed": "x"}, "seed"),
        ({"model": None}, "model"),
        ({"size": None, "width": 10**400, "height": 1}, "width"),
        ({"size": None, "width": -1, "height": -1}, "width"),
    )
    for change, param in wrong:
        reply = await house.caller.post("/v1/video/generations", {**WISH, **change})
        assert (reply.status, reply.json["error"]["param"]) == (400, param)
    assert studio.made == {}


@each
async def test_odd_lengths_in_a_vendors_own_words_are_a_400(build: Build, case: Case) -> None:
    house, studio = await house_of(build, case)
    name = "frames" if case.type == "jimeng" else "duration"
    for odd in ("1" * 5000, "0" * 5000, "00000006000", 10**400, "²", [], 0):
        reply = await house.caller.post(case.native, {**case.native_body, name: odd}, query=case.native_query)
        assert (reply.status, studio.made) == (400, {}), odd
    if case.type == "doubao":
        house.fake.script(status(400, {"error": {"message": "no content"}}))  # the vendor's to judge
        assert (await house.caller.post(case.native, {**case.native_body, "content": 5})).status == 400


@each
async def test_first_and_last_frames_reach_vendors_that_know_both(build: Build, case: Case) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "kling": {"image": PICTURE, "image_tail": PICTURE},
        "jimeng": {"image_urls": [PICTURE, PICTURE]},
        "vidu": {"images": [PICTURE, PICTURE]},
    }
    house, studio = await house_of(build, case)
    body = {"model": "m", "prompt": "a cat", "duration": 5, "images": [PICTURE, PICTURE]}
    assert (await house.caller.post("/v1/video/generations", body)).status == 200
    if case.type == "doubao":
        assert [part.get("role") for part in studio.last.body["content"]] == [None, "first_frame", "last_frame"]
    else:
        assert wanted[case.type].items() <= studio.last.body.items()


async def test_the_length_in_seedances_text_costs_as_much_as_in_its_fields(build: Build) -> None:
    house, _ = await house_of(build, CASES[2])
    for text, fields, credits in (
        ("a cat", {}, 5000),
        ("a cat", {"duration": 8}, 8000),
        ("a cat", {"duration": -1}, 12_000),
        ("a cat", {"frames": 57, "duration": None}, 3000),
        ("a cat --dur 11 --rs 720p", {}, 11_000),
        ("a cat --duration  11", {"duration": 3}, 11_000),
        ("a cat --frames 289", {}, 13_000),
    ):
        house.fake.script(status(200, {"id": "cgt-1"}))
        content = [{"type": "text", "text": text}]
        reply = await house.caller.post(CASES[2].native, {"model": "m", "content": content, **fields})
        assert reply.headers["x-openopen8-credits"] == str(credits), (text, fields)
    wish = {"model": "m", "prompt": "a cat --dur 12"}
    assert (await house.caller.post("/v1/video/generations", wish)).json["error"]["param"] == "prompt"


async def test_seconds_that_a_video_did_not_need_are_given_back(build: Build) -> None:
    studio = doubao(length=7)
    house = await opened(build, studio, "doubao", CASES[2].model)
    text = {"type": "text", "text": "a cat"}
    await house.caller.post(CASES[2].native, {"model": "m", "content": [text], "duration": -1})
    studio.end()
    await later(house)
    await later(house, 60)
    (correction,) = house.world.log("correction")
    assert (correction.credits, balance(house)) == (-5000, 7000) and "7 seconds" in correction.error
    house.settled()


@pytest.mark.parametrize(("code", "told"), [(1303, 429), (1201, 400), (1102, 502), (5000, 502)])
async def test_errors_inside_a_200_cost_nothing_and_mean_what_they_say(build: Build, code: int, told: int) -> None:
    house, _ = await house_of(build, CASES[0])
    house.fake.script(status(200, {"code": code, "message": "no", "request_id": "r"}))
    reply = await house.caller.post("/kling/v1/videos/text2video", CASES[0].native_body)
    assert reply.status == told and set(reply.json) == {"code", "message", "request_id"}
    assert balance(house) == 0
    house.settled()


@each
async def test_a_channel_is_tested_without_making_a_video(build: Build, case: Case) -> None:
    house, studio = await house_of(build, case)
    assert (await probe.test_channel(house.tools, house.channel_id)).ok and studio.made == {}
    other = house.world.channel(house.fake.url, type=case.type, keys=("a-wrong:key",))
    found = await probe.test_channel(house.tools, other)
    assert not found.ok and len(found.error) > 5 and "a-wrong" not in found.error
