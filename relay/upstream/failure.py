"""What can go wrong with a provider, in words that callers may read."""

from __future__ import annotations

from typing import Literal

import httpx

FailureKind = Literal["unreachable", "timeout", "broken", "status", "limited", "key", "empty", "other"]


class Failure(Exception):
    """An attempt that failed. ``message`` may be shown to callers: no keys, no addresses.

    Kinds: ``unreachable``, ``timeout``, ``broken`` (cut, garbage, too large), ``status`` (5xx), ``limited``
    (429), ``key`` (the provider refuses the key), ``empty`` (an answer without anything in it), ``other``; the last
    two say nothing about the channel's health.
    """

    def __init__(self, kind: FailureKind, message: str, status: int = 0, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after


class Blocked(Exception):
    """The host resolves to addresses only that the gateway must not call."""


def malformed() -> Failure:
    """What the admin entered can't be sent."""
    return Failure("unreachable", "The channel's base URL or headers are malformed.")


def too_large() -> Failure:
    """More than anybody waits for."""
    return Failure("broken", "The provider's answer is too large.")


def garbage() -> Failure:
    """Bytes that nobody can take for an answer."""
    return Failure("broken", "The provider's answer is no proper HTTP.")


def empty() -> Failure:
    """An answer with nothing in it. What was asked may be the cause, so the channel is not to rest for it."""
    return Failure("empty", "The provider's answer was empty.")


def failure_of(error: Exception) -> Failure:
    """What went wrong, in words that tell no address."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, Blocked):
        return Failure("unreachable", "The provider's address may not be called.")
    if isinstance(error, httpx.PoolTimeout):
        return Failure("other", "Too many connections to providers are open.")
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return Failure("timeout", "The provider did not answer in time.")
    if isinstance(error, httpx.ProxyError):
        return Failure("unreachable", "The channel's proxy refused the connection.")
    if isinstance(error, httpx.ConnectError):
        return Failure("unreachable", "The provider could not be reached.")
    if isinstance(error, httpx.HTTPError | httpx.StreamError | OSError):
        return Failure("broken", "The connection to the provider broke.")
    if isinstance(error, httpx.InvalidURL | ValueError):
        return malformed()
    raise error
