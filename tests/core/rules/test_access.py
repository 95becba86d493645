"""Addresses, forwarded addresses, groups and roles."""

from __future__ import annotations

import ipaddress

import pytest

from openopen8.core.errors import Problem
from openopen8.core.rules.access import address_allowed, client_address, may_use_group, normal_range
from openopen8.core.rules.options import checked
from openopen8.core.rules.roles import COMMAND_LINE, Actor, at_least, may_manage, require_admin

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("192.0.2.1/32", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_ranges_have_one_spelling(given: str, kept: str) -> None:
    assert normal_range(given) == normal_range(kept) == kept


def test_an_address_is_allowed_by_list_range_or_an_empty_list() -> None:
    assert address_allowed("192.0.2.1", ()) and address_allowed("192.0.2.1", ("192.0.2.0/24",))
    assert address_allowed("::ffff:192.0.2.1", ("192.0.2.1",)) and address_allowed("2001:db8::9", ("2001:db8::/32",))
    assert not address_allowed("192.0.3.1", ("192.0.2.0/24", "::/0")) and not address_allowed("", ("0.0.0.0/0",))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "192.0.2.1", "203.0.113.9"),
        ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.1", "6.6.6.6, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.1", "192.0.2.1:8080", "192.0.2.1"),
    ],
)
def test_a_forwarded_address_counts_from_trusted_proxies_only(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == address


def test_groups_are_ones_own_given_selectable_or_anybodys_for_admins() -> None:
    assert may_use_group(1, False, 1, (), "user") and may_use_group(2, True, 1, (), "user")
    assert may_use_group(2, False, 1, (2,), "user") and may_use_group(2, False, 1, (), "admin")
    assert not may_use_group(2, False, 1, (3,), "user") and not may_use_group(2, False, 1, (), "odd")


def test_each_role_includes_the_ones_before_and_unknown_ones_include_nothing() -> None:
    assert at_least("root", "admin") and at_least("admin", "user") and not at_least("user", "admin")
    assert not at_least("superuser", "user") and not at_least("", "user")
    assert may_manage(COMMAND_LINE, "root") and not may_manage(Actor(1, "a", "admin"), "admin")
    with pytest.raises(Problem):
        require_admin(Actor(1, "a", "user"))


def test_settings_keep_to_their_bounds() -> None:
    assert checked("retries", 0) == 0 and checked("user_model_rate_limit", None) is None
    for name, value in (("retries", -1), ("retries", True), ("retries", 2.0), ("retries", None), ("nothing", 1)):
        with pytest.raises(Problem) as refused:
            checked(name, value)
        assert refused.value.status == 400 and refused.value.param == name
