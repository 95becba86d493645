"""Entries of the log as the page shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from openopen8.core.rules.pricing import Counts, Price, Rates, price_of
from openopen8.core.services.log_view import EntryView
from openopen8.state.log_rows import detail_of, duration, row_of, split_error

RATE = 500_000
PLAIN: dict[str, Any] = {
    "id": 7, "time": 1, "kind": "request", "request_id": "req_1", "user_id": 1, "user": "ann", "token_id": 2,
    "token_name": "app", "group": "default", "model": "m", "upstream_model": "m", "endpoint": "/v1/chat/completions",
    "stream": True, "input_tokens": 1000, "output_tokens": 500, "cached_tokens": 0, "reasoning_tokens": 0,
    "credits": 12_500, "receipt": None, "status": 200, "error": "", "latency_ms": 1_240, "first_token_ms": 310,
    "channel_id": 1, "channel": "main", "retries": 0, "ip": "192.0.2.1", "suppressed": 0, "details": None,
}  # fmt: skip


def entry(**changes: Any) -> EntryView:
    return EntryView(**PLAIN | changes)


@pytest.mark.parametrize(
    ("ms", "words"),
    [(None, ""), (0, "0 ms"), (999, "999 ms"), (1_240, "1.24 s"), (12_340, "12.3 s"), (123_000, "2 min 3 s")],
)
def test_a_duration_reads_as_people_say_it(ms: int | None, words: str) -> None:
    assert duration(ms) == words


def test_a_request_shows_model_tokens_credits_worth_and_latency() -> None:
    row = row_of(entry(), RATE)
    shown = (row.model, row.tokens_in, row.tokens_out, row.credits, row.worth, row.latency, row.first, row.tone)
    assert shown == ("m", "1,000", "500", "12,500", "$0.025", "1.24 s", "310 ms", "ok")


@pytest.mark.parametrize(
    ("status", "tone"),
    [(200, "ok"), (401, "refused"), (429, "refused"), (499, "left"), (502, "failed"), (504, "failed")],
)
def test_the_status_says_what_became_of_it(status: int, tone: str) -> None:
    assert row_of(entry(status=status), RATE).tone == tone


def test_a_refused_request_says_why_and_costs_nothing() -> None:
    refused = entry(status=401, error="token_expired: It has expired.", credits=0, input_tokens=0, output_tokens=0)
    row = row_of(refused, RATE)
    assert (row.code, row.why, row.credits, row.tokens_in) == ("token_expired", "It has expired.", "", "")


def test_a_sentence_with_a_colon_is_no_code() -> None:
    assert split_error("+5,000 credits: invoice 3") == ("", "+5,000 credits: invoice 3")
    assert split_error("mira logged in.") == ("", "mira logged in.")


@pytest.mark.parametrize(
    ("kind", "credits", "shown"), [("credit", -500, "+500"), ("credit", 500, "−500"), ("correction", -20, "−20")]
)
def test_given_and_corrected_credits_carry_their_sign(kind: str, credits: int, shown: str) -> None:
    assert row_of(entry(kind=kind, credits=credits, status=None), RATE).credits == shown


def test_only_what_came_after_the_newest_row_is_fresh() -> None:
    assert [row_of(entry(id=id), RATE, newest=7).fresh for id in (6, 7, 8)] == [False, False, True]
    assert not row_of(entry(), RATE).fresh


def test_the_receipt_multiplies_out_to_the_charge() -> None:
    receipt = price_of(Counts(1000, 10, 500, 3), Price(1, "m", 0, Rates(Decimal("1.25"), Decimal(5))), Decimal("0.5"))
    detail = detail_of(entry(receipt=receipt.as_dict(), credits=receipt.credits), RATE)
    assert [(x.bucket, x.count, x.ratio, x.credits) for x in detail.lines] == [
        ("input", "1,000", "1.25", "1,250"),
        ("cache_read", "10", "1.25", "12.5"),
        ("output", "500", "5", "2,500"),
        ("reasoning", "3", "5", "15"),
    ]
    assert (detail.group_ratio, detail.exact, detail.row.credits) == ("0.5", "1,888.75", "1,889")


def test_the_timeline_parts_waiting_from_streaming() -> None:
    detail = detail_of(entry(), RATE)
    assert (detail.waited, detail.streamed, detail.waited_percent) == ("310 ms", "930 ms", 25)
    whole = detail_of(entry(first_token_ms=None), RATE)
    assert (whole.waited, whole.streamed) == ("1.24 s", "")


def test_what_users_may_not_see_is_empty() -> None:
    detail = detail_of(entry(channel=None, retries=None), RATE)
    assert (detail.channel, detail.retries) == ("", 0)
