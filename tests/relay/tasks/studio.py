"""A house whose provider makes videos, and the turn of the worker that asks after them."""

from __future__ import annotations

from typing import Any

from openopen8.core.models import Task
from relay.tasks.polling import Looks
from tests.fakes.vendors.tasks import Studio
from tests.relay.house import Build, House

PER_SECOND = "1000"
"""Credits for a second."""


async def opened(build: Build, studio: Studio, type: str, model: str, **channel: Any) -> House:
    """A house with one channel of ``type`` whose provider is ``studio``; a second costs 1,000 credits."""
    house = await build(channel={"type": type, "models": ("m",), "model_mapping": {"m": model}, **channel})
    house.world.price(input="0", output="0", units={"seconds": PER_SECOND}, valid_from=1)
    house.fake.script(studio)
    studio.url = house.fake.url
    return house


async def later(house: House, seconds: int = 6) -> None:
    """Time passes, and the worker asks after what is due."""
    assert house.relay.gate is not None
    house.clock.advance(seconds * 1000)
    looks = Looks(house.tools, house.relay.gate.upstream)
    await looks.begin()
    await looks.ended()


def task(house: House) -> Task:
    """The one task."""
    (found,) = house.world.all(Task)
    assert isinstance(found, Task)
    return found


def balance(house: House) -> int:
    """What the user has spent so far, by the log."""
    return sum(entry.credits for kind in ("request", "correction") for entry in house.world.log(kind))
