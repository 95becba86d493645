"""The one door of all events: finds out who calls, refuses what the role does not allow. Default: refusal.

Any client can send any event with any payload, so nothing here trusts the page that is open.
"""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.middleware.middleware import Middleware
from reflex.state import StateUpdate
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext

from openopen8.core.rules.roles import ROLES, Actor, at_least
from openopen8.state.identity import caller
from openopen8.state.me import AdminPage, Me, UserPage

BASES: tuple[tuple[type, str], ...] = ((AdminPage, "admin"), (UserPage, "user"), (Me, "public"))

LOCAL = "reflex.istate.dynamic"
"""Where Reflex puts states that were defined inside a function: not its own ones."""


def needed(registered: Any) -> str:
    """The role that a registered handler needs: ``public``, ``user``, ``admin``, or ``nobody``."""
    owner = registered.states[0]
    if registered.handler.fn.__name__ == "setvar":
        return "nobody"  # writes any variable, past every check of its setter
    if owner.__module__.split(".")[0] in ("reflex", "reflex_base") and owner.__module__ != LOCAL:
        return "public"
    return next((role for base, role in BASES if issubclass(owner, base)), "nobody")


def allowed(role: str, actor: Actor | None) -> bool:
    """True when ``actor`` may do what needs ``role``; nobody may do what needs ``nobody``."""
    return role == "public" or (role in ROLES and actor is not None and at_least(actor.role, role))


class Guard(Middleware):
    """Sees every event before its handler: clicks, page loads, background loops."""

    async def preprocess(self, app: Any, state: Any, event: Event) -> StateUpdate | None:
        registered = RegistrationContext.get().event_handlers.get(event.name)
        if registered is None:
            return StateUpdate()
        me, actor = await state.get_state(Me), await caller(state)
        _recognise(me, actor)
        if allowed(needed(registered), actor):
            return None
        if actor is not None:
            me._say("error", "common.not_allowed")
        delta = await state._get_resolved_delta()
        state._clean()
        away = [] if actor else Event.from_event_type(rx.redirect("/login"))
        return StateUpdate(delta=delta, events=away)


def _recognise(me: Me, actor: Actor | None) -> None:
    """Another user in the same tab, or a stolen tab token, starts with an empty state."""
    user_id = actor.user_id if actor else 0
    if me._user_id != user_id:
        if me._user_id:
            me.reset()
        me._user_id = user_id
    me._actor = actor
    name, role = (actor.name, actor.role) if actor else ("", "")
    if (me.name, me.role) != (name, role):
        me.name, me.role = name, role
