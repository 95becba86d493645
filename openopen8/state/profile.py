"""The Profile page: access tokens for scripts, the password, the sessions. Language and theme stay in the browser."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from openopen8.core.errors import Problem
from openopen8.core.rules.roles import Actor
from openopen8.core.services import access_tokens, forms, sessions, users
from openopen8.core.services.access_tokens import AccessTokenFields
from openopen8.core.tools import Tools
from openopen8.i18n import text
from openopen8.state.identity import session_of
from openopen8.state.me import UserPage
from openopen8.state.pulse import rounds
from openopen8.state.tools import tools

PASSWORD_FIELDS = ("old_password", "new_password", "again")


@dataclass(frozen=True)
class AccessRow:
    """One access token, without its value."""

    id: int
    name: str
    hint: str
    created_at: int
    last_used_at: int


@dataclass(frozen=True)
class SessionRow:
    """One login; ``id`` names it and is nothing to log in with."""

    id: str
    browser: str
    address: str
    created_at: int
    last_seen_at: int
    current: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What the page lists."""

    tokens: list[AccessRow]
    sessions: list[SessionRow]


def look(tools: Tools, actor: Actor, session_hash: str) -> Look:
    """The caller's access tokens and sessions."""
    found = access_tokens.find(tools, actor)
    logins = sessions.find(tools, actor, session_hash)
    return Look(
        [AccessRow(x.id, x.name, x.hint, x.created_at, x.last_used_at or 0) for x in found],
        [
            SessionRow(x.id, browser_of(x.user_agent), x.address, x.created_at, x.last_seen_at, x.current)
            for x in logins
        ],
    )


def browser_of(agent: str) -> str:
    """``Firefox on Linux`` from a user agent; the beginning of it where it is unknown."""
    names = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    )
    name = next((words for mark, words in names if mark in agent), "")
    system = next((words for mark, words in systems if mark in agent), "")
    if name and system:
        return f"{name} · {system}"
    return name or agent[:60]


class Profile(UserPage):
    """Lists and forms of the page; ``value`` is the new access token until its dialog closes."""

    tokens: list[AccessRow] = []
    sessions: list[SessionRow] = []
    ready: bool = False
    failure: str = ""
    value: str = ""
    errors: dict[str, str] = {}
    changes: int = 0
    """Counts successful forms: their fields begin anew."""
    doomed: AccessRow = AccessRow(0, "", "", 0, 0)

    @rx.event
    async def load(self) -> None:
        """The lists."""
        self.value, self.errors = "", {}
        await self._refresh()

    @rx.event(background=True)
    async def live(self) -> None:
        """Logins and access tokens of elsewhere."""
        async for actor in rounds(self):
            found = await asyncio.to_thread(look, tools(), actor, session_of(self))
            async with self:
                self._show(tokens=found.tokens, sessions=found.sessions)

    @rx.event
    async def retry(self) -> None:
        """Load again after a failure."""
        await self._refresh()

    @rx.event
    async def create(self, form: dict[str, Any]) -> Any:
        """A new access token; its value is shown once."""
        self.errors = {}
        try:
            fields = forms.read(AccessTokenFields, {"name": str(form.get("token_name", ""))})
            made = await self._call(access_tokens.create, fields)
        except Problem as problem:
            self.errors = {"token_name": problem.fields.get("name") or self._words(problem)}
            return rx.set_focus("token_name")
        self.value, self.changes = made.value, self.changes + 1
        await self._refresh()
        return None

    @rx.event
    def stored(self, open: bool = False) -> None:
        """The value was stored: forget it."""
        if not open:
            self.value = ""

    @rx.event
    def ask_delete(self, id: int) -> None:
        """Ask before an access token goes; 0 closes the question."""
        self.doomed = next((row for row in self.tokens if row.id == int(id)), AccessRow(0, "", "", 0, 0))

    @rx.event
    async def delete(self) -> None:
        """Delete the access token that was asked about."""
        id, self.doomed = self.doomed.id, AccessRow(0, "", "", 0, 0)
        try:
            await self._call(access_tokens.delete, id)
            self._say("success", "profile.token_deleted")
        except Problem as problem:
            self._complain(problem)
        await self._refresh()

    @rx.event
    async def change_password(self, form: dict[str, Any]) -> Any:
        """A new password; the other sessions end, this one stays."""
        old, new, again = (str(form.get(name, "")) for name in PASSWORD_FIELDS)
        self.errors = {}
        if new != again:
            self.errors = {"again": text("profile.password_differs", self.lang)}
            return rx.set_focus("again")
        try:
            await self._call(users.change_own_password, old, new, keep_session=session_of(self))
        except Problem as problem:
            field = problem.param if problem.param in PASSWORD_FIELDS else "old_password"
            self.errors = {field: self._words(problem)}
            return rx.set_focus(field)
        self.changes += 1
        self._say("success", "profile.password_saved")
        await self._refresh()
        return None

    @rx.event
    async def end(self, id: str) -> None:
        """End one session."""
        try:
            await self._call(sessions.end_one, str(id))
            self._say("success", "profile.session_ended")
        except Problem as problem:
            self._complain(problem)
        await self._refresh()

    @rx.event
    async def end_others(self) -> None:
        """End every session but this one."""
        await self._do(sessions.end_others, session_of(self))
        self._say("success", "profile.sessions_ended")
        await self._refresh()

    @rx.event
    def choose_language(self, lang: str) -> None:
        """English or Chinese, kept in this browser."""
        self.lang = "zh" if lang == "zh" else "en"

    async def _refresh(self) -> None:
        try:
            found = await self._call(look, session_of(self))
            self._show(tokens=found.tokens, sessions=found.sessions, failure="")
        except Problem as problem:
            self.failure = self._words(problem)
        self.ready = True
