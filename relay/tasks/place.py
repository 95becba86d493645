"""Where a task is: the channel and the key that it was made with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from openopen8.core.models import Task
from openopen8.core.rules.outbound import same_place
from openopen8.core.rules.snapshot import Provider, ProviderKey
from openopen8.core.tools import Tools
from relay.probe import stored
from relay.tasks import VENDORS
from relay.tasks.errands import outgoing
from relay.tasks.vendor import Errand, Vendor
from relay.upstream import Failure, Outgoing


@dataclass(frozen=True, slots=True)
class Place:
    """A provider that has a task."""

    tools: Tools
    provider: Provider
    key: ProviderKey
    vendor: Vendor

    def sent(self, errand: Errand) -> Outgoing:
        """The errand in the channel's name. Raises Failure."""
        tools, authorize = self.tools, self.vendor.authorize
        return outgoing(tools.keyring, self.provider, self.key, authorize, errand, tools.now())

    def holds(self, url: str) -> bool:
        """True for an address of the channel's own."""
        return same_place(url, self.provider.base_url)


async def place_of(tools: Tools, task: Task) -> Place:
    """Also of a channel that is switched off. Raises Failure, or Problem 404 for a channel that is there no more.

    Where the very key has been replaced another one of the channel stands in: most belong to one account.
    """
    vendor = VENDORS.get(task.form)
    if vendor is None:
        raise Failure("other", "This version does not know the provider.")
    provider, _ = await asyncio.to_thread(stored, tools, task.channel_id, None)
    key = next((key for key in provider.keys if key.id == task.key_id), next(iter(provider.keys), None))
    if key is None:
        raise Failure("other", "The channel has lost its key.")
    return Place(tools, provider, key, vendor)
