"""TLS towards providers: certificates are always verified, sessions are used again."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from functools import cached_property
from typing import Any

import certifi

KEPT = 256
"""Hosts whose last session is kept."""


class _Resuming(ssl.SSLContext):
    """A context whose connections begin with the host's last session. asyncio and uvloop take no session, but both
    make their TLS objects through ``wrap_bio``."""

    sessions: OrderedDict[str, ssl.SSLSession]

    def wrap_bio(
        self, incoming: Any, outgoing: Any, server_side: bool = False, server_hostname: Any = None, session: Any = None
    ) -> ssl.SSLObject:
        session = session or self.sessions.get(server_hostname)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


class Sessions:
    """The client's one TLS context, made when it is first needed (it reads all certificates), and its sessions."""

    def __init__(self, authorities: str | None = None) -> None:
        self._authorities = authorities
        self._kept: OrderedDict[str, ssl.SSLSession] = OrderedDict()

    @cached_property
    def context(self) -> ssl.SSLContext:
        context = _Resuming(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and host name, TLS 1.2 at least
        context.sessions = self._kept
        context.load_verify_locations(self._authorities or certifi.where())
        context.set_alpn_protocols(["http/1.1"])
        return context

    def remember(self, host: str, tls: ssl.SSLObject) -> None:
        """Keep the session of a connection on which something was answered: TLS 1.3 sends it after the handshake."""
        session = tls.session
        if session is not None and session.has_ticket:
            self._kept[host] = session
            self._kept.move_to_end(host)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
