"""Which channels can serve a request, and in which order they are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from openopen8.core.rules.snapshot import Provider, ProviderKey, Snapshot

Random = Callable[[], float]
"""A number in [0, 1)."""

Turn = Callable[[int], int]
"""How often a channel (by id) had its turn before: for keys that are used one after the other."""

_CHAT = frozenset({"chat"})

OPENAI = frozenset({"completions", "embeddings", "moderations"})
"""What OpenAI has beside chat, and vendors that follow its forms."""

ENDPOINTS: dict[str, frozenset[str]] = {
    "openai": _CHAT | OPENAI,
    "openai-compatible": _CHAT | OPENAI | {"rerank"},
    "openai-responses": _CHAT,
    "anthropic": _CHAT,
    "gemini": _CHAT,
    "vertex": _CHAT,
    "bedrock": _CHAT,
    "cohere": _CHAT | {"embeddings", "rerank"},
    "jina": frozenset({"embeddings", "rerank"}),
}
"""Channel type → what it can do. Types that can do chat serve it in every caller's format."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: this channel with this key."""

    provider: Provider
    key: ProviderKey


def candidates(snapshot: Snapshot, group_id: int, model: str, endpoint: str) -> tuple[Provider, ...]:
    """Channels that are enabled, serve the model, belong to the group and can do the endpoint."""
    return tuple(
        p
        for p in snapshot.providers
        if model in p.models and group_id in p.groups and endpoint in ENDPOINTS.get(p.type, frozenset())
    )


def plan(providers: Iterable[Provider], now: int, most: int, random: Random, turn: Turn) -> tuple[Attempt, ...]:
    """Up to ``most`` attempts: highest priority first, among equals weighted random; each channel and key once.

    What rests (after failures or a 429) is left out. A channel's further keys come after all
    other channels of its priority had their turn.
    """
    awake = [p for p in providers if p.rest_until <= now]
    if len(awake) == 1 and len(awake[0].keys) == 1:  # most installations: nothing to choose
        key = awake[0].keys[0]
        return (Attempt(awake[0], key),) if key.rest_until <= now else ()
    ordered: list[Attempt] = []
    for priority in sorted({p.priority for p in awake}, reverse=True):
        shuffled = _weighted([p for p in awake if p.priority == priority], random)
        columns = [_keys(p, now, random, turn) for p in shuffled]
        depth = max((len(keys) for keys in columns), default=0)
        for nth in range(depth):
            ordered += [Attempt(p, keys[nth]) for p, keys in zip(shuffled, columns, strict=True) if nth < len(keys)]
        if len(ordered) >= most:
            break
    return tuple(ordered[:most])


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


def _weighted(providers: list[Provider], random: Random) -> list[Provider]:
    rest, chosen = list(providers), []
    while rest:
        total = sum(max(p.weight, 0) for p in rest)
        point, index = random() * total, 0
        for index, provider in enumerate(rest):  # noqa: B007 - the index is the result
            point -= max(provider.weight, 0)
            if point < 0:
                break
        chosen.append(rest.pop(index))
    return chosen
