"""What the gateway itself does to channels and keys: rest, switch off, try again. For threads, not event loops."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from openopen8.core.models import Channel, ChannelKey, Revision
from openopen8.core.rules.roles import Actor
from openopen8.core.services import journal
from openopen8.core.services.snapshot import bump
from openopen8.core.tools import Tools

GATEWAY = Actor(user_id=0, name="The gateway", role="root")
TESTS = "channel_tests"


@dataclass(frozen=True, slots=True)
class Sick:
    """A key that the gateway switched off and that may have recovered."""

    channel_id: int
    key_id: int


def rest_key(tools: Tools, key_id: int, until: int, reason: str) -> None:
    """Leave a key alone until then (ms): the provider said that it is called too often."""
    with tools.db.write() as session:
        key = session.get(ChannelKey, key_id)
        if key is None or (key.rest_until or 0) >= until:
            return
        key.rest_until, key.rest_reason = until, reason[:500]
        session.add(key)
        bump(session)


def rest_channel(tools: Tools, channel_id: int, until: int, reason: str) -> None:
    """Open the breaker: nothing goes to the channel until then (ms)."""
    with tools.db.write() as session:
        channel = session.get(Channel, channel_id)
        if channel is None or (channel.rest_until or 0) >= until:
            return
        channel.rest_until, channel.rest_reason = until, reason[:500]
        session.add(channel)
        bump(session)


def claim_trial(tools: Tools, channel_id: int, seen: int, until: int) -> bool:
    """Take the one trial of a channel whose rest (``seen``) has passed; the others wait until then (ms)."""
    with tools.db.write() as session:
        mine = (col(Channel.id) == channel_id) & (col(Channel.rest_until) == seen)
        won = session.exec(update(Channel).where(mine).values(rest_until=until)).rowcount == 1
        if won:
            bump(session)
        return bool(won)


def recovered(tools: Tools, channel_id: int) -> None:
    """Close the breaker: the trial succeeded."""
    with tools.db.write() as session:
        resting = (col(Channel.id) == channel_id) & col(Channel.rest_until).is_not(None)
        if session.exec(update(Channel).where(resting).values(rest_until=None, rest_reason="")).rowcount:
            bump(session)


def disable_key(tools: Tools, channel_id: int, key_id: int, reason: str) -> None:
    """Switch a key off that the provider refuses, and the channel when no key is left."""
    with tools.db.write() as session:
        key, channel = session.get(ChannelKey, key_id), session.get(Channel, channel_id)
        if key is None or channel is None or not key.enabled:
            return
        key.enabled, key.disabled_reason = False, reason[:500] or "The provider refused the key."
        session.add(key)
        session.flush()
        name = f"{channel.name!r}"
        journal.admin(session, GATEWAY, tools.now(), f"switched off key {key.hint} of channel {name}: {reason[:300]}")
        if channel.enabled and not _keys_left(session, channel_id):
            channel.enabled, channel.disabled_reason = False, f"No key is left: {reason}"[:500]
            session.add(channel)
            journal.admin(session, GATEWAY, tools.now(), f"switched off channel {name}: no key is left")
        bump(session)


def revive_key(tools: Tools, sick: Sick) -> None:
    """Switch a key on again that a test found well, and the channel that was off for want of keys."""
    with tools.db.write() as session:
        key, channel = session.get(ChannelKey, sick.key_id), session.get(Channel, sick.channel_id)
        if key is None or channel is None or key.enabled or not key.disabled_reason:
            return
        key.enabled, key.disabled_reason, key.rest_until, key.rest_reason = True, "", None, ""
        session.add(key)
        if not channel.enabled and channel.disabled_reason:
            channel.enabled, channel.disabled_reason = True, ""
            session.add(channel)
        deed = f"switched on key {key.hint} of channel {channel.name!r}: it works again"
        journal.admin(session, GATEWAY, tools.now(), deed)
        bump(session)


def sick_keys(tools: Tools) -> tuple[Sick, ...]:
    """Keys that the gateway switched off, of channels that no person switched off."""
    ours = or_(col(Channel.enabled), col(Channel.disabled_reason) != "")
    query = (
        select(ChannelKey.channel_id, ChannelKey.id)
        .join(Channel, col(Channel.id) == col(ChannelKey.channel_id))
        .where(~col(ChannelKey.enabled), col(ChannelKey.disabled_reason) != "", col(Channel.deleted_at).is_(None), ours)
        .order_by(col(ChannelKey.id))
    )
    with tools.db.read() as session:
        return tuple(Sick(channel_id, key_id or 0) for channel_id, key_id in session.exec(query))


def claim_tests(tools: Tools, now: int, every: int) -> bool:
    """True for the one worker that makes the tests of this round; the next is ``every`` (ms) later."""
    try:
        with tools.db.write() as session:
            row = session.exec(select(Revision).where(Revision.name == TESTS).with_for_update()).one_or_none()
            if row is not None and row.number > now:
                return False
            row = row or Revision(name=TESTS)
            row.number = now + every
            session.add(row)
            return True
    except IntegrityError:  # another worker wrote the first row
        return False


def _keys_left(session: Session, channel_id: int) -> bool:
    query = select(ChannelKey.id).where(ChannelKey.channel_id == channel_id, col(ChannelKey.enabled)).limit(1)
    return session.exec(query).first() is not None
