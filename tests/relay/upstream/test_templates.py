"""Templates: what they render, what they refuse, what they do not show."""

from __future__ import annotations

from typing import Any

import pytest

from relay.upstream import Failure, Origin, Outgoing, Template


def made(url: str = "https://api.test/v1/chat", headers: dict[str, str] | None = None, **more: Any) -> Template:
    return Template.make(url, headers or {}, **more)


def test_a_template_is_the_head_but_for_the_length() -> None:
    template = made("https://API.test/v1/chat?x=1", {"Authorization": "Bearer k", "X-Org": "  a b\t"})
    assert template.head == (
        b"POST /v1/chat?x=1 HTTP/1.1\r\nhost: api.test\r\naccept-encoding: identity\r\n"
        b"authorization: Bearer k\r\nx-org: a b\r\n"
    )
    assert template.origin == Origin("https", "api.test", 443)
    assert template.url == "https://api.test/v1/chat?x=1"


PLACES = [
    ("http://x.test", ("http", "x.test", 80), b"x.test", b"/"),
    ("http://x.test:80/", ("http", "x.test", 80), b"x.test", b"/"),
    ("https://x.test:80/", ("https", "x.test", 80), b"x.test:80", b"/"),
    ("HTTPS://x.test:8443?a=b/c?d", ("https", "x.test", 8443), b"x.test:8443", b"/?a=b/c?d"),
    ("http://[::1]:8080/v1", ("http", "::1", 8080), b"[::1]:8080", b"/v1"),
    ("http://my_host.test./a", ("http", "my_host.test.", 80), b"my_host.test.", b"/a"),
    ("http://x.test/v1/models/a%2Fb:generate", ("http", "x.test", 80), b"x.test", b"/v1/models/a%2Fb:generate"),
]


@pytest.mark.parametrize(("url", "origin", "host", "target"), PLACES, ids=[row[0] for row in PLACES])
def test_scheme_host_port_and_target_are_told_apart(url: str, origin: Any, host: bytes, target: bytes) -> None:
    template = made(url)
    assert template.origin[:3] == origin
    assert template.head.startswith(b"POST " + target + b" HTTP/1.1\r\nhost: " + host + b"\r\n")


BAD_URLS = [
    "", "x.test", "//x.test", "ftp://x.test", "http://", "http:///v1", "http://x.test:0", "http://x.test:65536",
    "http://x.test:port", "http://x.test:", "http://u@x.test", "http://u:p@x.test", "http://x.test/a b",
    "http://x.test/\r\nhost: y", "http://x.test\r\n", "http://x.test/\x00", "http://x.test/\x7f", "http://x.test/#f",
    "http://x.test\\@y.test", "http://x.test/\\", "http://[::1", "http://[::1]x", "http://[fe80::1%eth0]/", "http://-x",
    "http://x-/", "http://x.test/ä", "http://ä.test", " http://x.test", "http://x.test ", "http://x.test/<b>",
    "http://x.test/`", "http://x.test/\t", "http://x.test/\u2028", "http://x\uff0etest/", "javascript:alert(1)",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_url_that_can_not_be_meant_is_a_failure(url: str) -> None:
    with pytest.raises(Failure) as failure:
        made(url)
    assert failure.value.kind == "unreachable" and (not url or url not in failure.value.message)


BAD_HEADERS = [
    {"": "x"}, {"a b": "x"}, {"a:": "x"}, {"a\r\nb": "x"}, {"a\x00": "x"}, {"ä": "x"}, {"a(": "x"}, {" a": "x"},
    {"a": "x\r\nb: y"}, {"a": "x\n"}, {"a": "x\r"}, {"a": "x\x00"}, {"a": "x\x7f"}, {"a": "ä"}, {"a": "\u2028"},
    {"Host": "x"}, {"content-length": "5"}, {"Transfer-Encoding": "chunked"}, {"connection": "close"}, {"TE": "x"},
    {"upgrade": "x"}, {"expect": "100-continue"}, {"trailer": "x"}, {"Keep-Alive": "x"}, {"proxy-connection": "x"},
    {"Proxy-Authorization": "x"},
]  # fmt: skip


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=map(str, BAD_HEADERS))
def test_a_header_that_could_become_another_one_is_a_failure(headers: dict[str, str]) -> None:
    with pytest.raises(Failure) as failure:
        made(headers=headers)
    assert failure.value.kind == "unreachable"


@pytest.mark.parametrize("method", ["", "post", "POST ", "GET /x", "PO\r\nST", "P" * 30])
def test_a_method_is_one_word(method: str) -> None:
    with pytest.raises(Failure):
        made(method=method)


def test_a_name_that_comes_twice_is_sent_once_the_last_one_counts() -> None:
    template = made(headers={"X-A": "1", "x-a": "2", "Accept-Encoding": "gzip"})
    assert template.headers == (("accept-encoding", "gzip"), ("x-a", "2"))


BAD_PROXIES = [
    "proxy.test", "ftp://proxy.test", "socks4://proxy.test", "http://proxy.test/path", "http://proxy.test:0",
    "http://proxy.test?x", "http://proxy.test#x", "http://u:p:@q@proxy.test", "http://pro xy.test", "http://",
    "http://proxy.test\r\nx: y", "http://u\r\n:p@proxy.test", "http://proxy.test:99999", "http://@proxy.test",
]  # fmt: skip


@pytest.mark.parametrize("proxy", BAD_PROXIES)
def test_a_proxy_that_can_not_be_meant_is_a_failure(proxy: str) -> None:
    with pytest.raises(Failure):
        made(proxy=proxy)


@pytest.mark.parametrize(
    "proxy", ["http://proxy.test:3128", "https://proxy.test/", "socks5://u:p%40q@10.0.0.1", "socks5h://[::1]:1080"]
)
def test_a_proxy_makes_another_origin(proxy: str) -> None:
    template = made(proxy=proxy)
    assert template.origin.proxy == proxy and template.origin != made().origin
    assert made(proxy=proxy).origin == template.origin and hash(made(proxy=proxy).origin) == hash(template.origin)
    assert made(http2=True).origin != made().origin


def test_nothing_secret_is_shown() -> None:
    outgoing = Outgoing(
        made("https://api.test/v1?key=secret", {"authorization": "Bearer secret"}, proxy="http://u:secret@proxy.test"),
        b"secret",
    )
    for value in (outgoing, outgoing.template, outgoing.template.origin, [outgoing], {"a": outgoing.template.origin}):
        assert "secret" not in repr(value) and "secret" not in str(value)
    assert "api.test" in repr(outgoing)
