"""A desk with a channel and a price, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from openopen8.core.services.ledger import Ledger
from openopen8.core.tools import Tools
from tests.core.ledger.desk import Desk


@pytest.fixture
async def desk(tools: Tools) -> AsyncIterator[Desk]:
    ledger = await Ledger.open(tools)
    desk = Desk(tools, ledger)
    desk.world.channel()
    desk.world.price()
    yield desk
    await ledger.close()
