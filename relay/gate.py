"""The long-lived tools of a relay worker, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from openopen8.core.config import Settings
from openopen8.core.rules.routing import Random
from openopen8.core.services.ledger import Ledger
from openopen8.core.tools import Tools
from relay.health import Health
from relay.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Gate:
    """Made when the worker starts; every request gets the same one."""

    tools: Tools
    ledger: Ledger
    upstream: Upstream
    health: Health
    random: Random

    @property
    def settings(self) -> Settings:
        return self.tools.settings
