"""Testing a channel: one short question, the real answer, how long it took."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from openopen8.core.errors import Problem
from openopen8.core.services import channels
from openopen8.i18n import text
from openopen8.state.channels import Channels
from openopen8.state.log_rows import duration
from openopen8.state.me import AdminPage
from openopen8.state.tools import tools
from relay import probe

DEADLINE = 45.0
"""Seconds after which the page stops waiting."""


@dataclass(frozen=True)
class Outcome:
    """How a test went; empty before the first."""

    done: bool = False
    ok: bool = False
    latency: str = ""
    first: str = ""
    answer: str = ""
    error: str = ""


class ChannelTest(AdminPage):
    """The open test of one channel."""

    opened: bool = False
    running: bool = False
    id: int = 0
    name: str = ""
    model: str = ""
    models: list[str] = []
    outcome: Outcome = Outcome()
    _run: int = 0

    @rx.event
    async def ask(self, id: int) -> Any:
        """Open the test of a channel and run it."""
        view = await self._do(channels.get, int(id))
        if view is None:
            return None
        self.id, self.name, self.models = view.id, view.name, list(view.models)
        self.model = view.test_model or next(iter(view.models), "")
        self.outcome, self.running, self.opened = Outcome(), False, True
        return ChannelTest.run if self.model else None

    @rx.event
    def close(self, open: bool = False) -> None:
        """Close; a running test ends unseen."""
        if not open:
            self.opened, self.running = False, False
            self._run += 1

    @rx.event
    def choose(self, model: str) -> None:
        """Another model to ask."""
        if model in self.models:
            self.model = model

    @rx.event(background=True)
    async def run(self) -> Any:
        """Ask; the answer is kept as the channel's last test."""
        async with self:
            if self.running or not self.opened:
                return
            self.running, self.outcome = True, Outcome()
            self._run += 1
            run, id, model, lang = self._run, self.id, self.model, self.lang
        outcome = await _tested(id, model, lang)
        async with self:
            if run == self._run:
                self.running, self.outcome = False, outcome
        yield Channels.retry


async def _tested(id: int, model: str, lang: str) -> Outcome:
    try:
        async with asyncio.timeout(DEADLINE):
            result = await probe.test_channel(tools(), id, model)
        await asyncio.to_thread(channels.record_test, tools(), id, result.as_dict())
    except Problem as problem:
        return Outcome(done=True, error=problem.message)
    except TimeoutError:
        return Outcome(done=True, error=text("channels.test_late", lang))
    latency, first = duration(result.latency_ms), duration(result.first_token_ms)
    return Outcome(True, result.ok, latency, first, result.answer, result.error)
