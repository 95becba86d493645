"""Reads channels, groups, prices and options into one Snapshot; says when it has changed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from openopen8.core.rules.options import NAMES, Options
from openopen8.core.rules.pricing import Price
from openopen8.core.rules.rates import NAMES as RATIOS
from openopen8.core.rules.rates import Rates
from openopen8.core.rules.snapshot import GroupTerms, Provider, ProviderKey, Snapshot
from openopen8.core.tools import Tools

Row = Sequence[Any]
Fetch = Callable[[str], Awaitable[Sequence[Row]]]

REVISION = "SELECT number FROM revisions WHERE name = 'snapshot'"
# as text, since a driver may have parsed JSON already, and a parsed text could not be told from an unparsed one
_OPTIONS = "SELECT name, CAST(value AS TEXT) FROM options"
_GROUPS = "SELECT id, name, ratio, selectable, rate_limit FROM groups"
_KEYS = "SELECT channel_id, id, sealed, env_name, COALESCE(rest_until, 0) FROM channel_keys WHERE enabled ORDER BY id"
_CHANNELS = (
    "SELECT id, name, type, base_url, models, groups, priority, weight, key_mode, model_mapping, "
    "parameter_override, header_override, status_map, auto_disable, COALESCE(rest_until, 0), "
    "proxy_sealed, http2 FROM channels WHERE enabled AND deleted_at IS NULL ORDER BY id"
)
_PRICES = (
    f"SELECT id, model, valid_from, per_call, long_above, long, tiers, calls, units, {', '.join(RATIOS)} FROM prices "
    "WHERE deleted_at IS NULL ORDER BY model, valid_from, id"
)


def bump(session: Session) -> None:
    """Tell every worker, in the same transaction, that what it keeps in memory is out of date."""
    session.connection().execute(text("UPDATE revisions SET number = number + 1 WHERE name = 'snapshot'"))


async def read_snapshot(revision: int, fetch: Fetch) -> Snapshot:
    """The Snapshot at ``revision``; ``fetch`` runs one query within the caller's transaction."""
    keys: dict[int, list[ProviderKey]] = {}
    for channel, id, sealed, env_name, rest_until in await fetch(_KEYS):
        keys.setdefault(channel, []).append(ProviderKey(id, sealed, env_name, rest_until))
    return Snapshot(
        revision=revision,
        options=_options(await fetch(_OPTIONS)),
        groups={
            row[0]: GroupTerms(row[0], row[1], Decimal(row[2]), bool(row[3]), row[4]) for row in await fetch(_GROUPS)
        },
        providers=tuple(_provider(row, tuple(keys[row[0]])) for row in await fetch(_CHANNELS) if row[0] in keys),
        prices=_prices(await fetch(_PRICES)),
    )


def load_snapshot(tools: Tools) -> Snapshot:
    """The current Snapshot, for services outside the relay."""
    with tools.db.engine.connect() as connection:

        async def fetch(query: str) -> Sequence[Row]:
            return connection.execute(text(query)).fetchall()

        number = int(connection.execute(text(REVISION)).scalar_one())
        waiting = read_snapshot(number, fetch)
        try:
            waiting.send(None)
        except StopIteration as done:
            snapshot: Snapshot = done.value
            return snapshot
        raise RuntimeError("reading the snapshot waited for something")


def _options(rows: Sequence[Row]) -> Options:
    return Options(**{name: _json(value) for name, value in rows if name in NAMES})


def _provider(row: Row, keys: tuple[ProviderKey, ...]) -> Provider:
    return Provider(
        id=row[0],
        name=row[1],
        type=row[2],
        base_url=row[3],
        models=frozenset(_json(row[4])),
        groups=frozenset(_json(row[5])),
        priority=row[6],
        weight=row[7],
        key_mode=row[8],
        keys=keys,
        model_mapping=_json(row[9]),
        parameter_override=_json(row[10]),
        header_override=_json(row[11]),
        status_map=_json(row[12]),
        auto_disable=bool(row[13]),
        rest_until=row[14],
        proxy=row[15],
        http2=bool(row[16]),
    )


def _prices(rows: Sequence[Row]) -> dict[str, tuple[Price, ...]]:
    found: dict[str, list[Price]] = {}
    for row in rows:
        found.setdefault(row[1], []).append(_price(row))
    return {model: tuple(prices) for model, prices in found.items()}


def _price(row: Row) -> Price:
    id, model, valid_from, per_call, long_above, long, tiers, calls, units, *ratios = row
    return Price(
        id=id,
        model=model,
        valid_from=valid_from,
        rates=_rates(dict(zip(RATIOS, ratios, strict=True))),
        per_call=None if per_call is None else Decimal(per_call),
        long_above=long_above,
        long=_rates(_json(long) or {}),
        tiers=_named(tiers),
        calls=_named(calls),
        units=_named(units),
    )


def _rates(texts: Mapping[str, str | None]) -> Rates:
    return Rates(**{name: Decimal(text) for name, text in texts.items() if text is not None and name in RATIOS})


def _named(value: Any) -> tuple[tuple[str, Decimal], ...]:
    return tuple((name, Decimal(text)) for name, text in (_json(value) or {}).items())


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
