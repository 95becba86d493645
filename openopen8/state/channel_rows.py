"""Channels as the Channels page shows them: keys only as hints with their state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openopen8.core.services.channel_view import ChannelView, KeyView
from openopen8.state.log_rows import duration
from relay.channels import TYPES


@dataclass(frozen=True)
class ChannelRow:
    """One line. state: on, off, switched (by the gateway), rest, key_rest or no_key; times in ms."""

    id: int = 0
    name: str = ""
    type: str = ""
    base_url: str = ""
    enabled: bool = True
    state: str = ""
    reason: str = ""
    until: int = 0
    keys_well: int = 0
    keys_all: int = 0
    models: int = 0
    model_names: str = ""
    groups: str = ""
    priority: int = 0
    weight: int = 1
    note: str = ""
    tested_at: int = 0
    test_ok: bool = False
    test_latency: str = ""
    test_words: str = ""


@dataclass(frozen=True)
class KeyRow:
    """One provider key. state: enabled, resting or disabled."""

    id: int
    hint: str
    state: str
    reason: str


def row_of(view: ChannelView) -> ChannelRow:
    """One line."""
    state, reason, until = state_of(view)
    test: dict[str, Any] = view.last_test or {}
    kind = TYPES.get(view.type)
    return ChannelRow(
        id=view.id,
        name=view.name,
        type=kind.label if kind else view.type,
        base_url=view.base_url,
        enabled=view.enabled,
        state=state,
        reason=reason,
        until=until,
        keys_well=sum(key.state == "enabled" for key in view.keys),
        keys_all=len(view.keys),
        models=len(view.models),
        model_names=", ".join(view.models),
        groups=", ".join(view.groups),
        priority=view.priority,
        weight=view.weight,
        note=view.note,
        tested_at=int(test.get("at", 0)),
        test_ok=bool(test.get("ok")),
        test_latency=duration(test.get("latency_ms")),
        test_words=str(test.get("answer") or test.get("error") or "")[:300],
    )


def key_rows(view: ChannelView) -> list[KeyRow]:
    """The keys of one channel."""
    return [KeyRow(key.id, key.hint or "…", key.state, key.reason) for key in view.keys]


def state_of(view: ChannelView) -> tuple[str, str, int]:
    """State, reason and until when (ms, 0 = not known)."""
    if view.status == "disabled":
        return ("switched", view.reason, 0) if view.reason else ("off", "", 0)
    if view.status == "resting":
        return "rest", view.reason, view.rest_until or 0
    if not view.keys or any(key.state == "enabled" for key in view.keys):
        return "on", "", 0
    return _without_keys(view.keys)


def _without_keys(keys: tuple[KeyView, ...]) -> tuple[str, str, int]:
    resting = [key for key in keys if key.state == "resting"]
    if not resting:
        return "no_key", keys[0].reason, 0
    first = min(resting, key=lambda key: key.rest_until or 0)
    return "key_rest", first.reason, first.rest_until or 0
