"""A channel as admins see it: keys only as hints with their state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openopen8.core.models import Channel, ChannelKey, Group


@dataclass(frozen=True, slots=True)
class KeyView:
    """One provider key. state: enabled, resting (see ``rest_until``) or disabled (see ``reason``)."""

    id: int
    hint: str
    state: str
    reason: str
    rest_until: int | None


@dataclass(frozen=True, slots=True)
class ChannelView:
    """status: enabled, resting (after failures) or disabled; ``reason`` says why the gateway did it."""

    id: int
    name: str
    type: str
    base_url: str
    keys: tuple[KeyView, ...]
    models: tuple[str, ...]
    groups: tuple[str, ...]
    priority: int
    weight: int
    key_mode: str
    model_mapping: dict[str, str]
    parameter_override: dict[str, Any]
    header_override: dict[str, str]
    status_map: dict[str, int]
    proxy: str
    """Without its password."""
    http2: bool
    auto_disable: bool
    test_model: str
    note: str
    tags: tuple[str, ...]
    enabled: bool
    status: str
    reason: str
    rest_until: int | None
    last_test: dict[str, Any] | None
    """{at, ok, latency_ms, first_token_ms, answer, error} of the last test; ``at`` in ms UTC."""
    created_at: int


def view_of(channel: Channel, keys: Sequence[ChannelKey], groups: Mapping[int, Group], now: int) -> ChannelView:
    """The view of one row with its keys; ``groups`` by id."""
    state, reason = _state(channel, now)
    return ChannelView(
        id=channel.id or 0,
        name=channel.name,
        type=channel.type,
        base_url=channel.base_url,
        keys=tuple(_key(key, now) for key in keys if key.sealed or key.env_name),
        models=tuple(channel.models),
        groups=tuple(groups[id].name for id in channel.groups if id in groups),
        priority=channel.priority,
        weight=channel.weight,
        key_mode=channel.key_mode,
        model_mapping=channel.model_mapping,
        parameter_override=channel.parameter_override,
        header_override=channel.header_override,
        status_map=channel.status_map,
        proxy=channel.proxy,
        http2=channel.http2,
        auto_disable=channel.auto_disable,
        test_model=channel.test_model,
        note=channel.note,
        tags=tuple(channel.tags),
        enabled=channel.enabled,
        status=state,
        reason=reason,
        rest_until=_awake_at(channel.rest_until, now),
        last_test=channel.last_test,
        created_at=channel.created_at,
    )


def _key(key: ChannelKey, now: int) -> KeyView:
    state, reason = _state(key, now)
    hint = f"env:{key.env_name}" if key.env_name else key.hint
    return KeyView(key.id or 0, hint, state, reason, _awake_at(key.rest_until, now))


def _state(row: Channel | ChannelKey, now: int) -> tuple[str, str]:
    if not row.enabled:
        return "disabled", row.disabled_reason
    if row.rest_until is not None and row.rest_until > now:
        return "resting", row.rest_reason
    return "enabled", ""


def _awake_at(rest_until: int | None, now: int) -> int | None:
    return rest_until if rest_until is not None and rest_until > now else None
