"""Where the gateway may send requests: checked when a base URL is entered, and again for each address called."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from openopen8.core.errors import invalid
from openopen8.core.rules.access import Address, normal_address

_METADATA_NAMES = (
    "metadata.google.internal",
    "metadata.goog",
    "metadata",
    "instance-data",
    "instance-data.ec2.internal",
)
_METADATA = frozenset(ipaddress.ip_address(text) for text in ("100.100.100.200", "192.0.0.192", "fd00:ec2::254"))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def forbidden(address: Address, allow_private: bool) -> bool:
    """True for an address that must never be called: link-local, metadata, unspecified, multicast.

    Without ``allow_private`` also loopback, private, shared (100.64/10) and reserved ones.
    """
    inner = _embedded(address)
    if inner is not None and forbidden(inner, allow_private):
        return True
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
        return True
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local and not allow_private:
        return True
    if isinstance(address, ipaddress.IPv4Address) and address in ipaddress.ip_network("0.0.0.0/8"):
        return True
    return not allow_private and (not address.is_global or address in _SHARED)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a checked base URL: what keys are bound to."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def checked_base_url(text: str, allow_private: bool, param: str = "base_url") -> str:
    """The URL in its one spelling (no slash at the end), else a 400 that says what is wrong."""
    text = text.strip()
    if any(ord(letter) <= 32 or ord(letter) == 127 or letter == "\\" for letter in text):
        raise invalid("The base URL must not hold spaces, control characters or backslashes.", param)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise invalid("The base URL can't be read.", param) from None
    if parts.scheme not in ("http", "https") or not host:
        raise invalid("The base URL must begin with http:// or https:// and name a host.", param)
    if "@" in parts.netloc:
        raise invalid("The base URL must not hold a user name or password: put keys into the keys.", param)
    if "?" in text or "#" in text:
        raise invalid("The base URL must not hold a query or a fragment.", param)
    _check_host(host, allow_private, param)
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


def _check_host(host: str, allow_private: bool, param: str) -> None:
    address = normal_address(host)
    if address is not None:
        if "%" in host or forbidden(address, allow_private):
            raise invalid("The base URL names an address that this gateway never calls.", param)
        return
    labels = host.rstrip(".").split(".")
    if not host.isascii() or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise invalid("The base URL's host is no valid name. International names go in their xn-- form.", param)
    # 2130706433, 0x7f.1 and 0177.0.0.1 are addresses to many resolvers
    if labels[-1].isdigit() or labels[-1].lower().startswith("0x"):
        raise invalid("The base URL's host must be a name, or an address in its usual form.", param)
    if host.rstrip(".").lower() in _METADATA_NAMES:
        raise invalid("The base URL names an address that this gateway never calls.", param)
    if not allow_private and (labels[-1].lower() in ("localhost", "local", "internal") or len(labels) == 1):
        raise invalid("The base URL names a private address, which this installation does not allow.", param)


def _embedded(address: Address) -> Address | None:
    """The IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
