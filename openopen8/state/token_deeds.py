"""What can be done to one token beside editing: top up, rotate, delete; each with its dialog."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.core.errors import Problem
from openopen8.core.services import options, tokens
from openopen8.i18n import text
from openopen8.state.me import UserPage
from openopen8.state.numbers import whole
from openopen8.state.token_value import TokenValue
from openopen8.state.tokens import Tokens
from openopen8.state.tools import tools
from openopen8.state.worth import dollars

GRACES: tuple[int, ...] = (0, 3600, 86_400, 604_800)


class TokenDeeds(UserPage):
    """One dialog at a time: ``deed`` is "", "delete", "topup" or "rotate"."""

    deed: str = ""
    subject: int = 0
    token_name: str = ""
    recent: int = 0
    quota: int = 0
    amount: str = ""
    amount_worth: str = ""
    grace: int = 0
    error: str = ""
    busy: bool = False
    _rate: int = 1

    @rx.event
    async def ask(self, deed: str, token_id: int) -> None:
        """Open the dialog of ``deed`` for a token."""
        token = await self._do(tokens.get, token_id)
        if token is None or deed not in ("delete", "topup", "rotate"):
            return
        self.recent = await self._do(tokens.recent, token_id) or 0
        self._rate = options.public(tools()).credits_per_usd
        self.subject, self.token_name, self.quota = token.id, token.name, token.quota
        self.amount, self.amount_worth, self.grace, self.error, self.busy = "", "", 0, "", False
        self.deed = deed

    @rx.event
    def close(self, open: bool = False) -> None:
        """Close the dialog."""
        if not open:
            self.deed = ""

    @rx.event
    def set_amount(self, value: str) -> None:
        """The top-up as typed; shows its worth."""
        self.amount, self.error = str(value)[:30], ""
        number = whole(self.amount)
        self.amount_worth = dollars(number, self._rate) if number else ""

    @rx.event
    def set_grace(self, seconds: int) -> None:
        """How long the value before keeps working."""
        self.grace = seconds if seconds in GRACES else 0

    @rx.event
    async def delete(self) -> Any:
        """Delete the token."""
        if self.deed != "delete":
            return None
        try:
            await self._call(tokens.delete, self.subject)
        except Problem as problem:
            self._complain(problem)
        else:
            self._say("success", "tokens.deleted", name=self.token_name)
        self.deed = ""
        await self._renew()
        return rx.redirect("/tokens") if self.router.url.path.startswith("/tokens/") else None

    @rx.event
    async def top_up(self, form: dict[str, Any]) -> Any:
        """Raise the quota."""
        if self.deed != "topup":
            return None
        amount = whole(str(form.get("amount", self.amount)))
        if not amount:
            self.error = text("tokens.error.whole", self.lang)
            return rx.set_focus("amount")
        try:
            await self._call(tokens.top_up, self.subject, amount)
        except Problem as problem:
            self.error = self._words(problem)
            return rx.set_focus("amount")
        self._say("success", "tokens.topped", name=self.token_name, n=f"{amount:,}")
        self.deed = ""
        await self._renew()
        return None

    @rx.event
    async def rotate(self) -> None:
        """A new value, shown once."""
        if self.deed != "rotate":
            return
        created = await self._do(tokens.rotate, self.subject, self.grace)
        self.deed = ""
        if created is not None:
            value = await self.get_state(TokenValue)
            await value._present(created)
        await self._renew()

    async def _renew(self) -> None:
        listed = await self.get_state(Tokens)
        if listed.ready:
            await listed._refresh()
