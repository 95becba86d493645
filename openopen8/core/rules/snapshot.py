"""What every worker keeps in memory: channels, groups, prices and options at one revision."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from openopen8.core.rules.options import Options
from openopen8.core.rules.pricing import Price


@dataclass(frozen=True, slots=True)
class GroupTerms:
    """A group as requests see it."""

    id: int
    name: str
    ratio: Decimal
    selectable: bool
    rate_limit: int | None


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """One provider key; ``sealed`` is still encrypted, so that a printed snapshot tells nothing."""

    id: int
    sealed: str
    env_name: str
    rest_until: int


@dataclass(frozen=True, slots=True)
class Provider:
    """A channel that may be called: enabled, with at least one enabled key."""

    id: int
    name: str
    type: str
    base_url: str
    models: frozenset[str]
    groups: frozenset[int]
    priority: int
    weight: int
    key_mode: str
    keys: tuple[ProviderKey, ...]
    model_mapping: dict[str, str]
    parameter_override: dict[str, Any]
    header_override: dict[str, str]
    status_map: dict[str, int]
    auto_disable: bool
    rest_until: int
    proxy: str = ""
    """URL of a proxy, still encrypted; empty = none."""
    http2: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent reading; replaced whole when the revision moves on."""

    revision: int = -1
    options: Options = field(default_factory=Options)
    groups: dict[int, GroupTerms] = field(default_factory=dict)
    providers: tuple[Provider, ...] = ()
    prices: dict[str, tuple[Price, ...]] = field(default_factory=dict)
    """By model, each sorted by ``valid_from``."""
    served: dict[tuple[int, str, str], Any] = field(default_factory=dict, compare=False, repr=False)
    """Filled as requests come: who serves a model in a group at an endpoint, as ``routing.candidates`` found them."""
