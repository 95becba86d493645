"""Every shape of usage costs what its vendor charges, to the credit, streamed or whole. (L10, L11, N7-N9, B5, P4)"""

from __future__ import annotations

from decimal import Decimal
from math import ceil
from typing import Any

import pytest
from golden_cases import events, frames, told
from usage_shapes import Shape, prices, rows, streamed, whole, worked

from openopen8.core.rules.pricing import Receipt, price_of
from relay.formats import FORMATS
from relay.metering import CLAMPED, of_usage
from relay.neutral import Usage, fold

PRICES = prices()
ROWS = list(rows())


def params(*, only_tapped: bool = False) -> list[Any]:
    """All rows; those that wait for their format must fail, so that none is forgotten when it comes."""
    found = []
    for name, shape in ROWS:
        if only_tapped and FORMATS[name].tap is None:
            continue
        missing = shape.get("waits")
        marks = [pytest.mark.xfail(reason=f"{name} does not tell yet: {missing}", strict=True)] if missing else []
        found.append(pytest.param(name, shape, id=f"{name}-{shape['name']}", marks=marks))
    return found


def receipt(shape: Shape, usage: Usage | None) -> Receipt:
    assert usage is not None
    assert usage.inconsistent == shape.get("inconsistent", False)
    measured = of_usage(usage)
    return price_of(
        measured.counts, PRICES[shape["price"]], Decimal(1), measured.notes, measured.further, measured.tier
    )


def check(shape: Shape, usage: Usage | None) -> None:
    found = receipt(shape, usage)
    assert {line.bucket: line.count for line in found.lines} == shape["buckets"]
    assert found.credits == shape["credits"]
    assert [note for note in found.notes if note != CLAMPED] == shape.get("notes", [])


def test_the_table_is_long_and_its_sums_are_right() -> None:
    assert len(ROWS) >= 60
    for _, shape in ROWS:
        assert ceil(worked(shape["sum"])) == shape["credits"], shape["name"]
        counts = [int(part.split(" × ")[0]) for part in shape["sum"].split(" + ")]
        assert sorted(counts) == sorted(shape["buckets"].values()), shape["name"]


@pytest.mark.parametrize(("name", "shape"), params())
def test_a_whole_answer_costs_what_its_vendor_charges(name: str, shape: Shape) -> None:
    body = whole(name, shape)
    parsed = FORMATS[name].parse_response(body).usage
    check(shape, parsed)
    survey = FORMATS[name].survey
    glimpsed = survey(body) if survey else None
    assert glimpsed is None or told(glimpsed.usage) == told(parsed), "what passes through unread counts the same"


@pytest.mark.parametrize(("name", "shape"), params())
def test_a_stream_costs_what_the_whole_answer_costs(name: str, shape: Shape) -> None:
    answer = fold(events(name, streamed(name, shape)))
    check(shape, answer.usage)
    assert told(answer.usage) == told(FORMATS[name].parse_response(whole(name, shape)).usage)


@pytest.mark.parametrize(("name", "shape"), params(only_tapped=True))
def test_a_stream_that_passes_through_costs_the_same(name: str, shape: Shape) -> None:
    make = FORMATS[name].tap
    assert make is not None
    tap = make(shape.get("model", "m"), False)
    for frame in frames(streamed(name, shape)):
        tap.feed(frame)
    assert (tap.finished or tap.stop_seen) and tap.error is None
    check(shape, tap.usage)
