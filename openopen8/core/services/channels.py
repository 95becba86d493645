"""Channels: upstream provider accounts. Keys are encrypted when they come in and never leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr
from sqlalchemy import ColumnElement, func
from sqlalchemy import delete as sql_delete
from sqlmodel import Session, col, select

from openopen8.core.errors import invalid, not_found
from openopen8.core.models import Channel, ChannelKey
from openopen8.core.rules.outbound import checked_base_url, checked_proxy, same_place, shown_proxy
from openopen8.core.rules.roles import Actor, require_admin
from openopen8.core.security.secrets import hint_of
from openopen8.core.services import groups, journal
from openopen8.core.services.channel_fields import ENV_PREFIX, ChannelFields, ChannelPatch
from openopen8.core.services.channel_view import ChannelView, KeyView, view_of
from openopen8.core.services.conflict import unique
from openopen8.core.services.forms import check_text
from openopen8.core.services.page import Page, check_id, offset_of
from openopen8.core.services.snapshot import bump
from openopen8.core.tools import Tools

__all__ = [
    "ChannelFields",
    "ChannelPatch",
    "ChannelView",
    "KeyView",
    "create",
    "delete",
    "find",
    "get",
    "named",
    "record_test",
    "set_enabled",
    "set_key_enabled",
    "update",
]

_AWAKE: dict[str, Any] = {"disabled_reason": "", "rest_until": None, "rest_reason": ""}


def create(tools: Tools, actor: Actor, fields: ChannelFields) -> ChannelView:
    """A new channel; counts for the next request."""
    require_admin(actor)
    values = fields.model_dump(exclude={"key", "keys", "groups", "proxy"})
    values["base_url"] = checked_base_url(fields.base_url, tools.settings.allow_private_upstreams)
    _check_query(fields.type, values["base_url"])
    values |= _proxy(tools, fields.proxy)
    with unique("name", "A channel"), tools.db.write() as session:
        channel = Channel(**values, groups=groups.ids_of(session, fields.groups, "groups"), created_at=tools.now())
        session.add(channel)
        session.flush()
        _add_keys(tools, session, channel, fields.all_keys() or [])
        return _told(tools, session, actor, channel, f"created channel {channel.name!r}")


def get(tools: Tools, actor: Actor, id: int) -> ChannelView:
    """One channel."""
    require_admin(actor)
    with tools.db.read() as session:
        return _view(tools, session, _existing(session, id))


def named(tools: Tools, actor: Actor, name: str) -> ChannelView:
    """The channel of that name."""
    require_admin(actor)
    with tools.db.read() as session:
        channel = session.exec(select(Channel).where(Channel.name == name, col(Channel.deleted_at).is_(None))).first()
        if channel is None:
            raise not_found(f"Channel {name!r}")
        return _view(tools, session, channel)


def find(
    tools: Tools,
    actor: Actor,
    search: str = "",
    status: str = "",
    sort: str = "-created_at",
    page: int = 1,
    page_size: int = 50,
) -> Page[ChannelView]:
    """All channels that exist; ``status`` is enabled, disabled or empty."""
    require_admin(actor)
    offset = offset_of(page, page_size)
    statement = select(Channel).where(*_kept(search, status))
    with tools.db.read() as session:
        total = session.exec(select(func.count()).select_from(statement.subquery())).one()
        rows = session.exec(statement.order_by(*_order(sort)).offset(offset).limit(page_size)).all()
        keys, names, now = _keys(session, [row.id or 0 for row in rows]), groups.by_id(session), tools.now()
        views = tuple(view_of(row, keys.get(row.id or 0, []), names, now) for row in rows)
    return Page(views, total, page, page_size)


def update(tools: Tools, actor: Actor, id: int, patch: ChannelPatch) -> ChannelView:
    """Change what ``patch`` names. Another scheme, host or port needs the keys again."""
    require_admin(actor)
    given = patch.changes()
    with unique("name", "A channel"), tools.db.write() as session:
        channel = _existing(session, id, lock=True)
        keys = patch.all_keys()
        given.pop("key", None), given.pop("keys", None)
        kept = keys is None and _has_keys(session, channel)
        if "base_url" in given:
            given["base_url"] = _new_address(tools, channel, given["base_url"], kept)
        _check_query(given.get("type", channel.type), given.get("base_url", channel.base_url))
        if "proxy" in given:
            given |= _new_proxy(tools, channel, given.pop("proxy"), given.get("base_url", channel.base_url), kept)
        if "groups" in given:
            given["groups"] = groups.ids_of(session, given["groups"], "groups")
        if keys is not None:
            session.execute(sql_delete(ChannelKey).where(col(ChannelKey.channel_id) == id))
            _add_keys(tools, session, channel, keys)
        if given.get("enabled") or keys is not None or {"base_url", "proxy", "http2"} & set(given):
            given |= _AWAKE
        for name, value in given.items():
            setattr(channel, name, value)
        changed = ", ".join(sorted(patch.model_fields_set))
        return _told(tools, session, actor, channel, f"changed channel {channel.name!r}: {changed}")


def set_enabled(tools: Tools, actor: Actor, ids: Sequence[int], enabled: bool) -> int:
    """Enable (also what the gateway had switched off) or disable all of them or, if one is not there, none."""
    require_admin(actor)
    with tools.db.write() as session:
        for id in sorted(set(ids)):
            channel = _existing(session, id, lock=True)
            channel.enabled = enabled
            for name, value in _AWAKE.items():
                setattr(channel, name, value)
            _told(tools, session, actor, channel, f"{'enabled' if enabled else 'disabled'} channel {channel.name!r}")
    return len(set(ids))


def set_key_enabled(tools: Tools, actor: Actor, id: int, key_id: int, enabled: bool) -> ChannelView:
    """Enable or disable one key."""
    require_admin(actor)
    check_id(key_id, "The key")
    with tools.db.write() as session:
        channel, key = _existing(session, id), session.get(ChannelKey, key_id)
        if key is None or key.channel_id != id:
            raise not_found("The key")
        key.enabled = enabled
        for name, value in _AWAKE.items():
            setattr(key, name, value)
        deed = f"{'enabled' if enabled else 'disabled'} key {key.hint or key.env_name} of channel {channel.name!r}"
        return _told(tools, session, actor, channel, deed)


def delete(tools: Tools, actor: Actor, id: int) -> None:
    """Remove a channel and its keys; the log keeps its name."""
    require_admin(actor)
    with tools.db.write() as session:
        channel = _existing(session, id, lock=True)
        told = channel.name
        # the name becomes free for another channel; the id keeps this one apart in the log
        channel.name, channel.deleted_at, channel.enabled = f"{told[:40]} #{id}", tools.now(), False
        session.execute(sql_delete(ChannelKey).where(col(ChannelKey.channel_id) == id))
        _told(tools, session, actor, channel, f"deleted channel {told!r}")


def record_test(tools: Tools, id: int, result: dict[str, Any]) -> None:
    """Keep the outcome of a test: {at, ok, latency_ms, first_token_ms, answer, error}."""
    with tools.db.write() as session:
        _existing(session, id).last_test = result


def _has_keys(session: Session, channel: Channel) -> bool:
    return any(key.sealed or key.env_name for key in _keys(session, [channel.id or 0]).get(channel.id or 0, []))


def _new_address(tools: Tools, channel: Channel, text: str, keys_kept: bool) -> str:
    url = checked_base_url(text, tools.settings.allow_private_upstreams)
    if keys_kept and not same_place(url, channel.base_url):
        # otherwise whoever may edit a channel could have its keys sent to a host of theirs
        raise invalid("Another scheme, host or port needs the keys again.", "keys")
    return url


def _check_query(type: str, base_url: str) -> None:
    if "?" in base_url and type != "azure":
        raise invalid("Only channels of the type azure have an api-version in their base URL.", "base_url")


def _proxy(tools: Tools, given: SecretStr | None) -> dict[str, str]:
    """What is stored of a proxy: the URL without its password to show, the whole one encrypted."""
    text = given.get_secret_value().strip() if given is not None else ""
    if not text:
        return {"proxy": "", "proxy_sealed": ""}
    text = checked_proxy(text, tools.settings.allow_private_upstreams)
    return {"proxy": shown_proxy(text), "proxy_sealed": tools.keyring.seal(text)}


def _new_proxy(
    tools: Tools, channel: Channel, given: SecretStr | None, base_url: str, keys_kept: bool
) -> dict[str, str]:
    if given is not None and given.get_secret_value().strip() == channel.proxy:
        return {}  # as it is shown: forms send back what they were given
    values = _proxy(tools, given)
    if values["proxy"] and keys_kept and base_url.lower().startswith("http:"):
        # a proxy reads what goes through it without TLS, the keys too
        raise invalid("A proxy for an http:// address needs the keys again.", "keys")
    return values


def _add_keys(tools: Tools, session: Session, channel: Channel, keys: list[SecretStr]) -> None:
    # a provider that needs no key has one empty row, so that every channel has something to call with
    for secret in keys or [SecretStr("")]:
        text = secret.get_secret_value()
        row = ChannelKey(channel_id=channel.id or 0)
        if text.startswith(ENV_PREFIX):
            row.env_name = text.removeprefix(ENV_PREFIX)
        elif text:
            row.sealed, row.hint = tools.keyring.seal(text), hint_of(text)
        session.add(row)
    session.flush()


def _kept(search: str, status: str) -> list[ColumnElement[bool]]:
    kept: list[ColumnElement[bool]] = [col(Channel.deleted_at).is_(None)]
    word = check_text(search, "search")
    if word:
        kept.append(col(Channel.name).icontains(word, autoescape=True))
    if status not in ("", "enabled", "disabled"):
        raise invalid("status must be enabled or disabled.", "status")
    if status:
        kept.append(col(Channel.enabled).is_(status == "enabled"))
    return kept


def _order(sort: str) -> tuple[Any, Any]:
    keys: dict[str, Any] = {
        "id": col(Channel.id),
        "name": func.lower(col(Channel.name)),
        "type": col(Channel.type),
        "priority": col(Channel.priority),
        "created_at": col(Channel.created_at),
    }
    name = sort.removeprefix("-")
    if name not in keys:
        raise invalid(f"sort must be one of {', '.join(keys)}, with '-' in front for descending.", "sort")
    if sort.startswith("-"):
        return keys[name].desc(), col(Channel.id).desc()
    return keys[name].asc(), col(Channel.id).asc()


def _existing(session: Session, id: int, lock: bool = False) -> Channel:
    check_id(id, "The channel")
    statement = select(Channel).where(Channel.id == id, col(Channel.deleted_at).is_(None))
    channel = session.exec(statement.with_for_update() if lock else statement).first()
    if channel is None:
        raise not_found("The channel")
    return channel


def _keys(session: Session, ids: list[int]) -> dict[int, list[ChannelKey]]:
    found: dict[int, list[ChannelKey]] = {}
    mine = select(ChannelKey).where(col(ChannelKey.channel_id).in_(ids)).order_by(col(ChannelKey.id))
    for key in session.exec(mine):
        found.setdefault(key.channel_id, []).append(key)
    return found


def _view(tools: Tools, session: Session, channel: Channel) -> ChannelView:
    id = channel.id or 0
    return view_of(channel, _keys(session, [id]).get(id, []), groups.by_id(session), tools.now())


def _told(tools: Tools, session: Session, actor: Actor, channel: Channel, deed: str) -> ChannelView:
    bump(session)
    journal.admin(session, actor, tools.now(), deed)
    session.flush()
    return _view(tools, session, channel)
