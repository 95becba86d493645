"""Prices of models. Rows that were used stay: a change is a new row from now on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from openopen8.core.clock import to_ms
from openopen8.core.errors import invalid, not_found
from openopen8.core.models import PriceRow
from openopen8.core.rules.pricing import plain
from openopen8.core.rules.roles import Actor, require_admin
from openopen8.core.services import journal
from openopen8.core.services.forms import check_text
from openopen8.core.services.page import Page, check_id, offset_of
from openopen8.core.services.price_fields import (
    BY_NAME,
    RATIOS,
    VALUES,
    PriceFields,
    PricePatch,
    Values,
    check_whole,
    normal,
    values_of,
)
from openopen8.core.services.snapshot import bump
from openopen8.core.services.turn import take_turn
from openopen8.core.tools import Tools


@dataclass(frozen=True, slots=True)
class PriceView:
    """One price row; ratios are decimal texts. status: current, upcoming or past."""

    id: int
    model: str
    input: str | None
    output: str | None
    cache_read: str | None
    reasoning: str | None
    per_call: str | None
    valid_from: int
    status: str
    created_at: int
    cache_write: str | None = None
    cache_write_1h: str | None = None
    input_audio: str | None = None
    input_image: str | None = None
    cache_read_audio: str | None = None
    cache_read_image: str | None = None
    output_audio: str | None = None
    output_image: str | None = None
    long_above: int | None = None
    long: dict[str, str] = field(default_factory=dict)
    tiers: dict[str, str] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)


def create(tools: Tools, actor: Actor, fields: PriceFields) -> PriceView:
    """The price of a model from ``valid_from`` on; what holds until then stays."""
    require_admin(actor)
    now = tools.now()
    values = values_of(fields)
    check_whole(values)
    start = now if fields.valid_from is None else to_ms(fields.valid_from)
    with tools.db.write() as session:
        take_turn(session, "prices")
        if start < now and _newer(session, fields.model, start, now):
            raise invalid("A newer price of this model holds already: this one would never count.", "valid_from")
        return _set(tools, session, actor, fields.model, start, values)


def get(tools: Tools, actor: Actor, id: int) -> PriceView:
    """One price row."""
    require_admin(actor)
    with tools.db.read() as session:
        row = _existing(session, id)
        return _view(row, _currents(session, [row.model], tools.now()), tools.now())


def find(
    tools: Tools,
    actor: Actor,
    search: str = "",
    page: int = 1,
    page_size: int = 50,
    history: bool = False,
    sort: str = "model",
) -> Page[PriceView]:
    """Current and upcoming prices by model; with ``history`` also those that hold no longer."""
    require_admin(actor)
    offset, now = offset_of(page, page_size), tools.now()
    statement = select(PriceRow).where(*_kept(search, history, now)).order_by(*_order(sort))
    with tools.db.read() as session:
        total = session.exec(select(func.count()).select_from(statement.order_by(None).subquery())).one()
        rows = session.exec(statement.offset(offset).limit(page_size)).all()
        current = _currents(session, [row.model for row in rows], now)
        return Page(tuple(_view(row, current, now) for row in rows), total, page, page_size)


def update(tools: Tools, actor: Actor, id: int, patch: PricePatch) -> PriceView:
    """Change a price: one that held already goes on in a new row from now; an upcoming one keeps its start."""
    require_admin(actor)
    now = tools.now()
    with tools.db.write() as session:
        take_turn(session, "prices")
        row = _existing(session, id)
        if row.valid_from <= now and id != _currents(session, [row.model], now).get(row.model):
            raise invalid("This price holds no longer. Change the current one.")
        values = normal(_values(row) | patch.changes())
        check_whole(values)
        return _set(tools, session, actor, row.model, max(row.valid_from, now), values)


def delete(tools: Tools, actor: Actor, id: int) -> None:
    """Remove a price. When it is the current one the model has no price until an upcoming one begins."""
    require_admin(actor)
    now = tools.now()
    with tools.db.write() as session:
        take_turn(session, "prices")
        row = _existing(session, id)
        rows = [row]
        if id == _currents(session, [row.model], now).get(row.model):
            # an older row must not come back to life
            rows = list(session.exec(_alive(row.model).where(PriceRow.valid_from <= now)))
        for gone in rows:
            gone.deleted_at = now
        bump(session)
        journal.admin(session, actor, now, f"deleted the price of model {row.model!r}")


def put(session: Session, model: str, start: int, values: Values, now: int) -> PriceRow:
    """Write a row within the caller's transaction, who tells workers and log; one with the same start goes."""
    for same in session.exec(_alive(model).where(PriceRow.valid_from == start)):
        same.deleted_at = now
    given: dict[str, Any] = {name: _texts(values[name]) if name in BY_NAME else values[name] for name in VALUES}
    given |= {name: values[name] or Decimal(0) for name in ("input", "output")}
    row = PriceRow(model=model, valid_from=start, created_at=now, **given)
    session.add(row)
    return row


