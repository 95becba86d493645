"""Tests what the gateway switched off, and switches it on again when it works."""

from __future__ import annotations

import asyncio
import logging

from openopen8.core.services import channel_health
from openopen8.core.tools import Tools
from relay import probe
from relay.upstream import Upstream

log = logging.getLogger("openopen8.relay")

EVERY_SECONDS = 60.0


async def heal(tools: Tools, upstream: Upstream) -> int:
    """One round of tests; returns how many keys work again."""
    healed = 0
    for sick in await asyncio.to_thread(channel_health.sick_keys, tools):
        try:
            found = await probe.test_channel(
                tools, sick.channel_id, stream=False, key_id=sick.key_id, upstream=upstream
            )
        except Exception as error:  # one odd channel must not keep the others from being tested
            log.warning("channel %d could not be tested: %s", sick.channel_id, type(error).__name__)
            continue
        if found.ok:
            await asyncio.to_thread(channel_health.revive_key, tools, sick)
            healed += 1
    return healed


async def keep_healing(tools: Tools, upstream: Upstream, every: float = EVERY_SECONDS) -> None:
    """Rounds for ever; of several workers one makes each round."""
    while True:
        await asyncio.sleep(every)
        try:
            if await asyncio.to_thread(channel_health.claim_tests, tools, tools.now(), round(every * 900)):
                await heal(tools, upstream)
        except Exception as error:
            log.warning("testing channels failed: %s", type(error).__name__)
