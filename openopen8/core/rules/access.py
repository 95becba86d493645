"""Addresses, models and groups: may this caller come in?"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from functools import lru_cache

from openopen8.core.config import Network
from openopen8.core.errors import Problem

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=8192)
def normal_address(text: str) -> Address | None:
    """The address behind ``text`` (IPv4-mapped IPv6 becomes IPv4, a zone id is dropped), or None."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def normal_range(text: str) -> str:
    """A whitelist entry in its one spelling: ``10.1.2.3/8`` → ``10.0.0.0/8``; raises ValueError."""
    network = ipaddress.ip_network(text.strip(), strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            network = ipaddress.ip_network((mapped, network.prefixlen - 96))
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network)


def split_list(text: str) -> list[str]:
    """Entries of a field that people fill with commas, spaces or new lines."""
    return text.replace(",", " ").replace(";", " ").split()


@lru_cache(maxsize=4096)
def _networks(ranges: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in ranges)


def address_allowed(address: str, ranges: Iterable[str]) -> bool:
    """True when the list is empty or holds ``address`` (both already normalised)."""
    ranges = tuple(ranges)
    return not ranges or _in_ranges(address, ranges)


@lru_cache(maxsize=4096)
def _in_ranges(address: str, ranges: tuple[str, ...]) -> bool:
    networks = _networks(ranges)
    known = normal_address(address)
    return known is not None and any(known in network for network in networks)


@lru_cache(maxsize=8192)
def _plain(peer: str) -> str:
    address = normal_address(peer)
    return peer if address is None else str(address)


def client_address(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """The caller's address: the peer, or behind trusted proxies the right-most untrusted hop.

    A forwarded hop that is no address ends the walk: what stands left of it can't be believed.
    """
    if not forwarded:
        return _plain(peer)
    current = normal_address(peer)
    if current is None:
        return peer
    for hop in reversed(forwarded.split(",") if forwarded else []):
        if not any(current in network for network in trusted):
            break
        following = _hop(hop)
        if following is None:
            break
        current = following
    return str(current)


def _hop(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):  # [2001:db8::1]:443
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 192.0.2.1:443
        text = text.partition(":")[0]
    return normal_address(text)


def model_allowed(model: str, allowed: Collection[str]) -> bool:
    """True when the list is empty or names the model."""
    return not allowed or model in allowed


def may_use_group(group_id: int, selectable: bool, own_group: int, extra_groups: Iterable[int], role: str) -> bool:
    """A user's own group, one given to this user, a selectable one; admins any."""
    return group_id == own_group or selectable or group_id in extra_groups or role in ("admin", "root")


def bad_credential() -> Problem:
    """The same answer for no, malformed, unknown and deleted tokens."""
    return Problem(
        401,
        "invalid_api_key",
        "No valid token was given. Send one that exists, as 'Authorization: Bearer sk-…', "
        "'x-api-key: sk-…' or 'x-goog-api-key: sk-…'.",
    )
