"""Files and batches: passed on to the channel that has them, each user's own, charged from the results."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from openopen8.core.models import Task, TokenCounter
from relay.endpoints.paper import BOUNDARY
from relay.tasks.batches import follow
from tests.fakes.vendors.batches import Office
from tests.relay.endpoints import uploads
from tests.relay.endpoints.clients import openai_client
from tests.relay.house import Build, House
from tests.relay.tasks.studio import balance, later

WHERE = "/v1/chat/completions"


def lines(model: str = "m", url: str = WHERE, number: int = 2) -> bytes:
    rows: list[dict[str, Any]] = [
        {"custom_id": f"r{at}", "method": "POST", "url": url, "body": {"model": model, "messages": [], "max_tokens": 9}}
        for at in range(number)
    ]
    return b"\n".join(json.dumps(row).encode() for row in rows)


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
async def house(build: Build, office: Office) -> House:
    house = await build(channel={"type": "openai", "model_mapping": {"m": "gpt-5-mini"}})
    house.fake.script(office)
    return house


async def begun(house: House, content: bytes = lines()) -> tuple[openai.AsyncOpenAI, str]:
    """OpenAI's client with a batch of its own."""
    client = openai_client(house)
    file = await client.files.create(file=("requests.jsonl", content), purpose="batch")
    batch = await client.batches.create(input_file_id=file.id, endpoint=WHERE, completion_window="24h")
    return client, batch.id


async def test_openais_client_runs_a_batch_and_pays_for_what_it_used(house: House, office: Office) -> None:
    client, id = await begun(house)
    assert balance(house) == 0
    office.run()
    waiting = await client.batches.retrieve(id)
    assert waiting.status == "validating" and waiting.output_file_id is None
    await later(house)
    done = await client.batches.retrieve(id)
    assert (done.status, done.model, done.input_file_id) == ("completed", "m", "file-0")
    assert done.output_file_id is not None
    found = (await client.files.content(done.output_file_id)).text.splitlines()
    assert [json.loads(line)["custom_id"] for line in found] == ["r0", "r1"]
    entry = house.world.log()[-1]
    assert (entry.request_id, entry.endpoint, entry.credits) == (id, "/v1/batches", 2 * (10 * 5 + 4 * 15))
    assert (entry.input_tokens, entry.output_tokens, entry.model) == (20, 8, "m")
    assert entry.receipt is not None and {line["count"] for line in entry.receipt["lines"]} == {20, 8}
    house.settled()


async def test_a_batch_is_charged_once_however_often_its_end_is_heard(house: House, office: Office) -> None:
    _, id = await begun(house)
    office.run()
    await later(house)
    await later(house, 3600)
    assert house.relay.gate is not None
    running = house.world.one(Task, id)
    await follow(house.tools, house.relay.gate.upstream, running)  # as a worker that asked at the same time
    assert balance(house) == 220
    assert house.world.one(TokenCounter, house.token_id).used == 220
    house.settled()


async def test_a_price_may_have_a_factor_for_batches(house: House, office: Office) -> None:
    house.world.price(tiers={"batch": "0.5"}, valid_from=1)
    await begun(house)
    office.run()
    await later(house)
    assert balance(house) == 110


async def test_what_failed_costs_nothing_and_its_errors_can_be_read(house: House, office: Office) -> None:
    client, id = await begun(house)
    office.run(bad=1)
    await later(house)
    done = await client.batches.retrieve(id)
    assert done.error_file_id is not None
    assert '"status_code": 400' in (await client.files.content(done.error_file_id)).text
    assert balance(house) == 110


async def test_a_batch_that_its_provider_refuses_costs_nothing_and_says_why(house: House, office: Office) -> None:
    client, id = await begun(house)
    office.run("failed")
    await later(house)
    done = await client.batches.retrieve(id)
    assert done.status == "failed" and done.errors is not None
    assert balance(house) == 0 and len(house.world.log()) == 2
    house.settled()


async def test_a_cancelled_batch_pays_for_what_it_has_done(house: House, office: Office) -> None:
    client, id = await begun(house)
    assert (await client.batches.cancel(id)).status == "cancelling"
    office.run("cancelled", bad=1)
    await later(house)
    assert (await client.batches.retrieve(id)).status == "cancelled" and balance(house) == 110
    with pytest.raises(openai.ConflictError):
        await client.batches.cancel(id)


