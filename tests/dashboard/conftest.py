"""Tabs on a fresh database, and sessions of a user and of an admin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from openopen8.core.rules.roles import Actor
from openopen8.core.services import sessions
from openopen8.core.tools import Tools
from openopen8.openopen8 import app
from openopen8.state import tools as of_state
from tests.dashboard.tab import Tab, Tabs
from tests.world import World


@dataclass(frozen=True)
class Person:
    """Somebody who is logged in; ``login`` is the session's hash."""

    actor: Actor
    login: str


@dataclass(frozen=True)
class House:
    """A database with people, and tabs."""

    tools: Tools
    world: World
    tabs: Tabs
    ann: Person
    bob: Person
    root: Person

    def tab(self, person: Person | None = None) -> Tab:
        return self.tabs.open(person.login if person else "")

    def log_in(self, actor: Actor) -> Person:
        return log_in(self.tools, actor)


def log_in(tools: Tools, actor: Actor) -> Person:
    with tools.db.write() as session:
        value = sessions.start(tools, session, Actor(actor.user_id, actor.name, actor.role, "127.0.0.1"), "test")
    return Person(actor, tools.keyring.hash(value))


@pytest.fixture
async def house(sqlite_tools: Tools) -> AsyncIterator[House]:
    of_state.use(sqlite_tools)
    world, tabs = World(sqlite_tools), Tabs(sqlite_tools)
    people = [log_in(sqlite_tools, world.user(name, role=role)) for name, role in
              (("ann", "user"), ("bob", "user"), ("root", "root"))]  # fmt: skip
    world.channel(models=("m", "n"))
    world.price("m")
    app.event_namespace.emit_update = tabs.emit  # type: ignore[union-attr,method-assign]
    async with app._setup_event_processor():
        yield House(sqlite_tools, world, tabs, *people)
    of_state.use(None)
