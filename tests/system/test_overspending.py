"""200 requests at once against a quota that covers 10: what is charged stays within the bound of the specification."""

from __future__ import annotations

import asyncio

import pytest

from openopen8.core.models import Hold, TokenCounter
from tests.conftest import EVERYTHING
from tests.fakes.upstream import streamed, whole
from tests.server.processes import until
from tests.system.installation import Heard, Installation, calling

WORKERS = pytest.mark.parametrize("workers", [1, 2, 3] if EVERYTHING else [1, 2])
AT_ONCE = 200


def usage(output: int, input: int = 1) -> dict[str, int]:
    return {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}


async def storm(address: str, value: str, **fields: object) -> list[Heard]:
    async with calling(address, value) as caller:
        return await asyncio.gather(*(caller.chat(**fields) for _ in range(AT_ONCE)))  # type: ignore[arg-type]


@WORKERS
async def test_with_max_tokens_the_quota_is_exceeded_by_less_than_one_request(
    installation: Installation, workers: int
) -> None:
    """1 token at 5 and 10 at 15 = 155 credits a request, of a prompt that is held for by our own count of 9 tokens."""
    installation.fake.script(whole(usage=usage(10)))
    id, value = installation.token(quota=1_520)
    with installation.serve(workers) as server:
        heard = await storm(server.address, value, max_tokens=10)
        async with calling(server.address, value) as caller:
            while heard[-1].code != "token_quota_exhausted":
                heard.append(await caller.chat(max_tokens=10))
    assert {h.status for h in heard} <= {200, 401, 403}
    assert {h.code for h in heard if h.status != 200} <= {"insufficient_token_quota", "token_quota_exhausted"}
    used = installation.world.one(TokenCounter, id).used
    assert used == 155 * sum(h.status == 200 for h in heard)
    assert 1_520 <= used < 1_520 + 155
    assert not installation.world.all(Hold)
    installation.world.audit()


@WORKERS
async def test_with_answers_far_above_the_estimate_only_requests_in_flight_exceed_the_quota(
    installation: Installation, workers: int
) -> None:
    """No max_tokens: held for 500 output tokens each, but 5,000 come."""
    held, cost = 500 * 15, 5 + 5_000 * 15
    installation.fake.script(whole(usage=usage(5_000)))
    id, value = installation.token(quota=held * 10)
    with installation.serve(workers) as server:
        heard = await storm(server.address, value)
        async with calling(server.address, value) as caller:
            assert (await caller.chat()).code == "token_quota_exhausted"
    served = sum(h.status == 200 for h in heard)
    used = installation.world.one(TokenCounter, id).used
    assert 1 <= served <= 11 and used == cost * served
    assert used - held * 10 <= served * (cost - held)
    installation.world.audit()


@WORKERS
async def test_with_strict_holds_the_quota_is_never_exceeded(installation: Installation, workers: int) -> None:
    installation.option("strict_holds", True)
    installation.fake.script(whole(usage=usage(10, input=1)))
    id, value = installation.token(quota=1_600)
    with installation.serve(workers) as server:
        heard = await storm(server.address, value, max_tokens=10)
    used = installation.world.one(TokenCounter, id).used
    assert any(h.status == 200 for h in heard) and used <= 1_600
    installation.world.audit()


async def test_the_growing_hold_of_a_stream_shuts_the_door_on_later_requests(installation: Installation) -> None:
    fake = installation.fake
    fake.script(streamed(*["word " * 400] * 3, usage=None, gated=True))
    id, value = installation.token(quota=8_000)
    with installation.serve() as server:
        async with calling(server.address, value) as caller:
            stream = asyncio.create_task(caller.chat(stream=True))
            await asyncio.to_thread(until, lambda: len(fake.chats) == 1)
            fake.let(2)
            await asyncio.to_thread(until, lambda: installation.world.all(Hold)[0].amount > 8_000)
            refused = await caller.chat(max_tokens=1)
            assert (refused.status, refused.code) == (403, "insufficient_token_quota")
            fake.let(2)
            assert (await stream).complete
    assert installation.world.one(TokenCounter, id).used > 8_000
    installation.world.audit()
