"""What the door does not take of requests that llhttp takes, and what it says then."""

from __future__ import annotations

from collections.abc import Sequence

Headers = Sequence[tuple[bytes, bytes]]


def _refusal(status: bytes, message: bytes, code: bytes) -> bytes:
    body = b'{"error":{"message":"%b","type":"invalid_request_error","code":"%b","param":null}}' % (message, code)
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return head % (status, len(body)) + body


MALFORMED = _refusal(b"400 Bad Request", b"This is no valid HTTP request.", b"bad_request")
TOO_LARGE = _refusal(
    b"431 Request Header Fields Too Large", b"The request headers are too large.", b"headers_too_large"
)
TOO_MANY = _refusal(b"429 Too Many Requests", b"Too many requests wait on this connection.", b"too_many_requests")


class Refused(Exception):
    """``answer`` is what the caller is told."""

    def __init__(self, answer: bytes = MALFORMED) -> None:
        self.answer = answer


def judge(version: str, headers: Headers) -> None:
    """Refuse what could be read in two ways, or must be refused."""
    hosts = sum(name == b"host" for name, _ in headers)
    if (version, hosts) not in (("1.1", 1), ("1.0", 0), ("1.0", 1)):
        raise Refused
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if codings and (codings != [b"chunked"] or version == "1.0"):
        raise Refused


def judge_handshake(method: bytes, headers: Headers) -> None:
    """A websocket begins with a GET that has no body."""
    if method != b"GET" or any(name in (b"content-length", b"transfer-encoding") for name, _ in headers):
        raise Refused


def head_size(method: bytes, url: bytes, headers: Headers) -> int:
    """Bytes of a head in its plainest form."""
    line = len(method) + len(url) + len("  HTTP/1.1\r\n\r\n")
    return line + sum(len(name) + len(value) + len(": \r\n") for name, value in headers)
