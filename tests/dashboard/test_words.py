"""How amounts, numbers and bars are written."""

from __future__ import annotations

import pytest

from openopen8.state.bars import stack
from openopen8.state.examples import examples
from openopen8.state.numbers import whole
from openopen8.state.worth import dollars


@pytest.mark.parametrize(
    ("credits", "words"),
    [
        (0, "$0.00"),
        (12_500, "$0.025"),
        (50_000_000, "$100.00"),
        (1, "$0.000002"),
        (-500_000, "-$1.00"),
        (5_000, "$0.01"),
    ],
)
def test_credits_are_worth(credits: int, words: str) -> None:
    assert dollars(credits, 500_000) == words


@pytest.mark.parametrize(
    ("typed", "number"),
    [("100,000", 100_000), (" 100 000 ", 100_000), ("0", 0), ("", None), ("-1", None), ("1.5", None), ("٣", None)],
)
def test_whole_numbers_as_people_type_them(typed: str, number: int | None) -> None:
    assert whole(typed) == number


def test_bars_add_up_and_the_sixth_model_shares_the_last_colour() -> None:
    rows = [("2026-01-02", f"m{n}", 10 * (7 - n)) for n in range(7)]
    bars, names = stack(rows, ["2026-01-01", "2026-01-02"])
    assert [bar.total for bar in bars] == [0, sum(value for _, _, value in rows)]
    assert sum(part.share for part in bars[1].parts) == pytest.approx(100, abs=0.01)
    assert [name.name for name in names] == ["m0", "m1", "m2", "m3", "m4", "…"]
    assert max(part.tone for part in bars[1].parts) == 5


def test_a_quote_in_a_models_name_can_not_break_out_of_the_shell_line() -> None:
    curl = examples("http://x", "sk-1", "a'; rm -rf /; '")[0].code
    assert "'\\''" in curl and "a'; rm" not in curl
