"""The one time that a token's value is on show. It is a variable only until the dialog closes."""

from __future__ import annotations

import asyncio

import reflex as rx

from openopen8.core.errors import Problem
from openopen8.core.services import tokens
from openopen8.state.examples import NO_MODEL, Example, base_url, examples
from openopen8.state.me import UserPage
from openopen8.state.tools import tools


class TokenValue(UserPage):
    """The dialog after Save and after Rotate."""

    token_name: str = ""
    value: str = ""
    calls: list[Example] = []
    leaving: bool = False
    """The reader wants to close without saying that the value is stored."""

    @rx.event
    def stored(self) -> None:
        """Close: the value is stored, or given up."""
        self._forget()

    @rx.event
    def leave(self, open: bool) -> None:
        """Esc or a click outside: ask first."""
        if not open and self.value:
            self.leaving = True

    @rx.event
    def stay(self) -> None:
        """Back to the value."""
        self.leaving = False

    async def _present(self, created: tokens.Created) -> None:
        """Show what was just made."""
        base = await asyncio.to_thread(base_url, tools(), self)
        model = await self._model(created.token)
        self.token_name, self.value, self.leaving = created.token.name, created.value, False
        self.calls = examples(base, created.value, model)

    async def _model(self, token: tokens.TokenView) -> str:
        if token.allowed_models:
            return token.allowed_models[0]
        try:
            known = await self._call(tokens.models_for, token.group)
        except Problem:
            return NO_MODEL
        return known[0].name if known else NO_MODEL

    def _forget(self) -> None:
        if self.value or self.calls or self.leaving:
            self.token_name, self.value, self.calls, self.leaving = "", "", [], False
