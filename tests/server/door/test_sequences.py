"""Made-up sequences of requests, right and wrong, on one connection: the door through ASGI is the hot one's model."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import EVERYTHING
from tests.server.door import made_up
from tests.server.door.twins import Twins, sound

pytestmark = pytest.mark.asyncio(loop_factories=["uvloop"])

LIMIT = 120
MANY = settings(
    max_examples=3000 if EVERYTHING else 150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
CORPUS = [
    file.read_bytes()
    for file in sorted((Path(__file__).parent / "corpus").glob("*.http"))
    if not file.name.startswith(("early", "expect-early"))  # broken, they may be answered or refused
]


@cache
def twins() -> Twins:
    return Twins()


@cache
def narrow() -> Twins:
    """With little room for a head."""
    return Twins(head_limit=LIMIT)


@MANY
@given(made_up.conversations, made_up.cuts, made_up.cuts)
async def test_both_doors_tell_the_same_story(data: bytes, one: list[int], other: list[int]) -> None:
    outcome = await twins().agreed(data, one, other)
    sound(outcome)


@MANY
@given(made_up.answered_early, made_up.cuts)
async def test_an_answer_before_the_body_is_no_answer_to_the_next_request(data: bytes, cuts: list[int]) -> None:
    sound(await twins().agreed(data, cuts))


@MANY
@given(made_up.damaged(st.sampled_from(CORPUS)), made_up.cuts)
async def test_damaged_requests_do_the_same_to_both_doors(data: bytes, cuts: list[int]) -> None:
    sound(await twins().agreed(data, cuts))


@MANY
@given(st.lists(made_up.sized(LIMIT), min_size=1, max_size=6), made_up.cuts)
async def test_the_first_head_above_the_limit_is_refused_wherever_it_is_cut(
    asked: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    outcome = await narrow().agreed(b"".join(data for _, data in asked), cuts)
    fitting = next((place for place, (size, _) in enumerate(asked) if size > LIMIT), len(asked))
    assert len(outcome.seen) == fitting and (b" 431 " in outcome.written) is (fitting < len(asked))
    sound(outcome)


@MANY
@given(st.lists(st.tuples(made_up.names, made_up.values), max_size=6), made_up.cuts)
async def test_headers_of_any_kind_are_seen_alike_or_refused(pairs: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    lines = b"".join(b"%b: %b\r\n" % pair for pair in pairs)
    data = b"POST /v1/messages HTTP/1.1\r\nhost: g\r\n" + lines + b"content-length: 2\r\n\r\n{}"
    sound(await twins().agreed(data, cuts))
