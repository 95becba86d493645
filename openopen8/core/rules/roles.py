"""Who may do what: three roles, each with what the ones before it may."""

from __future__ import annotations

from dataclasses import dataclass

from openopen8.core.errors import Problem

ROLES: tuple[str, ...] = ("user", "admin", "root")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something at the dashboard, the management API or the command line."""

    user_id: int
    name: str
    role: str
    address: str = ""

    @property
    def is_admin(self) -> bool:
        return self.role in ("admin", "root")

    @property
    def is_root(self) -> bool:
        return self.role == "root"


COMMAND_LINE = Actor(user_id=0, name="command line", role="root")
"""Whoever may run commands on the machine may do everything."""


def at_least(role: str, needed: str) -> bool:
    """True when ``role`` includes ``needed``; an unknown role includes nothing."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def require_admin(actor: Actor) -> None:
    """Raise 403 for anyone below an admin."""
    if not actor.is_admin:
        raise Problem(403, "admin_only", "Only an admin may do this.")


def may_manage(actor: Actor, target_role: str) -> bool:
    """Root manages everyone, an admin only plain users."""
    return actor.is_root or (actor.is_admin and target_role == "user")
