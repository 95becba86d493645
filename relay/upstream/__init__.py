"""Calls to providers: pooled, without redirects, cookies or the environment's proxies, never to forbidden addresses."""

from openopen8.core.config import Settings
from relay.upstream.answer import LARGEST_ANSWER, LARGEST_ERROR, Answer, Sink, Upstream
from relay.upstream.body import Body, bytes_of
from relay.upstream.client import FastUpstream
from relay.upstream.failure import Blocked, Failure, FailureKind, failure_of, malformed, too_large
from relay.upstream.httpx_client import HttpxUpstream
from relay.upstream.outgoing import Origin, Outgoing, Template

__all__ = [
    "LARGEST_ANSWER",
    "LARGEST_ERROR",
    "Answer",
    "Blocked",
    "Body",
    "Failure",
    "FailureKind",
    "FastUpstream",
    "HttpxUpstream",
    "Origin",
    "Outgoing",
    "Sink",
    "Template",
    "Upstream",
    "bytes_of",
    "failure_of",
    "malformed",
    "open_upstream",
    "too_large",
]


def open_upstream(settings: Settings) -> Upstream:
    """The way to call providers that a relay worker uses; to be opened in the event loop, closed at the end."""
    return FastUpstream(settings, HttpxUpstream(settings))