def standing(session: Session, models: list[str], now: int) -> dict[str, dict[int | None, Values]]:
    """By model what holds now (under None) and what is to come (under its start)."""
    current = _currents(session, models, now)
    alive = select(PriceRow).where(col(PriceRow.model).in_(models), col(PriceRow.deleted_at).is_(None))
    found: dict[str, dict[int | None, Values]] = {}
    for row in session.exec(alive):
        if row.valid_from > now or row.id == current.get(row.model):
            found.setdefault(row.model, {})[row.valid_from if row.valid_from > now else None] = _values(row)
    return found


def shown(values: Values) -> dict[str, Any]:
    """What a price says, decimals as texts, as :class:`PriceView` has it."""
    texts: dict[str, Any] = {name: None if values[name] is None else plain(values[name]) for name in RATIOS}
    return texts | {"long_above": values["long_above"]} | {name: _texts(values[name]) or {} for name in BY_NAME}


def _set(tools: Tools, session: Session, actor: Actor, model: str, start: int, values: Values) -> PriceView:
    now = tools.now()
    row = put(session, model, start, values, now)
    bump(session)
    told = ", ".join(f"{name} {_told(value)}" for name, value in values.items() if value is not None)
    journal.admin(session, actor, now, f"set the price of model {model!r}: {told}")
    session.flush()
    return _view(row, _currents(session, [model], now), now)


def _kept(search: str, history: bool, now: int) -> list[ColumnElement[bool]]:
    kept: list[ColumnElement[bool]] = [col(PriceRow.deleted_at).is_(None)]
    word = check_text(search, "search", 256)
    if word:
        kept.append(col(PriceRow.model).icontains(word, autoescape=True))
    if not history:
        other = aliased(PriceRow)
        same = (other.model == col(PriceRow.model), col(other.deleted_at).is_(None), other.valid_from <= now)
        newest = select(func.max(other.valid_from)).where(*same).scalar_subquery()
        kept.append(col(PriceRow.valid_from) >= func.coalesce(newest, 0))
    return kept


def _order(sort: str) -> tuple[Any, ...]:
    keys: dict[str, Any] = {
        "model": func.lower(col(PriceRow.model)),
        "valid_from": col(PriceRow.valid_from),
        "created_at": col(PriceRow.created_at),
    }
    name = sort.removeprefix("-")
    if name not in keys:
        raise invalid(f"sort must be one of {', '.join(keys)}, with '-' in front for descending.", "sort")
    key = keys[name].desc() if sort.startswith("-") else keys[name].asc()
    return key, col(PriceRow.valid_from).desc(), col(PriceRow.id).desc()


def _alive(model: str) -> SelectOfScalar[PriceRow]:
    return select(PriceRow).where(PriceRow.model == model, col(PriceRow.deleted_at).is_(None))


def _existing(session: Session, id: int) -> PriceRow:
    check_id(id, "The price")
    row = session.get(PriceRow, id)
    if row is None or row.deleted_at is not None:
        raise not_found("The price")
    return row


def _newer(session: Session, model: str, start: int, now: int) -> bool:
    later = _alive(model).where(PriceRow.valid_from > start, PriceRow.valid_from <= now)
    return session.exec(later).first() is not None


def _currents(session: Session, models: list[str], now: int) -> dict[str, int]:
    """Model → id of the row that holds now."""
    begun = select(PriceRow).where(
        col(PriceRow.model).in_(models), col(PriceRow.deleted_at).is_(None), PriceRow.valid_from <= now
    )
    rows = session.exec(begun.order_by(col(PriceRow.valid_from), col(PriceRow.id)))
    return {row.model: row.id or 0 for row in rows}


def _values(row: PriceRow) -> Values:
    if row.per_call is not None:
        return dict.fromkeys(VALUES) | {"per_call": row.per_call}
    by_name = {name: _decimals(getattr(row, name)) for name in BY_NAME}
    return {name: getattr(row, name) for name in VALUES} | by_name


def _decimals(texts: Mapping[str, str] | None) -> dict[str, Decimal] | None:
    return {name: Decimal(text) for name, text in texts.items()} if texts else None


def _texts(values: Mapping[str, Decimal] | None) -> dict[str, str] | None:
    return {name: plain(value) for name, value in values.items()} if values else None


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={plain(ratio)}" for name, ratio in value.items())
    return plain(Decimal(value))


def _view(row: PriceRow, current: dict[str, int], now: int) -> PriceView:
    status = "upcoming" if row.valid_from > now else "current" if current.get(row.model) == row.id else "past"
    return PriceView(
        id=row.id or 0,
        model=row.model,
        **shown(_values(row)),
        valid_from=row.valid_from,
        status=status,
        created_at=row.created_at,
    )
