"""Requests to providers but for their bodies: rendered once for each channel, key and endpoint, then kept."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from openopen8 import __version__
from openopen8.core.rules.snapshot import Provider, ProviderKey
from openopen8.core.security.keyring import Keyring
from relay.channels import TYPES, ChannelType
from relay.upstream import Failure, Template

ENV_PREFIX = "OO8_KEY_"

BETA = "anthropic-beta"
"""Claude's features that are not for everybody yet; the only header of a caller that reaches a provider."""

MOST = 10_000
"""Templates that are kept; then all are forgotten."""

_HOP_BY_HOP = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
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

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class Templates:
    """Keeps what was made for a channel until the channel or its key is read anew."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self._kept: dict[tuple[int, int, str, bool], tuple[Provider, ProviderKey, Template]] = {}

    def get(self, provider: Provider, key: ProviderKey, kind: ChannelType, path: str, stream: bool) -> Template:
        """The template for one endpoint (``path``) of a channel; raises Failure."""
        place = (provider.id, key.id, path, stream)
        kept = self._kept.get(place)
        if kept is not None and kept[0] is provider and kept[1] is key:
            return kept[2]
        made = self._made(provider, key, kind, path, stream)
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[place] = (provider, key, made)
        return made

    def apart(
        self, provider: Provider, key: ProviderKey, kind: ChannelType, path: str, headers: Mapping[str, str]
    ) -> Template:
        """A template with headers of this request's own, which go before the channel's; it is not kept."""
        return self._made(provider, key, kind, path, False, "", headers)

    def with_beta(
        self, provider: Provider, key: ProviderKey, kind: ChannelType, path: str, stream: bool, beta: str
    ) -> Template:
        """:meth:`get` with a caller's wish for beta features; it is not kept, since callers may wish for anything."""
        return self._made(provider, key, kind, path, stream, beta)

    def _made(
        self, provider: Provider, key: ProviderKey, kind: ChannelType, path: str, stream: bool, beta: str = "",
        further: Mapping[str, str] | None = None,
    ) -> Template:  # fmt: skip
        secret = key_of(key, self.keyring)
        headers = headers_of(provider, kind, secret, stream)
        if beta:
            headers[BETA] = ",".join(filter(None, (headers.get(BETA), beta)))
        headers.update(further or {})
        proxy = proxy_of(provider, self.keyring)
        return Template.make(kind.url(provider.base_url, path, secret), headers, proxy=proxy, http2=provider.http2)


def channel_type(provider: Provider) -> ChannelType:
    """The catalogue's row of a channel; raises Failure for a type that this version does not know."""
    kind = TYPES.get(provider.type)
    if kind is None:
        raise Failure("other", "The channel's type is not known.")
    return kind


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


def proxy_of(provider: Provider, keyring: Keyring) -> str:
    """The URL of the channel's proxy, decrypted only here; empty when it has none."""
    return keyring.open(provider.proxy) if provider.proxy else ""


def key_of(key: ProviderKey, keyring: Keyring) -> str:
    """The key itself, decrypted only here; raises Failure when it can't be had or sent."""
    if key.env_name:
        value = os.environ.get(key.env_name, "") if key.env_name.startswith(ENV_PREFIX) else ""
        if not value:
            raise Failure("other", "The provider key's environment variable is not set.")
        if value.startswith("{"):  # a vendor's file, whose lines are no part of it
            value = " ".join(value.split("\n")).replace("\r", "")
    else:
        value = keyring.open(key.sealed) if key.sealed else ""
    if not _sendable(value):
        raise Failure("other", "The provider key holds characters that can't be sent.")
    return value


def _sendable(value: str) -> bool:
    return value.isascii() and (value == "" or value.isprintable())
