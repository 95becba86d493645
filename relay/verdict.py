"""What a provider's refusal means: try the next one, or tell the caller, and with which status."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from openopen8.core.errors import Problem
from openopen8.core.rules.routing import wakes_at
from openopen8.core.rules.snapshot import Provider
from relay.formats.format import Format
from relay.formats.vendor import loads
from relay.neutral import StreamError
from relay.upstream import LARGEST_ERROR, Failure

_PASSED = {400: "invalid_request", 413: "request_too_large", 422: "invalid_request"}
"""Statuses that are the caller's own fault, and their code."""

_OF_KEY = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "billing_hard_limit_reached",
        "billing_not_active",
        "API_KEY_INVALID",  # Google's, with a 400
    }
)
"""Codes of a 400 or 429 that speak of the key, not of the request."""

_UNPAID = "Your credit balance is too low"
"""Anthropic has no code for it, but a 400 whose message begins so."""

_DELAY = re.compile(rb'"retryDelay":\s*"(\d{1,6})(?:\.\d+)?s"')
"""Google says it in the body."""


def judged(status: int, headers: Mapping[str, str], body: bytes, format: Format, now: int) -> Problem | Failure:
    """An answer with an error status: a Problem goes to the caller at once, a Failure is retried."""
    message = format.parse_error(status, body)
    if status == 403 and _flagged(body):
        return Failure("other", message, status)
    if status in (401, 402, 403) or (status in (400, 429) and _of_key(body, message)):
        return Failure("key", message, status)
    if status in _PASSED:
        return Problem(status, _PASSED[status], message)
    if status == 429:
        wait = retry_after(headers.get("retry-after", ""), now) or _delay(body)
        return Failure("limited", message, status, wait)
    return Failure("status" if status >= 500 or status == 408 else "other", message, status)


def _of_key(body: bytes, message: str) -> bool:
    """True for a refusal of the key, by its code alone: messages repeat what the caller wrote."""
    error = _error(body)
    details = error.get("details")
    reasons = [one.get("reason") for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    codes = (*reasons, error.get("code"), error.get("type"), error.get("status"))
    return message.startswith(_UNPAID) or any(isinstance(code, str) and code in _OF_KEY for code in codes)


def _flagged(body: bytes) -> bool:
    """True for OpenRouter's word that the caller's input is not to its taste.

    Source: https://openrouter.ai/docs/api-reference/errors#moderation-errors
    """
    metadata = _error(body).get("metadata")
    return isinstance(metadata, dict) and "flagged_input" in metadata


def _error(body: bytes) -> dict[str, Any]:
    """A vendor's error object; empty for what is none."""
    try:
        told = loads(body[:LARGEST_ERROR])
    except ValueError:
        return {}
    told = told[0] if isinstance(told, list) and told else told
    fields: dict[str, Any] = told if isinstance(told, dict) else {}
    return fields["error"] if isinstance(fields.get("error"), dict) else fields


def _delay(body: bytes) -> int | None:
    found = _DELAY.search(body)
    return max(1, int(found[1])) if found else None


def judged_event(error: StreamError) -> Failure:
    """An error event inside a 200, before anything was delivered."""
    if error.status in (401, 402, 403):
        return Failure("key", error.message, error.status)
    if error.status == 429:
        return Failure("limited", error.message, error.status)
    return Failure("broken" if error.status >= 500 else "other", error.message, error.status)


def retry_after(text: str, now: int) -> int | None:
    """Seconds of a Retry-After header, given in seconds or as a date; None when there is none to be believed."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 8:
        return max(1, int(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(1, int((moment - datetime.fromtimestamp(now / 1000, UTC)).total_seconds()))


def final(failures: Sequence[Failure], providers: Sequence[Provider], now: int) -> Problem:
    """What the caller hears when no attempt succeeded."""
    if not failures:
        return _resting(providers, now)
    if all(failure.kind == "limited" for failure in failures):
        waits = [failure.retry_after for failure in failures if failure.retry_after]
        headers = {"retry-after": str(min(waits))} if waits else {}
        return Problem(429, "upstream_rate_limited", failures[-1].message, headers=headers)
    return problem_of(failures[-1], all(failure.kind in ("timeout", "limited") for failure in failures))


def problem_of(failure: Failure, timed_out: bool | None = None) -> Problem:
    """502 or 504 for a failure that ends the request."""
    if timed_out if timed_out is not None else failure.kind == "timeout":
        return Problem(504, "upstream_timeout", "The provider did not answer in time. Try again.")
    if failure.kind == "empty":
        told = "The model's answer was empty. You are not charged for it."
        return Problem(502, "empty_answer", told, headers={"x-should-retry": "false"})  # it was tried again already
    if failure.status:
        message = f"The provider answered with status {failure.status}. Try again, or ask your admin."
    else:
        message = failure.message
    return Problem(502, "upstream_error", message)


def _resting(providers: Sequence[Provider], now: int) -> Problem:
    wait = max(1, -(-((wakes_at(providers, now) or now) - now) // 1000))
    return Problem(
        503,
        "no_available_channel",
        f"All channels for this model rest after failures. Try again in {wait} s.",
        "model",
        {"retry-after": str(wait)},
    )
