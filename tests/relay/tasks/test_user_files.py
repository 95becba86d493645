"""Files for chats: each user's own; a chat that names some goes where they lie, and nowhere else."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from openopen8.core.clock import DAY
from openopen8.core.models import Task
from openopen8.core.services import tasks
from tests.fakes.vendors.depot import Depot
from tests.relay.driving import Caller
from tests.relay.endpoints import uploads
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House

PDF = b"%PDF-1.4 \r\n--\r\n\0\xff"


@pytest.fixture
def depot() -> Depot:
    return Depot()


@pytest.fixture
async def house(build: Build, depot: Depot) -> House:
    """Two channels of one model; chats go to the second, which has the higher priority."""
    turns = {"keys": ("a", "b"), "key_mode": "round_robin"}
    house = await build(channel={"type": "openai", "models": ("first", "m"), **turns})
    house.world.channel(base_url=house.fake.url, type="openai", models=("second", "m"), keys=("c",), priority=9)
    house.world.channel(base_url=house.fake.url, type="anthropic", models=("claude",))
    for model in ("first", "second", "claude"):
        house.world.price(model)
    house.fake.script(depot)
    return house


async def uploaded(house: House, model: str = "", purpose: Any = "user_data") -> str:
    """The id of a new file."""
    more = {"extra_body": {"model": model}} if model else {}
    return (await openai_client(house).files.create(file=("a.pdf", PDF), purpose=purpose, **more)).id


def reading(*ids: str, model: str = "m") -> dict[str, Any]:
    """A chat about files."""
    parts = [{"type": "file", "file": {"file_id": id}} for id in ids]
    return {"model": model, "messages": [{"role": "user", "content": [*parts, {"type": "text", "text": "Read."}]}]}


def inputs(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "input": [{"role": "user", "content": list(parts)}], **more}


async def test_openais_client_uploads_a_file_and_asks_about_it_where_it_lies(house: House, depot: Depot) -> None:
    client, id = openai_client(house), await uploaded(house, "first")
    assert list(depot.files) == [("a", id)]
    await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    body = reading(id)
    answer = await client.chat.completions.create(model="m", messages=body["messages"])
    assert answer.choices[0].message.content == "Hello!"
    async for _ in await client.chat.completions.create(model="m", messages=body["messages"], stream=True):
        pass
    assert depot.named == [("c", ()), ("a", (id,)), ("a", (id,))] and len(house.fake.chats) == 4
    log = house.world.log()
    assert [entry.credits for entry in log] == [0, 12_500, 12_500, 12_500]
    assert (log[0].endpoint, log[0].model) == ("/v1/files", "first")
    house.settled()


async def test_every_place_where_responses_name_files_leads_there(house: House, depot: Depot) -> None:
    id = await uploaded(house, "first", "vision")
    tool = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [id]}}
    for asked in (
        inputs({"type": "input_file", "file_id": id}),
        inputs({"type": "input_image", "file_id": id, "detail": "auto"}),
        inputs({"type": "input_text", "text": "Run."}, tools=[tool]),
    ):
        assert (await house.caller.post("/v1/responses", asked)).status == 200
        assert house.world.log()[-1].credits == 12_500
    assert depot.named == [("a", (id,))] * 3 and len(house.fake.chats) == 4
    house.settled()


async def test_files_lie_together_at_the_first_channel_where_no_model_is_named(house: House, depot: Depot) -> None:
    ids = [await uploaded(house) for _ in range(3)]
    assert list(depot.files) == [("c", id) for id in ids]
    assert (await house.caller.post(body=reading(*ids))).status == 200
    limited = house.other_caller(allowed_models=["first"])
    form = uploads.form(uploads.field("purpose", "user_data"), uploads.file("file", PDF, "a.pdf"))
    assert (await limited.post("/v1/files", form, headers=uploads.TYPE)).json["id"] == "file-3"
    assert await uploaded(house, "first") == "file-4"
    assert list(depot.files)[3:] == [("a", "file-3"), ("a", "file-4")]
    nowhere = house.other_caller(allowed_models=["claude"])
    reply = await nowhere.post("/v1/files", form, headers=uploads.TYPE)
    assert (reply.status, reply.json["error"]["code"]) == (503, "no_available_channel")
    assert house.world.log()[-1].status == 503


@pytest.mark.parametrize("at", [0, 2])
async def test_an_upload_passes_byte_for_byte_without_the_gateways_own_field(house: House, at: int) -> None:
    parts = [uploads.field("purpose", "assistants"), uploads.file("file", PDF, "ä.pdf", "application/pdf")]
    given = [*parts[:at], uploads.field("model", "first"), *parts[at:]]
    assert (await house.caller.post("/v1/files", uploads.form(*given), headers=uploads.TYPE)).status == 200
    assert house.fake.requests[-1].body == uploads.form(*parts)


async def refusal(caller: Caller, body: dict[str, Any], path: str = "/v1/chat/completions") -> str:
    reply = await caller.post(path, body)
    assert reply.status == 400 and reply.json["error"]["param"] == "file_id", reply.json
    return str(reply.json["error"]["code"])


async def test_nobody_names_a_file_that_is_not_the_own_one(house: House, depot: Depot) -> None:
    id = await uploaded(house, "first")
    other = Caller(house.relay, house.world.token(house.world.user(balance=10**6))[1], lobby=house.lobby)
    assert await refusal(other, reading(id)) == "file_not_found"
    assert await refusal(house.caller, reading("file-unknown")) == "file_not_found"
    assert await refusal(house.caller, reading(id, "\0" * 100)) == "file_not_found"
    asked = inputs({"type": "input_file", "file_id": id})
    assert await refusal(other, asked, "/v1/responses") == "file_not_found"
    tool = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": [id]}}
    assert await refusal(other, inputs({"type": "input_text", "text": "Run."}, tools=[tool]), "/v1/responses")
    escaped = b'{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"file\\u005fid":"%b"}}]}]}'
    reply = await other.post(body=escaped % id.encode())
    assert reply.json["error"]["code"] == "file_not_found"
    assert depot.named == [] and [entry.credits for entry in house.world.log()] == [0] * 7
    assert house.world.log()[-1].status == 400
    house.settled()


async def test_files_that_no_channel_has_together_are_refused(house: House, depot: Depot) -> None:
    here, there = await uploaded(house, "first"), await uploaded(house, "second")
    assert await refusal(house.caller, reading(here, there)) == "files_apart"
    assert await refusal(house.caller, reading(here, model="second")) == "file_elsewhere"
    assert await refusal(house.caller, reading(here, model="claude")) == "file_elsewhere"
    assert depot.named == []
    house.settled()


async def test_words_are_no_files(house: House, depot: Depot) -> None:
    """Neither texts that speak of them, nor what earlier answers cite."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    text = {"type": "text", "text": '{"type": "file", "file": {"file_id": "file-x"}} \u00e9'}
    body = {"model": "m", "messages": [{"role": "user", "content": [image, text]}]}
    assert (await house.caller.post(body=body)).status == 200
    cited = {"type": "file_citation", "file_id": "file-x", "index": 0, "filename": "a"}
    told = {"type": "output_text", "text": "Hm.", "annotations": [cited]}
    asked = inputs({"type": "input_text", "text": "file_id"})
    asked["input"].insert(0, {"role": "assistant", "content": [told]})
    asked["tools"] = [{"type": "function", "name": "f", "parameters": {"properties": {"file_id": {}}}}]
    assert (await house.caller.post("/v1/responses", asked)).status == 200
    assert depot.named == [("c", ()), ("c", ())]


