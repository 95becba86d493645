"""The rare fields of a price between the form's texts and what the service takes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openopen8.core.services.prices import PriceView
from openopen8.state.price_rare import FIELDS, NONE, data_of, in_unit, place_of, texts_of

RATE = 500_000
AMOUNT = st.decimals(0, 10**6, places=6).map(lambda value: f"{value.normalize():f}")
KINDS = st.dictionaries(st.sampled_from(["web_search", "seconds", "flex"]), AMOUNT, min_size=1)


def view(**fields: object) -> PriceView:
    return PriceView(1, "m", "5", "15", None, None, None, 0, "current", 0, **fields)  # type: ignore[arg-type]


@given(AMOUNT, AMOUNT, KINDS, KINDS)
def test_what_a_price_says_comes_back_from_the_form_in_either_unit(
    write: str, audio: str, calls: dict[str, str], tiers: dict[str, str]
) -> None:
    long = {"input": write, "output": audio}
    given = {"cache_write": write, "output_audio": audio, "long_above": 200_000, "long": long,
             "calls": calls, "tiers": tiers}  # fmt: skip
    texts = texts_of(view(**given))
    for unit, shown in (("credits", texts), ("usd", in_unit(texts, "usd", RATE))):
        data, wrong = data_of(shown, unit, RATE)
        assert wrong == []
        assert {name: _decimals(value) for name, value in data.items()} == {n: _decimals(v) for n, v in given.items()}


def _decimals(value: object) -> object:
    if isinstance(value, dict):
        return {name: Decimal(text) for name, text in value.items()}
    return Decimal(str(value))


def test_blank_fields_set_nothing() -> None:
    assert data_of(NONE, "usd", RATE) == ({}, [])
    assert set(texts_of(view())) == set(FIELDS) and not any(texts_of(view()).values())


def test_without_a_threshold_no_request_is_long() -> None:
    assert data_of({**NONE, "long_input": "3", "long_output": "x"}, "usd", RATE) == ({}, [])


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("cache_write", "x"),
        ("input_audio", "-1"),
        ("long_above", "1.5"),
        ("long_above", "-5"),
        ("long_above", "9" * 20),
        ("tiers", "flex"),
        ("tiers", "flex=half"),
        ("calls", "a=1,a=2"),
        ("units", "seconds=-1"),
    ],
)
def test_what_is_no_number_is_named_by_its_field(name: str, typed: str) -> None:
    assert data_of({**NONE, name: typed}, "usd", RATE)[1] == [name]


def test_calls_are_priced_in_the_forms_unit_and_tiers_are_factors_in_both() -> None:
    texts = {**NONE, "calls": "web_search = 0.01", "tiers": "flex=0.5"}
    assert data_of(texts, "usd", RATE)[0] == {"calls": {"web_search": "5000"}, "tiers": {"flex": "0.5"}}
    assert data_of(texts, "credits", RATE)[0] == {"calls": {"web_search": "0.01"}, "tiers": {"flex": "0.5"}}


def test_the_services_words_stand_at_the_forms_fields() -> None:
    assert [place_of(x) for x in ("long.output", "long", "tiers.flex", "cache_write", "valid_from")] == [
        "long_output",
        "long_input",
        "tiers",
        "cache_write",
        "valid_from",
    ]
