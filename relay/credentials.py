"""Who calls: the token of a request, in any of the styles that SDKs use, and the caller's address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from openopen8.core.config import Network
from openopen8.core.rules.access import client_address
from openopen8.core.security.keyring import Keyring
from openopen8.core.security.secrets import LENGTH, TOKEN_PREFIX, well_formed

Headers = Iterable[tuple[bytes, bytes]]
"""Names in lower case, as ASGI has them."""

_USUAL = re.compile(rb"[Bb]earer (%b[A-Za-z0-9]{%d})" % (TOKEN_PREFIX.encode(), LENGTH))
_INSECURE = "openai-insecure-api-key."
_PLAIN = (b"x-api-key", b"x-goog-api-key")


def key_hash(headers: Headers, query: bytes, keyring: Keyring) -> str | None:
    """Keyed hash of the request's token; None when there is none, a malformed one, or two different ones."""
    found = _values(headers, query)
    if len(found) != 1:
        return None
    (value,) = found
    return keyring.hash(value) if well_formed(value, TOKEN_PREFIX) else None


def key_hash_of(headers: Mapping[bytes, bytes], query: bytes, keyring: Keyring) -> str | None:
    """:func:`key_hash` of headers that each come once; most requests carry a bearer token and nothing else."""
    usual = _USUAL.fullmatch(headers.get(b"authorization", b""))
    if usual is None or b"key=" in query or b"x-api-key" in headers or b"x-goog-api-key" in headers:
        return key_hash(headers.items(), query, keyring)
    return keyring.hash_bytes(usual[1])


def socket_key_hash(headers: Headers, query: bytes, subprotocols: Iterable[str], keyring: Keyring) -> str | None:
    """:func:`key_hash` of a WebSocket: browsers can send no headers, so a query or a subprotocol may hold the token."""
    found = _values(headers, query)
    found.update(value for name, value in parse_qsl(query.decode("latin-1")) if name == "token")
    found.update(name.removeprefix(_INSECURE) for name in subprotocols if name.startswith(_INSECURE))
    if len(found) != 1:
        return None
    (value,) = found
    return keyring.hash(value) if well_formed(value, TOKEN_PREFIX) else None


def _values(headers: Headers, query: bytes) -> set[str]:
    found: set[str] = set()
    for name, value in headers:
        if name == b"authorization":
            found.add(_bearer(value))
        elif name in _PLAIN and value.strip():
            found.add(value.strip().decode("latin-1"))
    if b"key=" in query:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=False)
        found.update(value for name, value in pairs if name == "key")
    return found


def _bearer(value: bytes) -> str:
    """The token of an Authorization header; any other scheme, or none, gives what can't be a token."""
    scheme, _, rest = value.strip().partition(b" ")
    return rest.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""


def address_of(peer: str, headers: Headers, trusted: tuple[Network, ...]) -> str:
    """The caller's address; X-Forwarded-For counts only where the peer is a trusted proxy."""
    if not trusted:
        return client_address(peer, "", trusted)
    hops = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return client_address(peer, ",".join(hops), trusted)
