"""Stores that tests put between a ledger and its database."""

from __future__ import annotations

from typing import Any

from openopen8.core.db import Database
from openopen8.core.services.ledger.sqlite import SqliteStore, SqliteTransaction
from openopen8.core.services.ledger.store import Store, StoreDown


class LosesAnswers:
    """A store whose next commit takes place, but whose answer is lost."""

    def __init__(self, inner: Store) -> None:
        self.inner, self.lose = inner, False

    def run(self, work: Any, done: Any, sync: bool = True) -> None:
        lose, self.lose = self.lose, False
        self.inner.run(work, lambda result: done(StoreDown("answer lost", uncertain=True) if lose else result), sync)

    async def close(self) -> None:
        await self.inner.close()


class TurnsBack:
    """A store whose next transaction does everything and is then rolled back."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.fail: Exception | None = None

    def run(self, work: Any, done: Any, sync: bool = True) -> None:
        fail, self.fail = self.fail, None

        async def and_fail(tx: Any) -> Any:
            result = await work(tx)
            if fail is not None:
                raise fail
            return result

        self.inner.run(and_fail, done, sync)

    async def close(self) -> None:
        await self.inner.close()


class Notes:
    """A store that notes which transactions were to be synced."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.syncs: list[bool] = []

    def run(self, work: Any, done: Any, sync: bool = True) -> None:
        self.syncs.append(sync)
        self.inner.run(work, done, sync)

    async def close(self) -> None:
        await self.inner.close()


class Watched(SqliteStore):
    """Notes every statement that its connection runs."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.statements: list[str] = []
        self._connection.set_trace_callback(self.statements.append)

    def reads(self) -> list[str]:
        """What was read since the last call."""
        found = [text for text in self.statements if text.startswith(("SELECT", "WITH"))]
        self.statements.clear()
        return found


class Forgetful(SqliteStore):
    """Proves nothing, so that the ledger reads everything anew in each transaction."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._transaction = _Unproved(self._connection)


class _Unproved(SqliteTransaction):
    async def version(self) -> Any:
        return None
