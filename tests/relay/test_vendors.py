"""Vendors that speak OpenAI's format, each with its own address, refusals and further formats."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from relay import probe
from relay.channels import TYPES
from tests.fakes.vendors import ANSWER, MODELS
from tests.fakes.vendors.compatible import ADDRESSES, MESSAGES, all_of_them, path_of
from tests.relay.endpoints.clients import claude_client, openai_client
from tests.relay.house import Build, House

EVERYTHING: dict[str, Any] = {
    "temperature": 0.5, "top_p": 0.9, "stop": ["x"], "seed": 7, "presence_penalty": 0.1, "frequency_penalty": 0.1,
    "logit_bias": {"1": 1}, "logprobs": True, "top_logprobs": 2, "user": "u", "max_completion_tokens": 64,
}  # fmt: skip
MESSAGES_OF_ALL_KINDS: list[Any] = [
    {"role": "developer", "content": "Be short."},
    {"role": "user", "content": "Go.", "name": "ann"},
    {"role": "assistant", "content": "Where?", "refusal": None},
    {"role": "user", "content": "There."},
]
LOST = {
    "mistral": "logit_bias logprobs top_logprobs user messages.name",
    "groq": "logprobs logit_bias top_logprobs messages.name",
    "cerebras": "presence_penalty frequency_penalty logit_bias",
    "perplexity": "name",
}
"""What callers are told of."""


async def full(build: Build) -> House:
    """A house with a channel of each vendor, whose one model has its name."""
    house = await build()
    for name in ADDRESSES:
        model = MODELS["openai-responses" if name == "perplexity" else "openai-compatible"]
        house.world.channel(
            house.fake.url, (name,), type=name, model_mapping={name: model}, header_override={"x-vendor": name}
        )
        house.world.price(model=name)
    house.fake.script(all_of_them())
    return house


@pytest.mark.parametrize("name", list(ADDRESSES))
def test_every_vendor_is_called_where_it_lives_also_by_its_host_alone(name: str) -> None:
    kind, address = TYPES[name], ADDRESSES[name]
    place = urlsplit(address)
    for base in (kind.base_url, kind.base_url + "/", f"{place.scheme}://{place.netloc}", address):
        assert kind.url(base, kind.paths["chat"], "") == address, base
        assert kind.url(base, "/models", "") == address.replace(kind.paths["chat"], "/models"), base
        assert name not in MESSAGES or kind.url(base, kind.also["anthropic"], "") == MESSAGES[name], base


def test_a_plans_own_address_keeps_the_way_to_the_other_format() -> None:
    zhipu = TYPES["zhipu"]
    plan = "https://open.bigmodel.cn/api/coding/paas/v4"
    assert zhipu.url(plan, zhipu.paths["chat"], "") == plan + "/chat/completions"
    assert zhipu.url(plan, zhipu.also["anthropic"], "") == MESSAGES["zhipu"]


async def test_every_vendor_takes_everything_that_openais_client_sends(build: Build) -> None:
    house = await full(build)
    async with openai_client(house) as client:
        for name in ADDRESSES:
            # Perplexity's format is another one, which has no place for most of it
            more = EVERYTHING if name != "perplexity" else {}
            ask = client.chat.completions.with_raw_response.create
            raw = await ask(model=name, messages=MESSAGES_OF_ALL_KINDS, **more)
            answer = raw.parse()
            assert answer.choices[0].message.content == ANSWER and answer.model == name
            lost = set(filter(None, raw.headers.get("x-openopen8-loss", "").split(", ")))
            assert lost == set(LOST.get(name, "").split()), name
            events = await client.chat.completions.create(
                model=name, messages=MESSAGES_OF_ALL_KINDS, stream=True, **more
            )
            text = "".join([event.choices[0].delta.content or "" async for event in events if event.choices])
            assert text == ANSWER, name
    assert {entry.credits for entry in house.world.log()} == {12_500}
    house.settled()


async def test_mistral_gets_the_seed_and_the_limit_under_its_own_names(build: Build) -> None:
    house = await full(build)
    assert (await house.caller.chat(model="mistral", seed=7, max_completion_tokens=64)).status == 200
    sent = house.fake.chats[0].json
    assert sent["random_seed"] == 7 and sent["max_tokens"] == 64
    assert (await house.caller.chat(model="mistral", messages=[{"role": "user", "content": "Go."}])).status == 200
    assert "x-openopen8-loss" not in (await house.caller.chat(model="mistral", logprobs=False)).headers


@pytest.mark.parametrize(
    ("kind", "model", "lost"),
    [
        ("xai", "grok-4", "presence_penalty"),
        ("xai", "grok-4-fast-non-reasoning", ""),
        ("xai", "grok-3", ""),
        ("moonshot", "kimi-k2.6", "temperature, presence_penalty"),
        ("moonshot", "moonshot-v1-8k", ""),
    ],
)
def test_what_only_some_of_a_vendors_models_refuse_is_left_out_for_these(kind: str, model: str, lost: str) -> None:
    body = b'{"model":"%b","messages":[],"presence_penalty":1,"temperature":0.5}' % model.encode()
    found: list[str] = []
    for quirks in TYPES[kind].quirks:
        body, names = quirks.applied(body, model)
        found += names
    assert set(found) == set(filter(None, lost.split(", ")))
    assert all(f'"{name}"'.encode() not in body for name in found)


async def test_claudes_client_speaks_its_own_format_with_vendors_who_know_it(build: Build) -> None:
    house = await build()
    for name in MESSAGES:
        mapping, header = {name: MODELS["anthropic"]}, {"x-vendor": name}
        house.world.channel(house.fake.url, (name,), type=name, model_mapping=mapping, header_override=header)
        house.world.price(model=name)
    house.fake.script(all_of_them())
    async with claude_client(house) as client:
        for name in MESSAGES:
            answer = await client.messages.create(
                model=name, max_tokens=64, messages=[{"role": "user", "content": "Go."}], extra_body={"container": "c"}
            )
            assert answer.content[0].text == ANSWER and answer.model == name  # type: ignore[union-attr]
    assert [request.path for request in house.fake.chats] == [path_of(address) for address in MESSAGES.values()]
    house.settled()


async def test_xai_serves_responses_to_those_who_ask_for_them(build: Build) -> None:
    mapping, header = {"m": MODELS["openai-responses"]}, {"x-vendor": "xai"}
    house = await build(channel={"type": "xai", "model_mapping": mapping, "header_override": header})
    house.fake.script(all_of_them())
    assert (await house.caller.post("/v1/responses", {"model": "m", "input": "Go."})).status == 200
    assert house.fake.chats[0].path == "/v1/responses"


async def test_what_a_vendor_refuses_in_one_format_stays_in_another(build: Build) -> None:
    house = await build(channel={"type": "moonshot", "model_mapping": {"m": "kimi-k2.6"}})
    asked = {"model": "m", "max_tokens": 64, "temperature": 0.5, "messages": [{"role": "user", "content": "Go."}]}
    await house.caller.post("/v1/chat/completions", asked)
    await house.caller.post("/v1/messages", asked)
    chat, message = house.fake.chats[0], house.fake.chats[1]
    assert "temperature" not in chat.json
    assert message.path == "/anthropic/v1/messages" and message.json["temperature"] == 0.5


@pytest.mark.parametrize("name", ["mistral", "zhipu", "perplexity"])
async def test_a_vendors_channel_can_be_tested(build: Build, name: str) -> None:
    house = await full(build)
    found = await probe.test_channel(house.tools, list(ADDRESSES).index(name) + house.channel_id + 1)
    assert found.error == "" and found.answer == ANSWER
