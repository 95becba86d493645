"""Testing a channel: it sends what a relay would send, and tells how it went. (N20)"""

from __future__ import annotations

import pytest

from openopen8.core.errors import Problem
from openopen8.core.models import Channel, ChannelKey
from relay import probe
from tests.fakes import upstream as fakes
from tests.fakes.upstream import FakeUpstream, as_asked, free_port, status, whole
from tests.relay.house import Build, House


@pytest.mark.parametrize("stream", [False, True])
async def test_a_test_sends_what_a_relay_would_send(build: Build, stream: bool) -> None:
    house = await build(
        channel={
            "model_mapping": {"m": "vendor/m"},
            "parameter_override": {"temperature": 0},
            "header_override": {"x-org": "acme"},
            "test_model": "m",
        }
    )
    house.fake.script(as_asked("Hello there."))
    found = await probe.test_channel(house.tools, house.channel_id, stream=stream)
    assert found.ok and found.answer == "Hello there." and found.latency_ms >= 0 and found.error == ""
    assert (found.first_token_ms is not None) == stream
    await house.caller.chat(stream=stream)
    tested, relayed = house.fake.chats
    for name in ("authorization", "x-org", "content-type", "accept", "user-agent"):
        assert tested.headers[name] == relayed.headers[name]
    assert tested.path == relayed.path and tested.json["model"] == "vendor/m" and tested.json["temperature"] == 0
    assert set(found.as_dict()) >= {"at", "ok", "latency_ms", "first_token_ms", "answer", "error"}
    assert len(house.world.log()) == 1


async def test_a_channel_that_is_off_can_be_tested_with_each_of_its_keys(build: Build) -> None:
    house = await build(channel={"keys": ("key-a", "key-b")})
    house.world.change(Channel, house.channel_id, enabled=False)
    for key in house.world.all(ChannelKey):
        house.world.change(ChannelKey, key.id, enabled=False)
        assert (await probe.test_channel(house.tools, house.channel_id, key_id=key.id)).error
    house.fake.script(whole())
    house.fake.requests.clear()
    for key in house.world.all(ChannelKey):
        assert (await probe.test_channel(house.tools, house.channel_id, stream=False, key_id=key.id)).ok
    assert [request.key for request in house.fake.chats] == ["key-a", "key-b"]


FAULTS = [status(401), status(500), fakes.garbage(), fakes.cut_at_once(), fakes.error_inside(), fakes.cut_whole()]


@pytest.mark.parametrize("script", FAULTS, ids=range(len(FAULTS)))
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failed_test_says_why_without_keys_and_addresses(
    house: House, script: fakes.Script, stream: bool
) -> None:
    house.fake.script(script)
    found = await probe.test_channel(house.tools, house.channel_id, stream=stream)
    assert not found.ok and found.error
    assert "upstream-key" not in found.error and "127.0.0.1" not in found.error


async def test_models_are_fetched_from_the_provider(house: House) -> None:
    house.fake.models = ("b", "a")
    assert await probe.list_models(house.tools, "openai-compatible", house.fake.url, "k") == ("a", "b")
    assert house.fake.requests[0].path == "/v1/models" and house.fake.requests[0].key == "k"
    assert await probe.list_models_of(house.tools, house.channel_id) == ("a", "b")
    assert house.fake.requests[1].key == "upstream-key"


async def test_a_provider_without_a_list_is_a_problem_and_not_a_crash(house: House) -> None:
    for url in (f"http://127.0.0.1:{free_port()}", "http://no-such-host.invalid"):
        with pytest.raises(Problem) as problem:
            await probe.list_models(house.tools, "openai-compatible", url, "k")
        assert problem.value.status == 502 and "invalid" not in problem.value.message
    for url in ("http://169.254.169.254", "ftp://x"):
        with pytest.raises(Problem) as problem:
            await probe.list_models(house.tools, "openai-compatible", url, "k")
        assert problem.value.param == "base_url"
    with pytest.raises(Problem):
        await probe.list_models(house.tools, "no-such-type", house.fake.url, "k")


async def test_a_key_from_the_environment_is_read_there_and_nowhere_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = house.world.all(ChannelKey)
    monkeypatch.setenv("OO8_KEY_TEST", "from-the-environment")
    monkeypatch.setenv("HOME_SECRET", "must not be read")
    house.world.change(ChannelKey, key.id, sealed="", env_name="OO8_KEY_TEST")
    assert (await house.caller.chat()).status == 200
    assert house.fake.chats[0].key == "from-the-environment"
    for name in ("HOME_SECRET", "OO8_KEY_MISSING"):
        house.world.change(ChannelKey, key.id, env_name=name)
        assert (await house.caller.chat()).status == 502
    assert len(house.fake.chats) == 1
    house.settled()


async def test_a_channel_without_a_key_sends_none(build: Build) -> None:
    with FakeUpstream() as local:
        house = await build(channel={"base_url": local.url, "keys": ()})
        assert (await house.caller.chat()).status == 503
        with house.tools.db.write() as session:
            session.add(ChannelKey(channel_id=house.channel_id))
        house.world.change(Channel, house.channel_id, note="bump")
        assert (await house.caller.chat()).status == 200
        assert "authorization" not in local.chats[0].headers
