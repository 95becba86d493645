"""One request to a provider: what is the same each time, rendered once, and the body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from openopen8.core.rules.outbound import proxy_fits
from relay.upstream.body import Body
from relay.upstream.failure import malformed

_URL = re.compile(
    r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?)(?::([0-9]{1,5}))?"
    r"(/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?",
    re.IGNORECASE,
)
"""No user name, no fragment, no space, nothing that could end a line. RFC 3986's characters and ``_`` in hosts."""

_METHOD = re.compile(r"[A-Z]{1,20}")
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_OURS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that say how a message is framed or where it goes: the client writes them, nobody else."""


class Origin(NamedTuple):
    """Where connections lead to; one pool each. A tuple, since it is hashed for each request."""

    scheme: str
    host: str
    """In lower case, an IPv6 address without its brackets."""
    port: int
    proxy: str = ""
    """URL of a proxy, which may hold a password: in no repr."""
    http2: bool = False

    def __repr__(self) -> str:
        return f"Origin({self.scheme}://{self.host}:{self.port})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Template:
    """A request but for its body: parsed and rendered once per channel, key and endpoint, sent many times."""

    origin: Origin
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, without those that frame the message."""
    head: bytes
    """HTTP/1.1 request line and headers, up to but without ``content-length`` and the empty line."""

    @classmethod
    def make(
        cls, url: str, headers: Mapping[str, str], method: str = "POST", proxy: str = "", http2: bool = False
    ) -> Self:
        """Raises Failure for whatever could not go over the wire as it was meant."""
        found = _URL.fullmatch(url)
        if found is None or not _METHOD.fullmatch(method):
            raise malformed()
        scheme, host, port, path, query = found.groups(default="")
        scheme, host = scheme.lower(), host.lower()
        number = _port(port, 443 if scheme == "https" else 80)
        if proxy and not proxy_fits(proxy):
            raise malformed()
        origin = Origin(scheme, host.strip("[]"), number, proxy, http2)
        named = host if number == (443 if scheme == "https" else 80) else f"{host}:{number}"
        target = (path or "/") + query
        pairs = _checked(headers)
        lines = [f"{method} {target} HTTP/1.1", f"host: {named}", *(f"{name}: {value}" for name, value in pairs)]
        return cls(origin, method, f"{scheme}://{named}{target}", pairs, ("\r\n".join(lines) + "\r\n").encode("ascii"))

    def __repr__(self) -> str:
        return f"Template({self.method} {self.origin.scheme}://{self.origin.host}:{self.origin.port})"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request to a provider. Its repr has neither headers (keys) nor body."""

    template: Template
    body: bytes | Body = field(default=b"", repr=False)

    def with_headers(self, headers: Mapping[str, str]) -> Outgoing:
        """The same request with these headers, too. Raises Failure."""
        made, origin = self.template, self.template.origin
        pairs = {**dict(made.headers), **headers}
        return Outgoing(Template.make(made.url, pairs, made.method, origin.proxy, origin.http2), self.body)


def _port(text: str, default: int) -> int:
    number = int(text) if text else default
    if not 0 < number < 65536:
        raise malformed()
    return number


def _checked(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The headers with lower-case names, each once; the last of the same name counts."""
    found: dict[str, str] = {"accept-encoding": "identity"}
    for name, value in headers.items():
        name = name.lower()
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name in _OURS:
            raise malformed()
        found[name] = value.strip(" \t")
    return tuple(found.items())
