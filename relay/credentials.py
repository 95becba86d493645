"""Who calls: the token of a request, in any of the styles that SDKs use, and the caller's address."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

from openopen8.core.config import Network
from openopen8.core.rules.access import client_address
from openopen8.core.security.keyring import Keyring
from openopen8.core.security.secrets import TOKEN_PREFIX, well_formed

Headers = Iterable[tuple[bytes, bytes]]
"""Names in lower case, as ASGI has them."""

_PLAIN = (b"x-api-key", b"x-goog-api-key")


def key_hash(headers: Headers, query: bytes, keyring: Keyring) -> str | None:
    """Keyed hash of the request's token; None when there is none, a malformed one, or two different ones."""
    found = _values(headers, query)
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
