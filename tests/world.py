"""Builds users, groups, channels, prices and tokens for tests, straight into the tables."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from sqlmodel import select

from openopen8.core.models import (
    Channel,
    ChannelKey,
    CreditEntry,
    Group,
    LogEntry,
    Option,
    PriceRow,
    Token,
    UsageSum,
    User,
)
from openopen8.core.models.usage_sum import SLOT
from openopen8.core.rules.roles import Actor
from openopen8.core.security.secrets import TOKEN_PREFIX, hint_of, new_value
from openopen8.core.services.ledger import audit, entries
from openopen8.core.services.snapshot import bump
from openopen8.core.tools import Tools

DEFAULT_GROUP = 1


class World:
    """Rows for one test; every method commits."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._numbers = itertools.count(1)

    def user(self, name: str = "", balance: int = 1_000_000, **fields: Any) -> Actor:
        """A user with a balance; returns the actor."""
        now = self.tools.now()
        name = name or f"user-{next(self._numbers)}"
        with self.tools.db.write() as session:
            user = User(name=name, created_at=now, **{"group_id": DEFAULT_GROUP, **fields})
            session.add(user)
            session.flush()
            assert user.id is not None
            entries.open_account(session, user.id)
            if balance:
                entries.add(session, user.id, balance, "start", "start", "system", now)
            return Actor(user.id, user.name, user.role)

    def group(self, name: str, ratio: str = "1", **fields: Any) -> int:
        with self.tools.db.write() as session:
            group = Group(name=name, ratio=Decimal(ratio), created_at=self.tools.now(), **fields)
            session.add(group)
            session.flush()
            bump(session)
            assert group.id is not None
            return group.id

    def channel(
        self,
        base_url: str = "http://127.0.0.1:9",
        models: tuple[str, ...] = ("m",),
        keys: tuple[str, ...] = ("upstream-key",),
        **fields: Any,
    ) -> int:
        """An enabled channel of the default group."""
        values = {"name": f"channel-{next(self._numbers)}", "type": "openai-compatible", "groups": [DEFAULT_GROUP]}
        with self.tools.db.write() as session:
            channel = Channel(
                **{**values, **fields}, base_url=base_url, models=list(models), created_at=self.tools.now()
            )
            session.add(channel)
            session.flush()
            assert channel.id is not None
            for key in keys:
                sealed = self.tools.keyring.seal(key)
                session.add(ChannelKey(channel_id=channel.id, sealed=sealed, hint=hint_of(key)))
            bump(session)
            return channel.id

    def price(self, model: str = "m", input: str = "5", output: str = "15", **fields: Any) -> int:
        with self.tools.db.write() as session:
            row = PriceRow(
                model=model,
                input=Decimal(input),
                output=Decimal(output),
                created_at=self.tools.now(),
                **{"valid_from": 0, **fields},
            )
            session.add(row)
            session.flush()
            bump(session)
            assert row.id is not None
            return row.id

    def token(self, user: Actor, **fields: Any) -> tuple[int, str]:
        """A token of ``user``: its id and its value."""
        value = new_value(TOKEN_PREFIX)
        with self.tools.db.write() as session:
            token = Token(
                user_id=user.user_id,
                key_hash=self.tools.keyring.hash(value),
                hint=hint_of(value),
                created_at=self.tools.now(),
                **{"name": f"token-{next(self._numbers)}", **fields},
            )
            session.add(token)
            session.flush()
            assert token.id is not None
            entries.open_counter(session, token.id)
            return token.id, value

    def used(self, user: Actor, at: int, **fields: Any) -> None:
        """Sums of requests at a time, as the log's digest leaves them; one request if nothing is said."""
        values: dict[str, Any] = {"grain": SLOT, "user_id": user.user_id, "start": at - at % (SLOT * 1_000)}
        values |= {"token_id": 1, "model": "m", "channel_id": 1, "group_id": DEFAULT_GROUP}
        values |= {"status": 200, "period_start": 0, "requests": 1, **fields}
        with self.tools.db.write() as session:
            session.add(UsageSum(**{"entries": values["requests"], **values}))

    def change(self, model: type[Any], id: int, **fields: Any) -> None:
        """Set fields of one row, as a service would."""
        with self.tools.db.write() as session:
            row = session.get(model, id)
            for name, value in fields.items():
                setattr(row, name, value)
            session.add(row)
            bump(session)

    def option(self, name: str, value: Any) -> None:
        """Set an option of the installation."""
        with self.tools.db.write() as session:
            session.merge(Option(name=name, value=value))
            bump(session)

    def one(self, model: type[Any], id: Any) -> Any:
        with self.tools.db.read() as session:
            return session.get(model, id)

    def all(self, model: type[Any]) -> list[Any]:
        with self.tools.db.read() as session:
            return list(session.exec(select(model)).all())

    def log(self, kind: str = "request") -> list[LogEntry]:
        """Log entries of a kind, oldest first."""
        return sorted((e for e in self.all(LogEntry) if e.kind == kind), key=lambda e: e.id or 0)

    def credits_of(self, user: Actor) -> int:
        return sum(e.amount for e in self.all(CreditEntry) if e.user_id == user.user_id)

    def audit(self) -> None:
        """Every invariant of the books holds."""
        wrong = [f for f in audit.run(self.tools) if not f.ok]
        assert not wrong, wrong
