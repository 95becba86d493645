"""Testing a channel and asking for its models, through the management API."""

from __future__ import annotations

from api.conftest import House
from tests.fakes.upstream import FakeUpstream, as_asked, free_port

KEY = "planted-provider-key-0123456789"


def test_a_channel_is_tested_with_latency_and_answer_and_the_result_is_kept(sqlite_house: House) -> None:
    admin = sqlite_house.admin
    with FakeUpstream(as_asked("Hello there.")) as fake:
        made = admin.make("/channels", name="c", type="openai", base_url=fake.url, key=KEY, models=["m"])
        answer = admin.post(f"/channels/{made['id']}/test")
        models = admin.call("POST", f"/channels/{made['id']}/models")
        assert {sent.key for sent in fake.requests} == {KEY}
    told = answer.json()
    assert answer.status_code == 200 and told["ok"] and told["answer"] == "Hello there." and told["latency_ms"] >= 0
    assert told["at"].endswith("Z") and KEY not in answer.text
    assert admin.get(f"/channels/{made['id']}").json()["last_test"] == told
    assert models.json()["models"] == sorted(models.json()["models"]) != []


def test_a_failed_test_tells_why_without_address_or_key(sqlite_house: House) -> None:
    port = free_port()
    body = {"name": "c", "type": "openai", "base_url": f"http://127.0.0.1:{port}", "key": KEY, "models": ["m"]}
    id = sqlite_house.admin.make("/channels", **body)["id"]
    answer = sqlite_house.admin.post(f"/channels/{id}/test", stream=False)
    assert answer.status_code == 200 and answer.json()["ok"] is False and answer.json()["error"]
    assert str(port) not in answer.json()["error"] and KEY not in answer.text
    listed = sqlite_house.admin.post(f"/channels/{id}/models")
    assert 400 <= listed.status_code < 600 and KEY not in listed.text and str(port) not in listed.text