async def test_files_and_batches_are_their_users_own(house: House, office: Office) -> None:
    client, id = await begun(house)
    stranger = house.world.user()
    other = type(house.caller)(house.relay, house.world.token(stranger)[1], lobby=house.lobby)
    for path in ("/v1/files/file-0", "/v1/files/file-0/content", f"/v1/batches/{id}"):
        assert (await other.get(path)).status == 404
    body = {"input_file_id": "file-0", "endpoint": WHERE, "completion_window": "24h"}
    assert (await other.post("/v1/batches", body)).status == 404
    assert (await other.open("/v1/files/file-0", method="DELETE").end()).status == 404
    assert (await other.get("/v1/files")).json["data"] == []
    assert [file.id async for file in client.files.list()] == ["file-0"]
    assert [batch.id async for batch in client.batches.list()] == [id]
    assert (await client.files.delete("file-0")).deleted and office.files == {}
    assert house.world.one(Task, "file-0") is None


async def test_a_file_must_be_what_its_token_may_use(house: House, office: Office) -> None:
    client = openai_client(house)

    async def refused(content: bytes, purpose: Any = "batch") -> str:
        with pytest.raises(openai.APIStatusError) as caught:
            await client.files.create(file=("a.jsonl", content), purpose=purpose)
        return str(caught.value.message)

    assert "one model at one endpoint" in await refused(lines() + b"\n" + lines("other"))
    assert "Line 1" in await refused(b"no json") and "Line 1" in await refused(lines(url="/v1/files"))
    assert "1 to 50,000" in await refused(b"\n\n")
    assert "No channel serves" in await refused(lines("unknown"))
    assert "purpose must be batch" in await refused(lines(), "fine-tune")
    limited = house.other_caller(allowed_models=["else"])
    form = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--x\r\n'
    form += b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + lines() + b"\r\n--x--\r\n"
    assert (await limited.post("/v1/files", form, headers={"content-type": "multipart/form-data; boundary=x"})).json[
        "error"
    ]["code"] == "model_not_allowed"
    assert office.files == {}
    assert (await house.caller.post("/v1/batches", {"endpoint": WHERE})).json["error"]["param"] == "input_file_id"


async def test_no_field_of_a_form_smuggles_another_file_to_the_provider(house: House, office: Office) -> None:
    inner = f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="b"\r\n\r\n'
    odd = uploads.field("expires_after[seconds]", "3600" + inner + lines("dearer").decode())
    upload = uploads.form(uploads.field("purpose", "batch"), odd, uploads.file("file", lines(), "a.jsonl"))
    reply = await house.caller.post("/v1/files", upload, headers=uploads.TYPE)
    assert (reply.status, reply.json["error"]["param"], office.files) == (400, "expires_after[seconds]", {})


async def test_without_any_balance_no_batch_begins(build: Build, office: Office) -> None:
    house = await build(balance=0, channel={"type": "openai", "model_mapping": {"m": "gpt-5-mini"}})
    house.fake.script(office)
    with pytest.raises(openai.PermissionDeniedError):
        await begun(house)
    assert office.batches == {}


async def test_batches_that_run_cannot_together_cost_more_than_there_is(build: Build, office: Office) -> None:
    house = await build(balance=500, channel={"type": "openai", "model_mapping": {"m": "gpt-5-mini"}})
    house.fake.script(office)
    for _ in range(2):  # each is estimated at about 300 credits
        await begun(house)
    with pytest.raises(openai.PermissionDeniedError, match="balance"):
        await begun(house)
    assert len(office.batches) == 2
    office.run(bad=1)
    await later(house)
    await begun(house)
    assert len(office.batches) == 3 and balance(house) == 220
    house.settled()


async def test_batches_of_a_token_cannot_together_cost_more_than_its_quota(house: House, office: Office) -> None:
    await begun(house)
    limited = house.other_caller(quota=200)
    body = {"input_file_id": "file-0", "endpoint": WHERE, "completion_window": "24h"}
    codes = [(await limited.post("/v1/batches", body)).headers.get("x-openopen8-error") for _ in range(2)]
    assert codes == [None, "insufficient_token_quota"] and len(office.batches) == 2


async def test_answers_without_usage_are_named_in_the_log(house: House, office: Office) -> None:
    office.usage = None
    await begun(house)
    office.run()
    await later(house)
    assert balance(house) == 0
    assert house.world.log()[-1].details == {"answers": 2, "without_usage": 2}
