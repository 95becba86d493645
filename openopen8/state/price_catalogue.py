"""Filling in prices from the public list: choose whose, see what would change, tick, import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import reflex as rx

from openopen8.core.rules.roles import Actor
from openopen8.core.services import catalogue
from openopen8.core.services.catalogue import Choice, Filled, FillFields, Proposal
from openopen8.core.tools import Tools
from openopen8.state.me import AdminPage
from openopen8.state.price_rows import per_million
from openopen8.state.prices import Prices
from openopen8.state.worth import purse

MOST = 200
"""Rows on show; a search narrows the rest."""


@dataclass(frozen=True)
class ProposalLine:
    """One model of the list; prices in USD per million tokens. state: new, changed or unchanged."""

    model: str = ""
    listed_as: str = ""
    """Provider and name in the list."""
    state: str = ""
    price: str = ""
    before: str = ""
    rest: str = ""
    """What else a new price says, by our fields' names."""
    differs: str = ""
    """In which fields the price changes."""
    later: int = 0
    """The first moment at which the list announces another price; 0 = none."""
    left_out: str = ""
    ticked: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A preview: what is shown of it, how many there are, and the list's providers."""

    lines: list[ProposalLine]
    total: int
    providers: list[str]


def look(tools: Tools, actor: Actor, provider: str, search: str) -> Found:
    """The preview of one provider, or of the models that channels serve; what would change comes first."""
    choice = Choice(provider=provider, search=search[:256], served=not provider)
    rate = purse(tools, actor.user_id).rate
    found = sorted(catalogue.preview(tools, actor, choice), key=lambda x: (x.state == "unchanged", x.model))
    lines = [_line(each, rate) for each in found[:MOST]]
    return Found(lines, len(found), [name for name, models in catalogue.providers(tools, actor) if models])


def take(tools: Tools, actor: Actor, provider: str, models: list[str]) -> Filled:
    """Import the list prices of ``models``."""
    return catalogue.fill(tools, actor, FillFields(provider=provider, models=models))


class PriceCatalogue(AdminPage):
    """The open import."""

    opened: bool = False
    busy: bool = False
    provider: str = ""
    """Empty: the models that channels serve."""
    search: str = ""
    lines: list[ProposalLine] = []
    total: int = 0
    providers: list[str] = []

    @rx.var
    def ticked(self) -> int:
        """How many prices would be imported."""
        return sum(line.ticked for line in self.lines)

    @rx.event
    async def show(self) -> None:
        """Open it with the models that channels serve."""
        self.opened, self.provider, self.search, self.lines = True, "", "", []
        await self._refresh()

    @rx.event
    def close(self, open: bool = False) -> None:
        """Close it."""
        self.opened = bool(open)

    @rx.event
    async def choose(self, provider: str) -> None:
        """Whose prices; empty = of the models that channels serve."""
        self.provider = str(provider)[:64]
        await self._refresh()

    @rx.event
    async def search_for(self, value: str) -> None:
        """A part of the models' names."""
        self.search = str(value)[:200]
        await self._refresh()

    @rx.event
    def tick(self, model: str, on: bool) -> None:
        """Take one, or leave it."""
        self.lines = [_ticked(x, bool(on)) if x.model == model else x for x in self.lines]

    @rx.event
    def tick_all(self, on: bool) -> None:
        """Take all that would change, or none."""
        self.lines = [_ticked(x, bool(on)) for x in self.lines]

    @rx.event
    async def fill(self) -> Any:
        """Import what is ticked; the list behind shows it at once."""
        models = [line.model for line in self.lines if line.ticked]
        if self.busy or not models:
            return
        self.busy = True
        yield
        done = await self._do(take, self.provider, models)
        self.busy = False
        if done is None:
            return
        self.opened = False
        self._say("success", "prices.imported", n=done.new + done.changed)
        yield Prices.retry

    async def _refresh(self) -> None:
        found = await self._do(look, self.provider, self.search)
        if found is not None:
            self._show(lines=found.lines, total=found.total, providers=found.providers)


def _ticked(line: ProposalLine, on: bool) -> ProposalLine:
    return replace(line, ticked=on and line.state != "unchanged")


def _line(found: Proposal, rate: int) -> ProposalLine:
    rest = [name for name, value in found.price.items() if name not in ("input", "output") and value not in (None, {})]
    changed = found.state == "changed"
    return ProposalLine(
        model=found.model,
        listed_as=f"{found.provider}/{found.listed_as}",
        state=found.state,
        price=_in_and_out(found.price, rate),
        before=_in_and_out(found.before, rate) if found.before and changed else "",
        rest="" if changed else _words(rest),
        differs=_words(found.differs) if changed else "",
        later=min(map(int, found.later), default=0),
        left_out=", ".join(found.left_out),
        ticked=found.state == "new",
    )


def _words(names: Iterable[str]) -> str:
    return ", ".join(names).replace("_", " ")


def _in_and_out(price: Mapping[str, Any], rate: int) -> str:
    if price["per_call"] is not None:
        return f"{price['per_call']} / call"
    both = (per_million(Decimal(price[name]), rate) for name in ("input", "output"))
    return " / ".join(both)
