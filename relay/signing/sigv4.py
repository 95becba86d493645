"""AWS Signature Version 4. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; ``session`` is the token of a temporary one."""

    access: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a signature holds."""

    region: str
    service: str


def signed(
    method: str, url: str, headers: Mapping[str, str], body: bytes, by: Credentials, scope: Scope, now_s: int
) -> dict[str, str]:
    """The headers that sign a request. ``headers`` are those to be signed, in lower case, with ``host``."""
    moment = datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"x-amz-date": moment, **({"x-amz-security-token": by.session} if by.session else {})}
    shown = {**headers, **added}
    names = ";".join(sorted(shown))
    place = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    request = _digest(_canonical(method, url, shown, names, body).encode())
    key = _key(by.secret, place.split("/"))
    signature = _mac(key, f"{_ALGORITHM}\n{moment}\n{place}\n{request}").hex()
    proof = f"{_ALGORITHM} Credential={by.access}/{place}, SignedHeaders={names}, Signature={signature}"
    return {**added, "authorization": proof}


def _canonical(method: str, url: str, headers: Mapping[str, str], names: str, body: bytes) -> str:
    """The request in the form that is signed. The path is encoded once more than it is sent."""
    parts = urlsplit(url)
    pairs = sorted((_coded(name), _coded(value)) for name, value in parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{name}={value}" for name, value in pairs)
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names.split(";"))
    path = quote(parts.path or "/", safe="/-_.~")
    return f"{method}\n{path}\n{query}\n{lines}\n{names}\n{_digest(body)}"


def _key(secret: str, place: list[str]) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in place:
        key = _mac(key, part)
    return key


def _coded(text: str) -> str:
    return quote(text, safe="-_.~")


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
