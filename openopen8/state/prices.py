"""The Prices page: what models cost, from when on; the form works in credits per token or USD per million."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import reflex as rx

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import plain
from openopen8.core.rules.roles import Actor
from openopen8.core.services import catalogue, forms, overview, prices
from openopen8.core.services.price_fields import PriceFields
from openopen8.core.tools import Tools
from openopen8.i18n import text
from openopen8.state import price_rare
from openopen8.state.listing import Listing
from openopen8.state.me import AdminPage
from openopen8.state.price_rows import (
    PriceLine,
    Worked,
    converted,
    grouped,
    line_of,
    number,
    to_credits,
    worked,
    worked_call,
)
from openopen8.state.pulse import rounds
from openopen8.state.tools import tools
from openopen8.state.worth import purse

NUMBERS = ("input", "output", "cache_read", "reasoning", "per_call")
OPTIONAL = ("cache_read", "reasoning")


@dataclass(frozen=True, slots=True)
class Look:
    """A page of prices, models that are served without one, and credits of one USD."""

    lines: list[PriceLine]
    total: int
    unpriced: list[str]
    rate: int


def look(tools: Tools, actor: Actor, search: str, sort: str, page: int, size: int) -> Look:
    """What the list shows."""
    rate = purse(tools, actor.user_id).rate
    found = prices.find(tools, actor, search, page, size, sort=sort)
    lines = [line_of(x, rate) for x in found.items]
    if sort == "model":  # the current price first, then what comes
        lines.sort(key=lambda line: (line.model.lower(), line.model, line.valid_from))
    return Look(lines, found.total, list(overview.unpriced(tools)), rate)


def past(tools: Tools, actor: Actor, model: str) -> list[PriceLine]:
    """All prices of one model, the latest first."""
    rate = purse(tools, actor.user_id).rate
    found = prices.find(tools, actor, model, page_size=200, history=True, sort="-valid_from")
    return [line_of(x, rate) for x in found.items if x.model == model]


class Prices(Listing, AdminPage):
    """The list, the form, one model's history, and the question before a price goes."""

    PATH: ClassVar[str] = "/prices"
    SORTS: ClassVar[tuple[str, ...]] = ("model", "valid_from")
    SIZE: ClassVar[int] = 50

    rows: list[PriceLine] = []
    unpriced: list[str] = []
    rate: int = 0
    editing: bool = False
    saving: bool = False
    errors: dict[str, str] = {}
    model: str = ""
    mode: str = "token"
    unit: str = "usd"
    input: str = ""
    output: str = ""
    cache_read: str = ""
    reasoning: str = ""
    per_call: str = ""
    rare: dict[str, str] = price_rare.NONE
    """The fields that are folded away, by name."""
    more: bool = False
    far: list[str] = []
    """Sentences about numbers that are far off the public list; saving again saves them."""
    _asked: tuple[str, ...] = ()
    valid_from: str = ""
    history: list[PriceLine] = []
    history_of: str = ""
    doomed: PriceLine = PriceLine()

    @rx.var
    def worked(self) -> Worked:
        """The worked example of what is typed."""
        if self.rate == 0:
            return Worked()
        if self.mode == "call":
            return worked_call(self.per_call, self.unit, self.rate)
        return worked(self.input, self.output, self.unit, self.rate)

    @rx.event
    async def load(self) -> None:
        """The list; ``?new=1`` opens the form, ``&model=…`` fills the name in."""
        query = dict(self.router.url.query_parameters)
        await self._open()
        if query.get("new"):
            self._form(str(query.get("model", ""))[:256] or next(iter(self.unpriced), ""))

    @rx.event(background=True)
    async def live(self) -> None:
        """Channels and prices change the list and what is unpriced."""
        async for actor in rounds(self, everyone=True):
            view = self._view()
            found = await asyncio.to_thread(look, tools(), actor, *view)
            async with self:
                if view == self._view():
                    self._take(found)

    @rx.event
    def add(self, model: str = "") -> None:
        """Open the form for a new price."""
        self._form(str(model)[:256])

    @rx.event
    async def change(self, id: int) -> None:
        """Open the form with everything that a price says."""
        view = await self._do(prices.get, int(id))
        if view is None:
            return
        self._form(view.model)
        self.unit, self.mode = "credits", "token" if view.per_call is None else "call"
        for name in NUMBERS:
            setattr(self, name, grouped(getattr(view, name) or ""))
        self.rare = price_rare.texts_of(view)
        self.more = any(self.rare.values())

    @rx.event
    def close(self, open: bool = False) -> None:
        """Close the form."""
        self.editing = bool(open)

    @rx.event
    def choose_mode(self, mode: str) -> None:
        """Per token or per call."""
        self.mode = "call" if mode == "call" else "token"
        self.errors = {}

    @rx.event
    def choose_unit(self, unit: str) -> None:
        """The other unit; what is typed is converted."""
        unit = "usd" if unit == "usd" else "credits"
        if unit == self.unit:
            return
        self.unit = unit
        for name in NUMBERS:
            setattr(self, name, converted(getattr(self, name), unit, self.rate, name == "per_call"))
        self.rare = price_rare.in_unit(self.rare, unit, self.rate or 1)

    @rx.event
    def show_more(self) -> None:
        """Unfold the rare fields, or fold them away."""
        self.more = not self.more

    @rx.event
    def type_in(self, name: str, value: str) -> None:
        """A number as it is typed, for the worked example."""
        if name in NUMBERS:
            setattr(self, name, str(value)[:40])
        elif name in self.rare:
            self.rare = {**self.rare, str(name): str(value)[:2_000]}

    @rx.event
    def choose_start(self, moment: str) -> None:
        """When it begins to count: RFC 3339 in UTC, empty = at once."""
        self.valid_from = str(moment)[:40]

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Check and save; on errors the first wrong field gets the focus."""
        data, errors = self._data(form)
        if not errors and await self._far_off(data):
            return rx.set_focus("input")
        if not errors:
            try:
                await self._call(prices.create, forms.read(PriceFields, data))
            except Problem as problem:
                errors = {_place(field): words for field, words in _faults(problem).items()}
        self.errors = errors
        self.more |= any(name in self.rare for name in errors)
        if errors:
            return rx.set_focus(next(iter(errors)))
        self.editing = False
        self._say("success", "prices.saved")
        await self._refresh()
        return None

    @rx.event
    async def look_back(self, model: str) -> None:
        """Open a model's history."""
        found = await self._do(past, str(model))
        if found is not None:
            self.history, self.history_of = found, str(model)

    @rx.event
    def close_history(self, open: bool = False) -> None:
        """Close the history."""
        self.history_of = self.history_of if open else ""

    @rx.event
    def ask_delete(self, id: int) -> None:
        """Ask before a price goes; 0 closes the question."""
        self.doomed = next((row for row in self.rows if row.id == int(id)), PriceLine())

    @rx.event
    async def delete(self) -> None:
        """Delete the price that was asked about."""
        id, self.doomed = self.doomed.id, PriceLine()
        await self._do(prices.delete, id)
        await self._refresh()
        if all(row.id != id for row in self.rows):
            self._say("success", "prices.deleted")

    def _form(self, model: str) -> None:
        self.errors, self.mode, self.unit = {}, "token", "usd"
        for name in NUMBERS:
            setattr(self, name, "")
        self.rare, self.more, self.far, self._asked = price_rare.NONE, False, [], ()
        self.model, self.valid_from, self.editing = model, "", True

    async def _far_off(self, data: dict[str, Any]) -> bool:
        """True when somebody should look again; asked once for the same numbers."""
        asked = (data["model"], data.get("input", ""), data.get("output", ""))
        given = {name: Decimal(data[name]) for name in ("input", "output") if name in data}
        found = await asyncio.to_thread(catalogue.far_off, tools(), data["model"], given)
        self.far = [self._about(name, listed) for name, listed in found.items()]
        again, self._asked = asked == self._asked, asked
        return bool(found) and not again

    def _about(self, name: str, listed: str) -> str:
        shown = converted(listed, self.unit, self.rate or 1, False) if self.unit == "usd" else listed
        return text(f"prices.far_{name}", self.lang, listed=shown)

    def _view(self) -> tuple[str, str, int, int]:
        return self.search, "model" if self.sort == "-created_at" else self.sort, self.page, self.SIZE

    async def _fetch(self) -> None:
        self._take(await self._call(look, *self._view()))

    def _take(self, found: Look) -> None:
        self._show(rows=found.lines, total=found.total, unpriced=found.unpriced, rate=found.rate)

    def _data(self, form: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """The form as the service takes it, and what is wrong with it."""
        errors: dict[str, str] = {}
        model = str(form.get("model", "")).strip()
        if not model:
            errors["model"] = text("prices.need_model", self.lang)
        data: dict[str, Any] = {"model": model, "valid_from": self.valid_from or None}
        for name in ("per_call",) if self.mode == "call" else NUMBERS[:4]:
            typed = str(form.get(name, "")).strip()
            value = number(typed)
            if value is not None:
                data[name] = plain(round(to_credits(value, self.unit, self.rate or 1, name == "per_call"), 12))
            elif typed or name not in OPTIONAL:
                errors[name] = text("prices.need_number", self.lang)
        if self.mode == "token":
            typed_rare = {name: str(form.get(name, value)) for name, value in self.rare.items()}
            rare, wrong = price_rare.data_of(typed_rare, self.unit, self.rate or 1)
            data |= rare
            for name in wrong:
                key = "prices.need_pairs" if name in price_rare.PAIRS else "prices.need_number"
                errors[name] = text(key, self.lang)
        return data, errors


def _faults(problem: Problem) -> dict[str, str]:
    return dict(problem.fields) or {problem.param or "model": problem.message}


def _place(field: str) -> str:
    place = price_rare.place_of(field)
    return place if place in ("model", "valid_from", *NUMBERS, *price_rare.FIELDS) else "model"
