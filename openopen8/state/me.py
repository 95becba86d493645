"""The caller: name, role, balance, language and notices. Page states inherit from UserPage or AdminPage.

Identity is looked up for every event by the guard, never kept: ``self._actor`` is who calls *now*.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import reflex as rx

from openopen8.core.errors import Problem
from openopen8.core.rules.roles import Actor
from openopen8.i18n import CATALOGUE, text
from openopen8.i18n.problems import SENTENCES
from openopen8.state.pulse import rounds
from openopen8.state.tools import tools
from openopen8.state.worth import dollars, purse

P = ParamSpec("P")
T = TypeVar("T")
_numbers = itertools.count(1)
MINUTE = 60.0


@dataclass(frozen=True)
class Notice:
    """A short message at the edge of the page; ``id`` 0 = none. ``undo``: the page's undo is offered."""

    id: int = 0
    kind: str = "info"
    text: str = ""
    undo: bool = False


SHOWN = 8_000
"""How long a notice is shown (ms); the style sheet fades it."""


class Me(rx.State):
    """What the frame shows of the caller. Pages for nobody in particular (login) inherit from this."""

    name: str = ""
    role: str = ""
    balance: int = 0
    worth: str = ""
    now: int = 0
    """The server's time in ms; relative times count from here and move with it."""
    notice: Notice = Notice()
    lang: str = rx.LocalStorage("en", name="oo8_lang")
    keys_listed: bool = False
    menu_open: bool = False
    _user_id: int = 0
    _actor: Actor | None = None
    _said_at: int = 0

    @rx.event(background=True)
    async def watch(self) -> Any:
        """On every page of the logged in: the balance, the time, and the way out when the session ends."""
        async with self:
            self._forget()
        async for actor in rounds(self, beat=MINUTE):
            mine = await asyncio.to_thread(purse, tools(), actor.user_id)
            async with self:
                self._show(balance=mine.balance, worth=dollars(mine.balance, mine.rate), now=tools().now())
        return rx.redirect("/login")

    @rx.event
    def switch_language(self) -> None:
        """English ⇄ Chinese."""
        self.lang = "en" if self.lang == "zh" else "zh"

    @rx.event
    def list_keys(self, on: bool) -> None:
        """Open or close the list of keyboard shortcuts."""
        self.keys_listed = bool(on)

    @rx.event
    def open_menu(self, on: bool) -> None:
        """Open or close the phone's menu."""
        self.menu_open = bool(on)

    @rx.event
    def dismiss(self) -> None:
        """Take the notice away."""
        self.notice = Notice()

    def _show(self, **values: Any) -> None:
        """Assign only what changed: an assignment alone sends the whole variable to the browser."""
        for name, value in values.items():
            if getattr(self, name) != value:
                setattr(self, name, value)

    def _say(self, kind: str, key: str, undo: bool = False, **values: object) -> None:
        """Show the catalogue's ``key``; kind is success, info or error."""
        self.notice = Notice(next(_numbers), kind, text(key, self.lang, **values), undo)
        self._said_at = tools().now()

    def _complain(self, problem: Problem) -> None:
        """Show what a service refused."""
        self.notice = Notice(next(_numbers), "error", self._words(problem))
        self._said_at = tools().now()

    def _forget(self) -> None:
        """A notice that has faded must not come up again on the next page."""
        if self.notice.id and tools().now() - self._said_at > SHOWN:
            self.notice = Notice()

    def _words(self, problem: Problem) -> str:
        """The problem in the reader's language, where the catalogue knows its code."""
        key = f"problems.{problem.code}"
        return text(key, "zh") if self.lang == "zh" and key in CATALOGUE else problem.message

    def _sentence(self, sentence: str) -> str:
        """A service's sentence about one field, in the reader's language where the catalogue knows it."""
        return SENTENCES.get(sentence, sentence) if self.lang == "zh" else sentence

    async def _do(self, service: Callable[..., T], *arguments: Any, **named: Any) -> T | None:
        """Call ``service(tools, actor, …)`` in a thread; a refusal becomes a notice and None."""
        try:
            return await self._call(service, *arguments, **named)
        except Problem as problem:
            self._complain(problem)
            return None

    async def _call(self, service: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Call ``service(tools, actor, …)`` in a thread; raises its Problem."""
        return await asyncio.to_thread(service, tools(), self._actor, *arguments, **named)


class UserPage(Me):
    """Base of pages for everyone who is logged in."""


class AdminPage(Me):
    """Base of pages for admins and root."""
