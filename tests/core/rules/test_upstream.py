"""Addresses that are never called."""

from __future__ import annotations

import pytest

from openopen8.core.errors import Problem
from openopen8.core.rules.access import normal_address
from openopen8.core.rules.upstream import checked_base_url, forbidden, origin

NEVER = (
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "100.100.100.200",
    "fd00:ec2::254",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "ff02::1",
)
PRIVATE = (
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "fd00::1",
    "fec0::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:0a00:0001::1",
)
PUBLIC = ("8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808")


def test_link_local_and_metadata_addresses_are_never_called() -> None:
    for text in NEVER:
        address = normal_address(text)
        assert address is not None and forbidden(address, allow_private=True), text


def test_private_addresses_are_called_with_leave_only() -> None:
    for text in PRIVATE:
        address = normal_address(text)
        assert address is not None and forbidden(address, allow_private=False), text
    for text in ("127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd00::1"):
        address = normal_address(text)
        assert address is not None and not forbidden(address, allow_private=True), text
    for text in PUBLIC:
        address = normal_address(text)
        assert address is not None and not forbidden(address, allow_private=False), text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.example.com/", "https://api.example.com"),
        ("  HTTPS://API.Example.com/v1/ ", "https://api.example.com/v1"),
        ("http://127.0.0.1:8080/base/v1", "http://127.0.0.1:8080/base/v1"),
        ("http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080"),
        ("http://ollama:11434", "http://ollama:11434"),
        ("http://my_service.internal", "http://my_service.internal"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_a_base_url_has_one_spelling(given: str, kept: str) -> None:
    assert checked_base_url(given, allow_private=True) == kept
    assert checked_base_url(kept, allow_private=True) == kept


def test_names_of_this_network_need_leave() -> None:
    for url in ("http://localhost:1", "http://ollama:11434", "http://a.local", "http://a.internal", "http://10.0.0.1"):
        with pytest.raises(Problem) as refused:
            checked_base_url(url, allow_private=False)
        assert refused.value.param == "base_url"


def test_keys_are_bound_to_scheme_host_and_port() -> None:
    assert origin("https://a.example/v1") == origin("https://a.example:443/other")
    others = ("https://a.example", "http://a.example", "https://a.example:1", "https://b.example")
    assert len({origin(url) for url in others}) == 4
