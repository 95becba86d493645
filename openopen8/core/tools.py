"""The long-lived tools that services work with, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from openopen8.core.clock import Clock, SystemClock
from openopen8.core.config import Settings
from openopen8.core.db import Database
from openopen8.core.security.keyring import Keyring, load_secret


@dataclass(frozen=True, slots=True)
class Tools:
    """Settings, database, clock and keyring of this process."""

    settings: Settings
    db: Database
    clock: Clock
    keyring: Keyring

    def now(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return self.clock.now()

    def close(self) -> None:
        self.db.close()


def open_tools(settings: Settings, clock: Clock | None = None) -> Tools:
    """Open the database and the keyring that ``settings`` name; nothing is migrated here."""
    return Tools(settings, Database(settings.database), clock or SystemClock(), open_keyring(settings))


def open_keyring(settings: Settings) -> Keyring:
    """The keyring that ``settings`` name."""
    given = settings.secret_key.get_secret_value() if settings.secret_key else None
    return Keyring(load_secret(given, settings.data_dir))