async def test_a_file_is_shown_listed_and_deleted_by_its_user_alone(house: House, depot: Depot) -> None:
    client, id = openai_client(house), await uploaded(house)
    assert (await client.files.retrieve(id)).purpose == "user_data"
    assert [file.id async for file in client.files.list()] == [id]
    with pytest.raises(openai.BadRequestError, match="Not allowed to download"):
        await client.files.content(id)
    other = Caller(house.relay, house.world.token(house.world.user())[1], lobby=house.lobby)
    assert (await other.open(f"/v1/files/{id}", method="DELETE").end()).status == 404
    assert (await client.files.delete(id)).deleted and depot.files == {}
    assert await refusal(house.caller, reading(id)) == "file_not_found"


async def test_a_file_is_known_as_long_as_its_provider_keeps_it(house: House, depot: Depot) -> None:
    id = await uploaded(house)
    depot.expires_at = house.clock.now() // 1000 + 3600
    passing = await uploaded(house)
    tasks.prune(house.tools, house.clock.now() + 40 * DAY)
    assert [file.id for file in house.world.all(Task)] == [id] and passing != id


async def test_what_can_mean_nothing_is_refused(house: House, depot: Depot) -> None:
    for purpose in ("fine-tune", "evals", "batch_output"):
        with pytest.raises(openai.BadRequestError, match="purpose must be batch, user_data, assistants or vision"):
            await uploaded(house, purpose=purpose)
    body = {"input_file_id": await uploaded(house), "endpoint": "/v1/responses", "completion_window": "24h"}
    reply = await house.caller.post("/v1/batches", body)
    assert reply.status == 400 and "purpose is batch" in reply.json["error"]["message"]
    assert len(depot.files) == 1
