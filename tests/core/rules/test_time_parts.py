"""A span of time is cut into whole cells without gaps, whatever is known of each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from openopen8.core.rules.time_parts import DAY, HOUR, MINUTE, SLOT, Part, parts

EVER = 2**53 - 1
TIMES = st.integers(0, 5 * DAY * 1_000)


@given(TIMES, TIMES, st.integers(0, 2**32))
def test_parts_follow_each_other_without_gaps_at_the_bounds_of_their_cells(since: int, until: int, luck: int) -> None:
    def finer(grain: int, cell: int) -> bool:
        return grain == DAY or hash((grain, cell, luck)) % 2 == 0

    found = parts(since, until, EVER, finer)
    at = since
    for part in found:
        assert part.since == at < part.until
        at = part.until
        if part.grain:
            assert part.since % (part.grain * 1_000) == part.until % (part.grain * 1_000) == 0
        else:
            assert part.cell <= part.since and part.until <= part.cell + part.within * 1_000
            assert part.within == SLOT or not finer(part.within, part.cell)
    assert at == max(since, until) if since <= until else not found


def test_a_span_without_an_end_has_one_cut() -> None:
    start = (2 * DAY + 3 * HOUR + 4 * MINUTE + 5) * 1_000
    found = parts(start, EVER, EVER, lambda grain, cell: True)
    assert [part.grain for part in found] == [0, SLOT, MINUTE, HOUR, DAY]
    assert found[0] == Part(0, start, start + 5_000, SLOT, start - 5_000) and found[-1].until == EVER


def test_what_has_no_finer_sums_is_read_from_the_log_within_its_cell() -> None:
    hour = HOUR * 1_000
    (only,) = parts(5 * hour + 7, 5 * hour + 9, EVER, lambda grain, cell: grain == DAY)
    assert only == Part(0, 5 * hour + 7, 5 * hour + 9, HOUR, 5 * hour)
