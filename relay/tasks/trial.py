"""Tries a channel without making a video: its key is good when the provider only says that there is no such task."""

from __future__ import annotations

from openopen8.core.models import Task
from openopen8.core.rules.snapshot import Provider
from openopen8.core.security.keyring import Keyring
from relay.formats.vendor import message_of, redact
from relay.tasks import VENDORS
from relay.tasks.errands import answered, outgoing
from relay.upstream import Failure, Upstream

_REFUSED = (401, 402, 403)
_NONE = Task(
    id="none", kind="video", user_id=0, token_id=0, channel_id=0, key_id=0, request_id="", form="",
    upstream_id="0", action="text2video", created_at=0, updated_at=0, expires_at=0,
)  # fmt: skip


async def tried(keyring: Keyring, provider: Provider, upstream: Upstream, now: int) -> str:
    """What is wrong; empty when nothing is."""
    vendor = VENDORS[provider.type]
    if not provider.keys:
        return "The channel has no key. Add one first."
    try:
        look = outgoing(keyring, provider, provider.keys[0], vendor.authorize, vendor.look(_NONE), now)
        status, fields = await answered(upstream, look)
    except Failure as failure:
        return failure.message
    refusal = vendor.refused(fields)
    if refusal is not None and (refusal.status in _REFUSED or refusal.status >= 500):
        return redact(refusal.message)
    if status in _REFUSED or status >= 500:
        return message_of(fields) or f"The provider answered with status {status}."
    return ""
