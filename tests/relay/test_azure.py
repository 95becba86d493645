"""Azure OpenAI behind the relay: the v1 API and the one with a date."""

from __future__ import annotations

from typing import Any

import pytest

from openopen8.core.errors import Problem
from openopen8.core.rules.outbound import checked_base_url
from relay import probe
from relay.channels import TYPES, filled
from tests.fakes.upstream import FakeUpstream
from tests.fakes.vendors import ANSWER, MODELS
from tests.fakes.vendors.azure import DATE, DEPLOYMENT, azure, azure_models
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House

GO: list[Any] = [{"role": "user", "content": "Go."}]
HOST = "https://r.openai.azure.com"


async def built(build: Build, fake: FakeUpstream, dated: bool, deployment: str = DEPLOYMENT) -> House:
    base = f"{fake.url}?{DATE}" if dated else fake.url
    house = await build(
        channel={"type": "azure", "base_url": base, "model_mapping": {"m": deployment}, "test_model": "m"}
    )
    fake.script(azure(dated))
    return house


@pytest.mark.parametrize(
    "base",
    [HOST, HOST + "/", HOST + "/openai", HOST + "/openai/v1/", HOST + "/openai/deployments/x/chat/completions",
     HOST + "/openai/responses"],
)  # fmt: skip
def test_people_may_copy_any_address_that_azure_shows_them(base: str) -> None:
    kind = TYPES["azure"]
    path = filled(kind.paths["chat"], "gpt 4o", False)
    dated = "?api-version=2025-01-01-preview"
    assert kind.url(base, path, "") == HOST + "/openai/v1/chat/completions"
    assert kind.url(base + dated, path, "") == HOST + "/openai/deployments/gpt%204o/chat/completions" + dated
    image = filled(kind.paths["images"], "draw", False)
    assert kind.url(base, image, "") == HOST + "/openai/v1/images/generations"
    assert kind.url(base + dated, image, "") == HOST + "/openai/deployments/draw/images/generations" + dated
    assert kind.url(base, "/models", "") == HOST + "/openai/v1/models"
    assert kind.url(base + dated, "/models", "") == HOST + "/openai/models" + dated
    assert kind.url(base, "/responses", "") == kind.url(base + dated, "/responses", "") == HOST + "/openai/v1/responses"


def test_a_base_url_may_hold_a_date_and_no_other_query() -> None:
    assert checked_base_url(f"{HOST}/?{DATE}", False) == f"{HOST}?{DATE}"
    for query in ("?api-version=v1&x=y", "?x=y", "?api-version=", f"?{DATE}#x", f"?x=y?{DATE}"):
        with pytest.raises(Problem):
            checked_base_url(HOST + query, False)
    with pytest.raises(Problem):
        checked_base_url(f"http://169.254.169.254?{DATE}", True)


@pytest.mark.parametrize("dated", [False, True], ids=["v1", "dated"])
async def test_openais_client_chats_and_embeds_through_a_deployment(
    build: Build, fake: FakeUpstream, dated: bool
) -> None:
    house = await built(build, fake, dated)
    async with openai_client(house) as client:
        answer = await client.chat.completions.create(model="m", messages=GO)
        assert answer.choices[0].message.content == ANSWER and answer.model == "m"
        events = await client.chat.completions.create(model="m", messages=GO, stream=True)
        assert "".join([event.choices[0].delta.content or "" async for event in events if event.choices]) == ANSWER
        found = await client.embeddings.create(model="m", input="x", encoding_format="float")
        assert found.data[0].embedding == [0.5] and found.model == "m"
    assert [entry.credits for entry in house.world.log()] == [12_500, 12_500, 5_000]
    house.settled()


@pytest.mark.parametrize("dated", [False, True], ids=["v1", "dated"])
async def test_responses_are_asked_for_at_v1(build: Build, fake: FakeUpstream, dated: bool) -> None:
    house = await built(build, fake, dated, MODELS["openai-responses"])
    async with openai_client(house) as client:
        answer = await client.responses.create(model="m", input="Go.")
        assert answer.output_text == ANSWER and answer.model == "m"
    house.settled()


@pytest.mark.parametrize("dated", [False, True], ids=["v1", "dated"])
async def test_a_resource_can_be_tested_and_asked_for_its_models(build: Build, fake: FakeUpstream, dated: bool) -> None:
    house = await built(build, fake, dated)
    found = await probe.test_channel(house.tools, house.channel_id)
    assert found.error == "" and found.answer == ANSWER
    house.fake.lists = azure_models()
    assert await probe.list_models_of(house.tools, house.channel_id) == ("gpt-4o", "gpt-5")
    assert house.fake.requests[-1].path == (f"/openai/models?{DATE}" if dated else "/openai/v1/models")
