"""Where the gateway may send requests: base URLs that admins enter, addresses that they resolve to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from openopen8.core.config import Network
from openopen8.core.errors import invalid
from openopen8.core.rules.access import Address, normal_address

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_\-.]*[A-Za-z0-9_])?\.?")
_PROXY = re.compile(
    r"(?P<scheme>https?|socks5h?)://"
    r"(?:(?P<user>[A-Za-z0-9._~!$&'()*+,;=%-]+)(?P<password>:[A-Za-z0-9._~!$&'()*+,;=:%-]*)?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE,
)
_API_VERSION = re.compile(r"\?api-version=\d{4}-\d{2}-\d{2}(-preview)?$")
_PATH = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*")


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


NEVER = _networks(
    "0.0.0.0/8",
    "169.254.0.0/16",  # link-local; the clouds' metadata service
    "100.100.100.200/32",  # metadata of Alibaba Cloud
    "168.63.129.16/32",  # metadata of Azure
    "192.0.0.192/32",  # metadata of Oracle Cloud
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "fe80::/10",
    "fd00:ec2::/32",  # metadata of AWS
    "fd20:ce::254/128",  # metadata of Google Cloud
    "ff00::/8",
)
"""Never called: link-local, metadata services, multicast, reserved."""

PRIVATE = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "::1/128",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fec0::/10",
)
"""Called only where ALLOW_PRIVATE_UPSTREAMS is on (IANA's special-purpose registries, IPv4 and IPv6)."""

_EMBEDDING = ((ipaddress.IPv6Network("::/96"), 0), (ipaddress.IPv6Network("64:ff9b::/96"), 0),
              (ipaddress.IPv6Network("64:ff9b:1::/48"), 0), (ipaddress.IPv6Network("2002::/16"), 80))  # fmt: skip
"""IPv6 ranges that carry an IPv4 address, and by how many bits it is shifted."""


def address_refused(text: str, allow_private: bool) -> bool:
    """True when the gateway must not connect to ``text``: anything that is no plain address, too."""
    address = normal_address(text)
    if address is None or "%" in text:
        return True
    refused = NEVER if allow_private else NEVER + PRIVATE
    return any(_within(form, refused) for form in _forms(address))


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _forms(address: Address) -> tuple[Address, ...]:
    """The address and the IPv4 addresses that it carries."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address == ipaddress.IPv6Address("::1"):
        return (address,)
    carried = [
        ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF) for net, shift in _EMBEDDING if address in net
    ]
    if address.teredo is not None:
        carried += address.teredo
    return (address, *carried)


def checked_base_url(text: str, allow_private: bool, param: str = "base_url") -> str:
    """The base URL as it is stored: no trailing slash. Raises a 400 for what can't be or must not be called.

    Names are looked up when the gateway connects; here only literal addresses can be judged. The one query that
    is let through is Azure's, which says of which date the API is to be.
    """
    text = text.strip()
    dated = _API_VERSION.search(text)
    if dated is not None:
        bare = checked_base_url(text[: dated.start()], allow_private, param)
        return bare + dated[0]
    url = _split(text.strip(), param)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise invalid("The base URL must begin with http:// or https:// and name a host.", param)
    if "@" in url.netloc or url.query or url.fragment or "?" in text or "#" in text or "\\" in text:
        raise invalid("The base URL may not hold a user name, a query or a fragment.", param)
    if not _host_fits(url.hostname) or not _PATH.fullmatch(url.path) or ".." in url.path.split("/"):
        raise invalid("The base URL holds characters that have no place in it.", param)
    if normal_address(url.hostname) is not None and address_refused(url.hostname, allow_private):
        raise invalid("The gateway may not call this address.", param)
    return text.strip().rstrip("/")


def proxy_fits(text: str) -> bool:
    """True for the URL of a proxy: http, https, socks5 or socks5h, with or without a user and a password."""
    found = _PROXY.fullmatch(text)
    return found is not None and (found["port"] is None or 0 < int(found["port"]) < 65536)


def shown_proxy(text: str) -> str:
    """The URL of a proxy without its password."""
    found = _PROXY.fullmatch(text)
    if found is None or found["password"] is None:
        return text
    return text[: found.start("password")] + ":***" + text[found.end("password") :]


def checked_proxy(text: str, allow_private: bool, param: str = "proxy") -> str:
    """The URL of a proxy as it is stored; raises a 400 that does not repeat it, since it may hold a password."""
    found = _PROXY.fullmatch(text) if proxy_fits(text) and len(text) <= 500 else None
    if found is None:
        raise invalid("The proxy must be http://, https://, socks5:// or socks5h://, and a host.", param)
    host = found["host"].strip("[]")
    if normal_address(host) is not None and address_refused(host, allow_private):
        raise invalid("The gateway may not call this address.", param)
    return text


def _split(text: str, param: str) -> SplitResult:
    try:
        url = urlsplit(text)
        _ = url.port  # raises for what is no port
    except ValueError:
        raise invalid("The base URL is malformed.", param) from None
    if len(text) > 500 or not text.isascii() or not text.isprintable() or " " in text:
        raise invalid("The base URL must be at most 500 plain characters.", param)
    return url


def _host_fits(host: str) -> bool:
    return normal_address(host) is not None or bool(_HOST.fullmatch(host) and len(host) <= 253)


def same_place(one: str, other: str) -> bool:
    """True when two base URLs share scheme, host and port: keys may only be kept then."""
    first, second = urlsplit(one), urlsplit(other)
    return _place(first) == _place(second)


def _place(url: SplitResult) -> tuple[str, str | None, int]:
    return url.scheme, url.hostname, url.port or (443 if url.scheme == "https" else 80)
