"""What a request costs through the door: the receipt in the log has every bucket, tier and note. (N8, N9, P4, P5)"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.upstream import streamed, whole
from tests.relay.driving import question
from tests.relay.house import House

USAGE: dict[str, Any] = {
    "prompt_tokens": 3350,
    "completion_tokens": 30,
    "total_tokens": 3380,
    "prompt_tokens_details": {"cached_tokens": 2000, "cache_write_tokens": 1300},
    "completion_tokens_details": {"reasoning_tokens": 10},
}
LINES = {"input": (50, "2"), "cache_write": (1300, "2.5"), "cache_read": (2000, "0.2"), "output": (20, "10"),
         "reasoning": (10, "10")}  # fmt: skip


def lines(receipt: dict[str, Any]) -> dict[str, tuple[int, str]]:
    return {line["bucket"]: (line["count"], line["ratio"]) for line in receipt["lines"]}


def sol(house: House, **fields: Any) -> None:
    """A price with cache writes and tiers, from now on."""
    values = {"cache_read": Decimal("0.2"), "cache_write": Decimal("2.5"), "tiers": {"flex": "0.5"}, **fields}
    house.world.price("m", "2", "10", valid_from=house.tools.now(), **values)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_stream_and_a_whole_answer_have_one_receipt_whatever_the_caller_speaks(house: House, path: str) -> None:
    sol(house)
    more = {"max_tokens": 50} if path == "/v1/messages" else {}
    for stream, script in ((False, whole(usage=USAGE)), (True, streamed("Hello!", usage=USAGE))):
        house.fake.script(script)
        await house.caller.open(path, question(stream, **more)).end()
    first, second = house.world.log()
    assert first.receipt is not None and second.receipt is not None
    assert lines(first.receipt) == lines(second.receipt) == LINES
    assert first.credits == second.credits == 4_050  # 100 + 3,250 + 400 + 200 + 100
    house.settled()


async def test_the_tier_that_answered_is_charged(house: House) -> None:
    sol(house)
    for tier in ("flex", "default", "priority"):
        house.fake.script(whole(usage=USAGE, service_tier=tier))
        await house.caller.open(body=question(service_tier="auto")).end()
    entries = house.world.log()
    assert [entry.credits for entry in entries] == [2_025, 4_050, 4_050]
    notes = [entry.receipt["notes"] for entry in entries if entry.receipt]
    assert notes == [["service tier flex: × 0.5"], [], ["service tier priority: no factor set"]]
    house.settled()


async def test_a_long_prompt_is_held_and_charged_by_the_long_ratios(house: House) -> None:
    sol(house, long_above=3_000, long={"input": "4", "output": "15", "cache_read": "0.4", "cache_write": "5"})
    house.fake.script(whole(usage=USAGE))
    await house.caller.open(body=question()).end()
    assert house.entry().receipt is not None and house.entry().receipt["notes"] == ["long context"]
    assert house.entry().credits == 7_950  # 50 × 4 + 1,300 × 5 + 2,000 × 0.4 + 30 × 15
    house.settled()


@pytest.mark.parametrize("stream", [False, True])
async def test_an_upstream_that_reports_no_prompt_is_not_asked_for_free(house: House, stream: bool) -> None:
    usage = {"completion_tokens": 20}
    house.fake.script(streamed("Hello!", usage=usage) if stream else whole(usage=usage))
    await house.caller.open(body=question(stream)).end()
    entry = house.entry()
    assert entry.receipt is not None and entry.input_tokens > 0 and entry.output_tokens == 20
    assert set(entry.receipt["notes"]) == {"counted locally", "usage contradicted itself"}
    assert entry.details == {"raw_usage": usage}
    house.settled()
