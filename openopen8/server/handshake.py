"""What the dashboard process is told about a caller: a hash of the session, the address, nothing else secret.

Reflex keeps a connection's headers, shows most of them to the browser's state and writes them to its
log when an event fails. So the cookie never reaches it: it gets the keyed hash, in ``authorization``,
which Reflex keeps to itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import cookie_parser

from openopen8.core.config import Network
from openopen8.core.rules.access import client_address
from openopen8.core.security.keyring import Keyring

SESSION_COOKIE = "oo8_session"

Headers = list[tuple[bytes, bytes]]

# Of the connection itself, or able to make the dashboard believe something about the caller.
_DROPPED = frozenset(
    b"host connection upgrade keep-alive te trailer transfer-encoding content-length proxy-authorization "
    b"proxy-connection sec-websocket-key sec-websocket-version sec-websocket-extensions sec-websocket-protocol "
    b"sec-websocket-accept authorization cookie forwarded x-real-ip x-api-key x-goog-api-key".split()
)


def first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """The first value of header ``name`` (lower case), else an empty text."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def same_origin(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """True when a browser page of this very host opens the connection.

    A websocket knows no same-origin rule: without this check any site could open one with the
    visitor's cookie. The scheme is not compared, since TLS may end at a proxy.
    """
    pairs = list(headers)
    origin, host = first(pairs, b"origin"), first(pairs, b"host")
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return bool(host) and parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def passed_on(
    headers: Iterable[tuple[bytes, bytes]], peer: str, keyring: Keyring, trusted: tuple[Network, ...]
) -> Headers:
    """The headers for the dashboard process in place of the client's ``headers``."""
    pairs = list(headers)
    kept = [(key, value) for key, value in pairs if key not in _DROPPED and not key.startswith(b"x-forwarded")]
    forwarded = ",".join(value.decode("latin-1") for key, value in pairs if key == b"x-forwarded-for")
    kept.append((b"x-forwarded-for", client_address(peer, forwarded, trusted).encode()))
    session = cookie_parser(first(pairs, b"cookie")).get(SESSION_COOKIE)
    if session:
        kept.append((b"authorization", keyring.hash(session).encode()))
    return kept
