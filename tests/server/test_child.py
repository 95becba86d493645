"""How quickly a child comes back."""

from openopen8.server.child import FIRST_DELAY, LONGEST_DELAY, SETTLED_SECONDS, next_delay


def test_a_child_that_had_settled_comes_back_without_waiting() -> None:
    assert next_delay(LONGEST_DELAY, SETTLED_SECONDS) == FIRST_DELAY


def test_a_child_that_dies_at_once_comes_back_ever_more_slowly_up_to_a_bound() -> None:
    delays, last = [], 0.0
    for _ in range(12):
        last = next_delay(last, 0.5)
        delays.append(last)
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY
