"""What a reader wants to see of the log, to the address and back."""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openopen8.core.clock import DAY, HOUR, MINUTE
from openopen8.state.log_filter import KINDS, SPANS, STATUSES, Wish, address, bounds, csv_address, fault, read, wanted

NOW = 1_790_000_000_000
MOMENTS = st.sampled_from(["", "2026-09-20T10:00:00Z", "2026-09-21T10:00:00.000Z"])
WISHES = st.builds(
    Wish,
    token=st.sampled_from(["", "1", "42"]),
    model=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20),
    span=st.sampled_from([x for x in SPANS if x != "custom"]),
    status=st.sampled_from(STATUSES),
    kind=st.sampled_from(KINDS),
    user=st.sampled_from(["", "7"]),
    request=st.sampled_from(["", "req_abc"]),
)


@given(WISHES)
def test_a_shared_address_shows_the_same_view(wish: Wish) -> None:
    assert read(dict(parse_qsl(urlsplit(address(wish)).query))) == wish


@given(MOMENTS, MOMENTS)
def test_a_custom_span_survives_the_address(since: str, until: str) -> None:
    wish = Wish(span="custom", since=since, until=until)
    assert read(dict(parse_qsl(urlsplit(address(wish)).query))) == wish


@given(st.dictionaries(st.sampled_from(list(asdict(Wish()))), st.text(max_size=40)))
def test_no_address_breaks_the_page(query: dict[str, str]) -> None:
    wish = read(query)
    assert wish.span in SPANS and wish.status in STATUSES and wish.kind in KINDS
    wanted(wish, NOW)
    csv_address(wish, NOW)


def test_the_plain_list_has_a_plain_address() -> None:
    assert address(Wish()) == "/logs"
    assert address(Wish(), page=3) == "/logs?page=3"


@pytest.mark.parametrize(
    ("span", "since"),
    [("15m", NOW - 15 * MINUTE), ("1h", NOW - HOUR), ("today", NOW // DAY * DAY), ("7d", NOW - 7 * DAY), ("all", None)],
)
def test_each_span_begins_where_it_says(span: str, since: int | None) -> None:
    assert bounds(Wish(span=span), NOW) == (since, None)


def test_a_search_for_one_request_looks_through_all_times() -> None:
    assert bounds(Wish(span="15m", request="req_1"), NOW) == (None, None)


def test_all_entries_means_every_kind_and_the_plain_list_means_requests() -> None:
    assert wanted(Wish(), NOW).kind == "request"
    assert wanted(Wish(kind="all"), NOW).kind == ""


def test_the_csv_has_the_filter_of_the_page() -> None:
    query = dict(parse_qsl(urlsplit(csv_address(Wish(token="3", status="429", span="1h"), NOW)).query))
    assert query == {"token_id": "3", "status": "429", "from": "2026-09-21T13:13:20.000Z", "kind": "request"} | {
        "from": query["from"]
    }
    assert query["from"].endswith("Z")


def test_a_custom_span_must_have_a_length() -> None:
    assert fault(None, None) == "half_time"
    assert fault(5, 5) == "bad_time"
    assert fault(5, None) == "" and fault(None, 5) == "" and fault(5, 6) == ""
