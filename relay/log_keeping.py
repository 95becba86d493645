"""Keeps the log in the background of a relay worker."""

from __future__ import annotations

import asyncio
import logging

from openopen8.core.services.log_keeper import LogKeeper
from openopen8.core.tools import Tools

log = logging.getLogger("openopen8.relay")

EVERY_SECONDS = 1.0


async def keep_log(tools: Tools, every: float = EVERY_SECONDS) -> None:
    """Turns for ever; of several workers one has the duty, another takes over when it has gone."""
    keeper = LogKeeper(tools)
    try:
        while True:
            behind = False
            try:
                behind = await asyncio.to_thread(keeper.turn)
            except Exception as error:
                log.warning("keeping the log failed: %s", type(error).__name__)
            await asyncio.sleep(every / 10 if behind else every)
    finally:
        # in a thread of its own: this task may be cancelled again while it waits
        await asyncio.shield(asyncio.to_thread(keeper.leave))
