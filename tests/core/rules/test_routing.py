"""Which channels are tried, and in which order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from openopen8.core.rules.routing import Attempt, Candidates, plan
from openopen8.core.rules.snapshot import Provider, ProviderKey

NOW = 1_000


def channel(
    id: int, *, weight: int = 1, priority: int = 0, keys: int = 1, mode: str = "random", rest: int = 0
) -> Provider:
    return Provider(
        id=id, name=f"channel {id}", type="openai", base_url="", models=frozenset(), groups=frozenset(),
        priority=priority, weight=weight, key_mode=mode,
        keys=tuple(ProviderKey(10 * id + n, "", "", 0) for n in range(keys)),
        model_mapping={}, parameter_override={}, header_override={}, status_map={}, auto_disable=True, rest_until=rest,
    )  # fmt: skip


def planned(*channels: Provider, seed: int = 0) -> list[Attempt]:
    return list(attempts(*channels, seed=seed))


def attempts(*channels: Provider, seed: int = 0) -> Iterator[Attempt]:
    return plan(Candidates(channels), NOW, random.Random(seed).random, lambda id: 0)


def test_each_channel_and_key_is_tried_once() -> None:
    channels = [channel(id, weight=id % 4, priority=id % 3, keys=1 + id % 3) for id in range(1, 40)]
    found = planned(*channels)
    assert Counter(attempt.key.id for attempt in found) == Counter(key.id for c in channels for key in c.keys)


def test_higher_priority_goes_first() -> None:
    found = planned(*[channel(id, priority=id % 3) for id in range(30)])
    priorities = [attempt.provider.priority for attempt in found]
    assert priorities == sorted(priorities, reverse=True)


def test_a_channels_further_keys_come_after_all_other_channels_had_their_turn() -> None:
    found = planned(channel(1, keys=3), channel(2, keys=3))
    assert [sorted(a.provider.id for a in found[n : n + 2]) for n in (0, 2, 4)] == [[1, 2]] * 3


def test_equals_are_drawn_by_their_weight_first_and_second() -> None:
    channels = [channel(id, weight=id) for id in (1, 2, 5)]
    first, second = Counter[int](), Counter[int]()
    for seed in range(8_000):
        one, two = islice(attempts(*channels, seed=seed), 2)
        first[one.provider.id] += 1
        second[two.provider.id] += 1
    assert [round(first[id] / 8_000, 1) for id in (1, 2, 5)] == [0.1, 0.2, 0.6]
    # P(second = 5) = 1/8 · 5/7 + 2/8 · 5/6
    assert abs(second[5] / 8_000 - (5 / 56 + 10 / 48)) < 0.02


def test_channels_without_weight_come_last() -> None:
    for seed in range(50):
        found = planned(channel(1, weight=0), channel(2, weight=3), channel(3, weight=0), seed=seed)
        assert found[0].provider.id == 2
        assert {attempt.provider.id for attempt in found} == {1, 2, 3}


def test_what_rests_is_left_out() -> None:
    assert [a.provider.id for a in planned(channel(1, rest=NOW + 1), channel(2, rest=NOW))] == [2]
    assert planned(channel(1, rest=NOW + 1)) == []


def test_the_first_attempt_is_found_without_drawing_all_others() -> None:
    drawn = 0

    def lot() -> float:
        nonlocal drawn
        drawn += 1
        return random.random()

    next(plan(Candidates(channel(id, keys=2) for id in range(1_000)), NOW, lot, lambda id: 0))
    assert drawn == 2  # one channel, one of its keys
