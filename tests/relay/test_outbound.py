"""Where the gateway may connect: checked in the client itself, on the address that it really uses. (P8, SSRF)"""

from __future__ import annotations

import pytest

from openopen8.core.errors import Problem
from openopen8.core.rules.outbound import address_refused, checked_base_url, same_place
from openopen8.core.tools import Tools
from relay.channels import address
from relay.upstream import Failure, Outgoing, Template, open_upstream
from tests.fakes.upstream import FakeUpstream, status, whole
from tests.relay.house import Build

NEVER = [
    "169.254.169.254", "169.254.0.1", "0.0.0.0", "0.1.2.3", "100.100.100.200", "168.63.129.16", "224.0.0.1",
    "255.255.255.255", "240.0.0.1", "::", "fe80::1", "fe80::1%eth0", "ff02::1", "fd00:ec2::254",
    "::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1", "no address",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "192.0.0.1",
    "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "::1", "fc00::1", "fd12::1", "fec0::1", "2001:db8::1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "100::1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "172.32.0.1", "100.128.0.1", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", NEVER)
def test_special_addresses_are_never_called(text: str) -> None:
    assert address_refused(text, allow_private=True) and address_refused(text, allow_private=False)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_are_called_only_when_allowed(text: str) -> None:
    assert not address_refused(text, allow_private=True)
    assert address_refused(text, allow_private=False)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_may_be_called(text: str) -> None:
    assert not address_refused(text, allow_private=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::1]"])
async def test_no_spelling_of_a_private_host_gets_through(tools_off: Tools, host: str) -> None:
    with FakeUpstream(whole()) as fake:
        upstream = open_upstream(tools_off.settings)
        with pytest.raises(Failure) as failure:
            await upstream.send(Outgoing(Template.make(f"http://{host}:{fake.port}/v1/models", {}, "GET")))
        assert failure.value.kind == "unreachable" and fake.requests == [] and fake.connections == 0
        await upstream.close()


@pytest.fixture
def tools_off(sqlite_tools: Tools) -> Tools:
    settings = sqlite_tools.settings.model_copy(update={"allow_private_upstreams": False})
    return Tools(settings, sqlite_tools.db, sqlite_tools.clock, sqlite_tools.keyring)


async def test_redirects_are_not_followed(build: Build) -> None:
    with FakeUpstream(whole("stolen")) as thief:
        house = await build()
        house.fake.script(status(302, b"", {"location": thief.url}), status(307, b"", {"location": thief.url}))
        for _ in range(2):
            assert (await house.caller.chat()).status == 502
        assert thief.requests == []


async def test_the_environments_proxies_are_not_used(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeUpstream(whole("through a proxy")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        house = await build()
        assert (await house.caller.chat()).status == 200
        assert proxy.requests == []


BAD_URLS = [
    "", "ftp://x.test", "file:///etc/passwd", "javascript:alert(1)", "http://", "https://u:p@x.test", "http://x.test#",
    "http://x.test/#@y.test", "http://x.test?a=b", "http://x.test\\@y.test", "http://x.test:99999", "http://x y.test",
    "http://x.test/../..", "http://x.test\r\nHost: y", "http://[::1", "http://169.254.169.254/latest", "http://[fe80::1]/",
    "http://-x.test", "http://x.test/<script>", "http://" + "a" * 600, "http://ex%61mple.test",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_URLS)
def test_a_base_url_that_can_not_be_meant_is_refused_at_its_field(text: str) -> None:
    with pytest.raises(Problem) as problem:
        checked_base_url(text, allow_private=True)
    assert (problem.value.status, problem.value.param) == (400, "base_url")


def test_good_base_urls_lose_their_last_slash() -> None:
    assert checked_base_url(" https://api.x.test/v1/ ", False) == "https://api.x.test/v1"
    assert checked_base_url("http://127.0.0.1:8000", True) == "http://127.0.0.1:8000"
    assert checked_base_url("http://ollama.svc.cluster.local:11434", True).endswith("11434")
    with pytest.raises(Problem):
        checked_base_url("http://127.0.0.1:8000", False)


def test_base_urls_with_and_without_a_version_lead_to_the_same_place() -> None:
    wanted = "https://x.test/v1/chat/completions"
    for base in ("https://x.test", "https://x.test/", "https://x.test/v1", "https://x.test/v1/", wanted):
        assert address(base, "/chat/completions") == wanted
    assert address("https://x.test/api/paas/v4", "/models") == "https://x.test/api/paas/v4/models"


def test_keys_stay_only_with_scheme_host_and_port() -> None:
    assert same_place("https://x.test/v1", "https://x.test:443/v2")
    for other in ("http://x.test", "https://y.test", "https://x.test:8443"):
        assert not same_place("https://x.test", other)
