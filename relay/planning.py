"""From a call and a chosen channel to the request that goes out."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from openopen8 import __version__
from openopen8.core.rules.routing import Attempt
from openopen8.core.rules.snapshot import Provider, ProviderKey
from openopen8.core.security.keyring import Keyring
from relay import splice
from relay.admission import Call
from relay.channels import TYPES, ChannelType, address
from relay.formats.format import Format, Glance
from relay.routes import FORMATS
from relay.upstream import Failure, Outgoing, Template

ENV_PREFIX = "OO8_KEY_"

_HOP_BY_HOP = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that no override may set: they steer the connection, not the request."""

_NOT_OVERRIDDEN = frozenset({"stream"})
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to go. ``same``: caller and channel speak one format, so the answer passes through."""

    outgoing: Outgoing
    format: Format
    upstream_model: str
    losses: tuple[str, ...]
    same: bool


def upstream_model(provider: Provider, model: str) -> str:
    """The provider's name of a public model."""
    return provider.model_mapping.get(model, model)


def prepare(call: Call, attempt: Attempt, keyring: Keyring) -> Prepared:
    """The request for this attempt. Raises Problem 400 for what can't be converted, Failure without a key."""
    provider = attempt.provider
    kind = channel_type(provider)
    format = FORMATS[kind.format]
    model = upstream_model(provider, call.glance.model)
    same = format is call.route.format and format.patch_request is not None
    body, losses = _passed(call, format, model) if same else _converted(call.route.format, call.glance, format, model)
    body = overridden(body, provider.parameter_override)
    headers = headers_of(provider, kind, key_of(attempt.key, keyring), call.glance.stream)
    outgoing = Outgoing(Template.make(address(provider.base_url, kind.paths["chat"]), headers), body)
    return Prepared(outgoing, format, model, losses, same)


def channel_type(provider: Provider) -> ChannelType:
    """The catalogue's row of a channel; raises Failure for a type that this version does not know."""
    kind = TYPES.get(provider.type)
    if kind is None:
        raise Failure("other", "The channel's type is not known.")
    return kind


def _passed(call: Call, format: Format, model: str) -> tuple[bytes, tuple[str, ...]]:
    assert format.patch_request is not None
    return format.patch_request(call.body, model, call.glance.stream), ()


def _converted(caller: Format, glance: Glance, format: Format, model: str) -> tuple[bytes, tuple[str, ...]]:
    request = replace(caller.parse_request(glance), model=model)
    rendered = format.render_request(request)
    return rendered.body, rendered.losses


def overridden(body: bytes, override: dict[str, Any]) -> bytes:
    """The body with the channel's own top-level fields; null takes a field's value away."""
    for name, value in override.items():
        if name not in _NOT_OVERRIDDEN:
            body = splice.assign(body, name, msgspec.json.encode(value), splice.top_level(body))
    return body


def headers_of(provider: Provider, kind: ChannelType, key: str, stream: bool) -> dict[str, str]:
    """Headers of a request: ours, the key's, then what the admin wrote for this channel."""
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",
        "user-agent": f"openopen8/{__version__}",
        **kind.auth(key),
    }
    for name, value in provider.header_override.items():
        if name.lower() not in _HOP_BY_HOP and _NAME.fullmatch(name) and _sendable(value):
            headers[name.lower()] = value
    return headers


def key_of(key: ProviderKey, keyring: Keyring) -> str:
    """The key itself, decrypted only here; raises Failure when it can't be had or sent."""
    if key.env_name:
        value = os.environ.get(key.env_name, "") if key.env_name.startswith(ENV_PREFIX) else ""
        if not value:
            raise Failure("other", "The provider key's environment variable is not set.")
    else:
        value = keyring.open(key.sealed) if key.sealed else ""
    if not _sendable(value):
        raise Failure("other", "The provider key holds characters that can't be sent.")
    return value


def _sendable(value: str) -> bool:
    return value.isascii() and (value == "" or value.isprintable())


def body_of(value: dict[str, Any]) -> bytes:
    """A body of our own making, for probes."""
    return json.dumps(value, separators=(",", ":")).encode()
