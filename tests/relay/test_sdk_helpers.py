"""Helpers of the official SDKs through the gateway, against a provider of every format. (B11)"""

from __future__ import annotations

import pytest

from tests.fakes.vendors import VENDORS
from tests.relay.house import Build
from tests.relay.sdk_helpers import HELPERS, WEATHER
from tests.relay.socketed import served
from tests.relay.test_any_client_any_provider import built

ONE_WAY = True


@pytest.mark.parametrize("kind", list(VENDORS))
@pytest.mark.parametrize("caller", list(HELPERS))
async def test_what_people_use_of_an_sdk_works_with_every_provider(build: Build, caller: str, kind: str) -> None:
    house = await built(build, kind)
    house.fake.script(VENDORS[kind](play=WEATHER))
    async with served(house) as address:
        await HELPERS[caller](address, house.key)
    refused = [entry for entry in house.world.log() if entry.status != 200]
    assert all(entry.status == 400 and "threads" in entry.error for entry in refused)
    assert len(refused) == (2 if caller == "anthropic" else 0)  # the runner of tools wishes for what we have not
    house.settled()
