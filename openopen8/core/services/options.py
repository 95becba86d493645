"""The installation's settings, as the admin reads and changes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlmodel import Session, col, select

from openopen8.core.errors import Problem, invalid
from openopen8.core.models import Option
from openopen8.core.rules.options import NAMES, Options, checked
from openopen8.core.rules.roles import Actor, require_admin
from openopen8.core.services import journal
from openopen8.core.services.snapshot import bump
from openopen8.core.tools import Tools


def current(session: Session) -> Options:
    """The settings within the caller's transaction."""
    rows = session.exec(select(Option).where(col(Option.name).in_(NAMES)))
    return Options(**{row.name: row.value for row in rows})


def get(tools: Tools, actor: Actor) -> Options:
    """The settings, with defaults for what was never changed."""
    require_admin(actor)
    with tools.db.read() as session:
        return current(session)


def public(tools: Tools) -> Options:
    """The settings, for pages that show only some of them."""
    with tools.db.read() as session:
        return current(session)


def set(tools: Tools, actor: Actor, changes: Mapping[str, Any]) -> Options:
    """Change the named settings; all of them or, if one is wrong, none."""
    require_admin(actor)
    values = _checked(changes)
    with tools.db.write() as session:
        for name, value in values.items():
            _store(session, name, value)
        if values:
            bump(session)
            told = ", ".join(f"{name} = {value!r}" for name, value in sorted(values.items()))
            journal.admin(session, actor, tools.now(), f"changed settings: {told}")
        session.flush()
        return current(session)


def defaults() -> dict[str, Any]:
    """Each setting's default, by name."""
    return asdict(Options())


def _store(session: Session, name: str, value: Any) -> None:
    row = session.get(Option, name)
    if value is None:
        # only settings whose default is None may be None: no row says the same
        if row is not None:
            session.delete(row)
        return
    session.merge(Option(name=name, value=value))


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    values, wrong = {}, {}
    for name, value in changes.items():
        try:
            values[name] = checked(name, value)
        except Problem as problem:
            wrong[problem.param or name] = problem.message
    if wrong:
        param = next(iter(wrong))
        raise Problem(400, "invalid_request", wrong[param], param, fields=wrong)
    if any(isinstance(value, str) and any(ord(x) < 32 for x in value) for value in values.values()):
        raise invalid("A setting must not hold control characters.")
    return values
