"""What set-up and login share: the browser posts to the API itself, only a refusal comes back here.

The password never travels over the dashboard's own connection, and nothing typed is lost.
"""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.core.errors import Problem

FIELDS: tuple[str, ...] = ("username", "password", "code")


class Entrance(rx.State, mixin=True):
    """Mix into a state that inherits from Me."""

    errors: dict[str, str] = {}
    failure: str = ""
    busy: bool = False

    @rx.event
    def begin(self) -> None:
        """The form is on its way."""
        self.errors, self.failure, self.busy = {}, "", True

    @rx.event
    def answered(self, error: dict[str, Any]) -> Any:
        """The API refused; ``error`` is its answer, empty when it agreed and the page is about to change."""
        if not isinstance(error, dict) or not error:
            return None
        self.busy = False
        told = error.get("fields")
        fields = told if isinstance(told, dict) else {}
        self.errors = {name: self._sentence(str(fields[name])[:300]) for name in FIELDS if name in fields}
        if self.errors:
            return rx.set_focus(next(iter(self.errors)))
        self.failure = self._words(Problem(400, str(error.get("code")), str(error.get("message") or "")[:300]))
        return rx.set_focus("username")
