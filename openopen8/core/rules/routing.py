"""Which channels can serve a request, and in which order they are tried."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from openopen8.core.rules.snapshot import Provider, ProviderKey, Snapshot
from openopen8.core.rules.vendors import VENDORS

Random = Callable[[], float]
"""A number in [0, 1)."""

Turn = Callable[[int], int]
"""How often a channel (by id) had its turn before: for keys that are used one after the other."""

_MISSES = 4
"""So many draws of a channel that was drawn before, and the rest are put in order instead."""

_CHAT = frozenset({"chat"})

OPENAI = frozenset({"completions", "embeddings", "moderations"})
"""What OpenAI has beside chat, and vendors that follow its forms."""

MEDIA = frozenset({"images", "image_edits", "image_variations", "speech", "transcriptions", "translations"})
"""OpenAI's endpoints for sound and pictures."""

_VIDEOS = frozenset({"videos"})

ENDPOINTS: dict[str, frozenset[str]] = {
    "openai": _CHAT | OPENAI | MEDIA | _VIDEOS | {"compact", "realtime", "files", "batches"},
    "openai-compatible": _CHAT | OPENAI | MEDIA | {"rerank"},
    "openai-responses": _CHAT | {"compact"},
    "anthropic": _CHAT | {"message_batches"},
    "gemini": _CHAT | {"embeddings", "images", "image_edits", "gemini_batches"},
    **VENDORS,
    "ollama-native": _CHAT | {"embeddings"},
    "sora": _VIDEOS,
    "kling": _VIDEOS | {"kling"},
    "jimeng": _VIDEOS | {"jimeng"},
    "vidu": _VIDEOS | {"vidu"},
    "vertex": _CHAT | {"embeddings"},
    "bedrock": _CHAT | {"embeddings"},
    "cohere": _CHAT | {"embeddings", "rerank"},
    "jina": frozenset({"embeddings", "rerank"}),
}
"""Channel type → what it can do. Types that can do chat serve it in every caller's format."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: this channel with this key."""

    provider: Provider
    key: ProviderKey


class Tier:
    """Channels of one priority, with the numbers to draw one of them by its weight."""

    __slots__ = ("_bounds", "_providers")

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = tuple(providers)
        self._bounds = tuple(accumulate(max(p.weight, 0) for p in self._providers))

    def drawn(self, random: Random) -> Iterator[Provider]:
        """Each once, heavy ones sooner; those without weight come last.

        The first ones are drawn, at a cost that hardly grows with the number of channels; who wants more than a few
        gets the rest shuffled.
        """
        gone: set[int] = set()
        misses, total = 0, self._bounds[-1]
        while total and misses < _MISSES and 2 * len(gone) < len(self._providers):
            index = bisect_right(self._bounds, random() * total)
            if index in gone:
                misses += 1
                continue
            gone.add(index)
            yield self._providers[index]
        yield from _shuffled([p for index, p in enumerate(self._providers) if index not in gone], random)


class Candidates(tuple[Provider, ...]):
    """Channels that may serve a request."""

    @cached_property
    def tiers(self) -> tuple[Tier, ...]:
        """By priority, the highest first."""
        priorities = sorted({p.priority for p in self}, reverse=True)
        return tuple(Tier(p for p in self if p.priority == priority) for priority in priorities)


def candidates(snapshot: Snapshot, group_id: int, model: str, endpoint: str) -> Candidates:
    """Channels that are enabled, serve the model, belong to the group and can do the endpoint."""
    return Candidates(
        p
        for p in snapshot.providers
        if model in p.models and group_id in p.groups and endpoint in ENDPOINTS.get(p.type, frozenset())
    )


def plan(providers: Candidates, now: int, random: Random, turn: Turn) -> Iterator[Attempt]:
    """Attempts, found one by one as they are asked for: highest priority first, each channel and key once.

    What rests (after failures or a 429) is left out. A channel's further keys come after all
    other channels of its priority had their turn.
    """
    if len(providers) == 1 and len(providers[0].keys) == 1:  # most installations: nothing to choose
        key = providers[0].keys[0]
        if max(providers[0].rest_until, key.rest_until) <= now:
            yield Attempt(providers[0], key)
        return
    for tier in providers.tiers:
        further: list[tuple[Provider, list[ProviderKey]]] = []
        for provider in tier.drawn(random):
            if provider.rest_until <= now and (keys := _keys(provider, now, random, turn)):
                yield Attempt(provider, keys[0])
                further.append((provider, keys[1:]))
        depth = max((len(keys) for _, keys in further), default=0)
        for nth in range(depth):
            for provider, keys in further:
                if nth < len(keys):
                    yield Attempt(provider, keys[nth])


def wakes_at(providers: Iterable[Provider], now: int) -> int | None:
    """When the first of the resting channels may be tried again (ms); None when there is no channel."""
    moments = [max(p.rest_until, min((k.rest_until for k in p.keys), default=0)) for p in providers]
    return max(min(moments), now) if moments else None


def _keys(provider: Provider, now: int, random: Random, turn: Turn) -> list[ProviderKey]:
    awake = [key for key in provider.keys if key.rest_until <= now]
    if len(awake) < 2:
        return awake
    in_turn = provider.key_mode == "round_robin"
    start = turn(provider.id) % len(awake) if in_turn else int(random() * len(awake))
    return awake[start:] + awake[:start]


def _shuffled(providers: list[Provider], random: Random) -> list[Provider]:
    """In the order in which they would be drawn by weight.

    Source: Efraimidis and Spirakis, Weighted random sampling with a reservoir (2006).
    """

    def place(provider: Provider) -> float:
        lot = random()
        return lot ** (1 / provider.weight) if provider.weight > 0 else lot - 1

    return sorted(providers, key=place, reverse=True)
