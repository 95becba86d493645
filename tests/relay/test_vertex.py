"""Channels of Google Vertex AI: service accounts, their tokens, and models of several makers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from openopen8.core.clock import SetClock
from openopen8.core.models import Channel, ChannelKey
from openopen8.core.services.channel_fields import ChannelFields, split_keys
from relay import probe
from relay.channels.vertex import located, placed
from relay.signing.google import account_of, with_token
from relay.signing.sign import Means
from relay.signing.tokens import Token, Tokens
from relay.upstream import Failure, Outgoing, Template, Upstream
from tests.fakes.vendors import ANSWER, MODELS
from tests.fakes.vendors.cloud_vectors import SINGLE
from tests.fakes.vendors.vertex import OPEN, PROJECT, Vertex, service_account
from tests.relay.house import Build, House

CLAUDE: dict[str, Any] = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Go."}]}
NAMES = {"gemini": MODELS["gemini"], "claude": "claude-sonnet-4-5", "open": OPEN}
HOUR = 3_600_000


async def built(build: Build, model: str = "claude", **changes: Any) -> tuple[House, Vertex]:
    house = await build(channel={"type": "vertex", "model_mapping": {"m": NAMES[model]}, "keys": ()})
    account = changes.pop("key", None) or json.dumps(json.loads(service_account(house.fake.url, **changes)))
    with house.tools.db.write() as session:
        session.add(ChannelKey(channel_id=house.channel_id, sealed=house.tools.keyring.seal(account)))
    house.world.change(Channel, house.channel_id, note="has a key")
    vertex = Vertex(house.clock.now())
    house.fake.script(vertex.script())
    return house, vertex


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other tasks and threads do."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


def models_asked(house: House) -> list[str]:
    return [request.path for request in house.fake.chats if request.path != "/token"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", list(NAMES))
async def test_models_of_each_maker_answer_callers_of_every_format(build: Build, model: str, stream: bool) -> None:
    house, vertex = await built(build, model)
    told = await house.caller.chat(stream=stream, max_tokens=64)
    reply = await house.caller.post("/v1/messages", {**CLAUDE, "stream": stream})
    assert told.status == 200 and reply.status == 200
    assert ANSWER[3:].encode() in told.body and ANSWER[3:].encode() in reply.body
    assert vertex.grants == 1  # one token for both
    assert [entry.credits for entry in house.world.log()] == [12_500, 12_500]
    house.settled()


async def test_a_claude_callers_beta_features_go_along(build: Build) -> None:
    house, _ = await built(build)
    assert (await house.caller.post("/v1/messages", CLAUDE, headers={"anthropic-beta": "b-1"})).status == 200
    assert house.fake.chats[-1].headers["anthropic-beta"] == "b-1"


@pytest.mark.parametrize(("model", "field"), [("gemini", "store"), ("claude", "service_tier")])
async def test_what_only_the_makers_own_apis_know_is_left_out_and_told(build: Build, model: str, field: str) -> None:
    house, _ = await built(build, model)
    more: dict[str, Any] = {"store": True} if field == "store" else {"service_tier": "auto"}
    path = "/v1/chat/completions" if field == "store" else "/v1/messages"
    reply = await house.caller.post(path, {**CLAUDE, **more})
    assert reply.status == 200 and reply.headers["x-openopen8-loss"] == field


async def test_a_crowd_waits_for_one_token_and_who_leaves_spoils_nothing(build: Build) -> None:
    house, vertex = await built(build)
    first = asyncio.create_task(house.caller.chat(max_tokens=64))
    await until(lambda: bool(house.fake.chats))
    first.cancel()
    replies = await asyncio.gather(*[house.caller.chat(max_tokens=64) for _ in range(5)])
    assert {reply.status for reply in replies} == {200} and vertex.grants == 1


async def test_a_token_is_renewed_before_it_ends_and_trouble_then_hurts_nobody(build: Build) -> None:
    house, vertex = await built(build)
    assert (await house.caller.chat(max_tokens=64)).status == 200
    house.clock.advance(HOUR - 200_000)
    vertex.down = True
    assert (await house.caller.chat(max_tokens=64)).status == 200  # with the old one
    await until(lambda: sum(one.answered.is_set() for one in house.fake.chats if one.path == "/token") == 2)
    vertex.down = False
    while vertex.grants < 2 and house.clock.now() < vertex.now + HOUR - 60_000:
        house.clock.advance(6_000)  # a failed renewal is not tried again at once
        assert (await house.caller.chat(max_tokens=64)).status == 200
        await asyncio.sleep(0.01)
    assert vertex.grants == 2
    house.clock.advance(HOUR - 400_000)
    assert (await house.caller.chat(max_tokens=64)).status == 200 and vertex.grants == 2


async def test_a_failed_fetch_is_forgotten_and_a_token_that_ended_is_not_used(build: Build) -> None:
    house, vertex = await built(build)
    vertex.down = True
    assert (await house.caller.chat(max_tokens=64)).status == 502 and models_asked(house) == []
    vertex.down = False
    assert (await house.caller.chat(max_tokens=64)).status == 200
    house.clock.advance(HOUR)
    assert (await house.caller.chat(max_tokens=64)).status == 200 and vertex.grants == 2


async def test_a_token_that_google_takes_back_is_fetched_anew_within_the_request(build: Build) -> None:
    house, vertex = await built(build)
    assert (await house.caller.chat(max_tokens=64)).status == 200
    vertex.valid.clear()
    assert (await house.caller.chat(max_tokens=64)).status == 200
    assert vertex.grants == 2 and len(models_asked(house)) == 3


async def test_a_crowd_whose_token_google_takes_back_goes_on_with_one_new_token(build: Build) -> None:
    house, vertex = await built(build)
    assert (await house.caller.chat(max_tokens=64)).status == 200
    vertex.valid.clear()
    replies = await asyncio.gather(*[house.caller.chat(max_tokens=64) for _ in range(8)])
    (key,) = house.world.all(ChannelKey)
    assert [reply.status for reply in replies] == [200] * 8 and key.enabled
    assert vertex.grants == 2


def test_no_repr_tells_a_proxys_password_or_a_token() -> None:
    clock = SetClock(HOUR)
    shown = repr(Means(Google(), Tokens(clock.now), clock.now, "http://me:secret@proxy.example"))
    assert "secret" not in shown and "ya29" not in repr(Token("ya29.mine", 1))
    assert "BEGIN" not in repr(account_of(json.dumps(json.loads(service_account("http://127.0.0.1:1")))))


@pytest.mark.parametrize("changes", [{"private_key_id": "other"}, {"private_key": "no key"}, {"client_email": ""}])
async def test_an_account_that_google_refuses_switches_its_key_off(build: Build, changes: dict[str, str]) -> None:
    house, _ = await built(build, **changes)
    reply = await house.caller.chat(max_tokens=64)
    assert reply.status == 502 and models_asked(house) == []
    (key,) = house.world.all(ChannelKey)
    assert not key.enabled and "private_key" not in key.disabled_reason


async def test_api_keys_of_express_mode_need_neither_token_nor_project(build: Build) -> None:
    house, vertex = await built(build, "gemini", key="an-api-key")
    assert (await house.caller.chat(stream=True)).status == 200 and vertex.grants == 0


async def test_a_channel_can_be_tested_and_asked_for_its_models(build: Build) -> None:
    house, vertex = await built(build)
    house.fake.lists = vertex.models()
    for stream in (False, True):
        assert (await probe.test_channel(house.tools, house.channel_id, model="m", stream=stream)).answer == ANSWER
    assert (await probe.test_channel(house.tools, house.channel_id, model=SINGLE)).ok
    assert await probe.list_models_of(house.tools, house.channel_id) == ("gem-a", "gem-b")
    account = service_account(house.fake.url)
    assert await probe.list_models(house.tools, "vertex", house.fake.url, split_keys(account)[0]) == ("gem-a", "gem-b")


def test_the_region_is_in_the_host_or_written_out() -> None:
    def at(base: str) -> str:
        return placed(base, "/x", "/v1")

    assert at("https://aiplatform.googleapis.com") == (
        "https://aiplatform.googleapis.com/v1/projects/{project}/locations/global/x"
    )
    assert "/v1/projects/{project}/locations/us-east5/x" in at("https://us-east5-aiplatform.googleapis.com/v1/")
    assert "/v1beta1/projects/{project}/locations/eu/x" in at("https://aiplatform.eu.rep.googleapis.com/v1beta1")
    private = "https://psc.example.com/v1/projects/other/locations/europe-west4"
    assert located(at(private), "{}") == private + "/x"
    account = service_account("http://127.0.0.1:1")
    assert located(at("https://aiplatform.googleapis.com"), account).split("/")[5] == PROJECT
    with pytest.raises(Failure, match="no project"):
        located(at("https://a.example"), service_account("http://127.0.0.1:1", project_id=""))


def test_an_account_is_one_key_however_many_lines_it_has() -> None:
    account = service_account("http://127.0.0.1:1")
    keys = ChannelFields(name="c", type="vertex", base_url="https://a", keys=f"one\n{account}\r\n\n two \n").all_keys()
    assert keys is not None
    texts = [key.get_secret_value() for key in keys]
    assert texts[0] == "one" and texts[2] == "two" and json.loads(texts[1]) == json.loads(account)
    assert "\n" not in texts[1] and "BEGIN" not in repr(account_of(texts[1]))
    with pytest.raises(ValueError, match="whole JSON"):
        ChannelFields(name="c", type="vertex", base_url="https://a", keys=['{"type": '])


def test_a_long_list_of_keys_is_read_in_one_go() -> None:
    assert len(split_keys("a\n" * 300_000 + '{"a":1} b')) == 300_002


async def test_a_token_endpoint_where_nobody_may_be_called_is_not_called(build: Build) -> None:
    house, _ = await built(build, token_uri="http://169.254.169.254/token")
    reply = await house.caller.chat(max_tokens=64)
    assert reply.status == 502 and reply.json["error"]["message"] == "The provider's address may not be called."
    assert house.fake.chats == []


class Google(Upstream):
    """Gives a token for whatever it is asked, and remembers what that was."""

    asked: Outgoing

    async def send(self, outgoing: Outgoing) -> Any:
        self.asked = outgoing
        return self

    status, headers = 200, dict[str, str]()

    async def read(self, limit: int) -> bytes:
        return b'{"access_token":"ya29.mine","expires_in":3599}'

    def close(self) -> Any:
        pass


async def test_a_users_own_credentials_are_turned_into_tokens_by_google_alone() -> None:
    google, clock = Google(), SetClock(HOUR)
    secret = {"client_id": "id", "client_secret": "s", "refresh_token": "r", "token_uri": "https://evil.example/"}
    key = json.dumps({"type": "authorized_user", "quota_project_id": "p", **secret})
    outgoing = Outgoing(Template.make(located(placed("https://aiplatform.googleapis.com", "/x", "/v1"), key), {}))
    signed = await with_token(outgoing, key, Means(google, Tokens(clock.now), clock.now))
    assert dict(signed.template.headers)["authorization"] == "Bearer ya29.mine"
    assert signed.template.url == "https://aiplatform.googleapis.com/v1/projects/p/locations/global/x"
    assert google.asked.template.url == "https://oauth2.googleapis.com/token"
    assert google.asked.body == b"grant_type=refresh_token&refresh_token=r&client_id=id&client_secret=s"
