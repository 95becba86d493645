"""The start page: for a new owner the checklist, then what was spent; both follow by themselves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import reflex as rx

from openopen8.core.errors import Problem
from openopen8.core.rules.roles import Actor
from openopen8.core.services import logs, overview
from openopen8.core.services.log_filter import LogFilter
from openopen8.core.tools import Tools
from openopen8.state.first_call import Sample, sample
from openopen8.state.log_rows import LogRow, row_of
from openopen8.state.me import UserPage
from openopen8.state.pulse import rounds
from openopen8.state.tools import tools
from openopen8.state.worth import dollars, purse

LATEST = 8


@dataclass(frozen=True)
class Period:
    """Sums of one period as texts; ``name`` is today, week or month."""

    name: str = ""
    credits: str = ""
    worth: str = ""
    requests: str = ""
    tokens_in: str = ""
    tokens_out: str = ""
    errors: str = ""
    failing: bool = False


@dataclass(frozen=True)
class Part:
    """One model or token of the last 30 days; ``share`` in percent of the largest."""

    name: str
    credits: str
    worth: str
    share: int


@dataclass(frozen=True)
class Steps:
    """What of the first set-up is done."""

    channel: bool = False
    price: bool = False
    token: bool = False
    call: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """All that the page shows."""

    steps: Steps
    periods: list[Period]
    models: list[Part]
    tokens: list[Part]
    latest: list[LogRow]
    sample: Sample


def look(tools: Tools, actor: Actor, everyone: bool) -> Look:
    """One reading; ``everyone`` counts for admins only."""
    rate = purse(tools, actor.user_id).rate
    done = overview.steps(tools, actor)
    whose = LogFilter(kind="request", user_id=None if everyone and actor.is_admin else actor.user_id)
    latest = logs.find(tools, actor, whose, page_size=LATEST, brief=True).items
    return Look(
        Steps(done.channel, done.price, done.token, done.call),
        [_period(x, rate) for x in overview.figures(tools, actor, everyone)],
        _parts(overview.by_model(tools, actor, everyone), rate),
        _parts(overview.by_token(tools, actor, everyone), rate),
        [row_of(entry, rate) for entry in latest],
        sample(tools, actor) if not done.call else Sample(),
    )


class Home(UserPage):
    """Steps until all are done, then figures."""

    ready: bool = False
    failure: str = ""
    everyone: bool = False
    steps: Steps = Steps()
    periods: list[Period] = []
    models: list[Part] = []
    tokens: list[Part] = []
    latest: list[LogRow] = []
    sample: Sample = Sample()

    @rx.var
    def finished(self) -> bool:
        """The first set-up is behind the reader: a call went through."""
        return self.steps.call

    @rx.var
    def done(self) -> int:
        """How many steps are done."""
        own = (self.steps.token, self.steps.call)
        return sum(own if self.role == "user" else (self.steps.channel, self.steps.price, *own))

    @rx.event
    async def load(self) -> None:
        """Everything at once."""
        await self._refresh()

    @rx.event(background=True)
    async def live(self) -> None:
        """Ticks steps off and moves the figures."""
        async for actor in rounds(self, everyone=self.role in ("admin", "root")):
            everyone = self.everyone
            found = await asyncio.to_thread(look, tools(), actor, everyone)
            async with self:
                if everyone == self.everyone:
                    self._take(found)

    @rx.event
    async def retry(self) -> None:
        """Load again after a failure."""
        await self._refresh()

    @rx.event
    async def choose_scope(self, scope: str) -> None:
        """One's own figures, or (admins) everyone's."""
        self.everyone = scope == "everyone"
        await self._refresh()

    async def _refresh(self) -> None:
        try:
            self._take(await self._call(look, self.everyone))
            self.failure = ""
        except Problem as problem:
            self.failure = self._words(problem)
        self.ready = True

    def _take(self, found: Look) -> None:
        self._show(
            steps=found.steps,
            periods=found.periods,
            models=found.models,
            tokens=found.tokens,
            latest=found.latest,
            sample=found.sample,
        )


def _period(sums: overview.Figures, rate: int) -> Period:
    return Period(
        sums.period,
        f"{sums.credits:,}",
        dollars(sums.credits, rate),
        f"{sums.requests:,}",
        f"{sums.input_tokens:,}",
        f"{sums.output_tokens:,}",
        f"{sums.errors:,}",
        sums.errors > 0,
    )


def _parts(shares: tuple[overview.Share, ...], rate: int) -> list[Part]:
    most = max((share.credits for share in shares), default=0) or 1
    return [
        Part(x.name, f"{x.credits:,}", dollars(x.credits, rate), max(0, round(100 * x.credits / most))) for x in shares
    ]
