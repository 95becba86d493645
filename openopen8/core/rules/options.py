"""What the admin may set at run time: names, kinds, defaults and bounds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from openopen8.core.errors import invalid
from openopen8.core.rules.pricing import MAX_CREDITS


@dataclass(frozen=True, slots=True)
class Options:
    """The installation's settings; an option that was never changed has the default here."""

    credits_per_usd: int = 500_000
    root_start_credits: int = 50_000_000
    user_start_credits: int = 0
    default_output_estimate: int = 500
    """Output tokens that a request without ``max_tokens`` is held for."""
    max_output_hold: int = 8_192
    """The most output tokens that a request is held for, whatever its ``max_tokens``."""
    strict_holds: bool = False
    """Demand the full estimate, so that no quota is ever overshot."""
    allow_unpriced_models: bool = False
    user_model_rate_limit: int | None = None
    """Requests per minute of one user for one model; None = no limit."""
    retries: int = 2
    """How many more candidates are tried after the first one failed."""
    retry_empty_answers: bool = False
    """A chat's answer with nothing in it counts as a failure: the next candidate is asked, nobody pays."""
    log_retention_days: int | None = None
    """Requests and their corrections are deleted from the log after so many days; None = never. Sums stay."""
    credit_retention_days: int | None = None
    """The same for the log's entries of credits given; balances don't depend on them."""
    admin_retention_days: int | None = None
    """The same for what admins changed."""
    login_retention_days: int | None = None
    """The same for logins."""
    response_retention_days: int = 30
    """Answers that Responses callers may go on from are kept so long after their last use; 0 = none is."""
    public_url: str = ""
    """Where programs reach the gateway, for example calls; empty: as the browser sees it."""


DAYS = (1, 36_500)
_BOUNDS: dict[str, tuple[int, int]] = {
    "credits_per_usd": (1, 1_000_000_000),
    "root_start_credits": (0, MAX_CREDITS),
    "user_start_credits": (0, MAX_CREDITS),
    "default_output_estimate": (1, 1_000_000),
    "max_output_hold": (1, 100_000_000),
    "user_model_rate_limit": (1, 1_000_000),
    "retries": (0, 20),
    "log_retention_days": DAYS,
    "credit_retention_days": DAYS,
    "admin_retention_days": DAYS,
    "login_retention_days": DAYS,
    "response_retention_days": (0, DAYS[1]),
}
NAMES: tuple[str, ...] = tuple(field.name for field in fields(Options))
DEFAULTS = Options()


def checked(name: str, value: Any) -> Any:
    """``value`` if option ``name`` may have it, else a 400 that names the option."""
    if name not in NAMES:
        raise invalid(f"There is no setting named {name!r}.", name[:64])
    if name in _BOUNDS:
        return _number(name, value)
    kind = type(getattr(DEFAULTS, name))
    if type(value) is not kind:
        raise invalid(f"{name} must be {'true or false' if kind is bool else 'a text'}.", name)
    if kind is str and (len(value) > 500 or (value and not value.startswith(("http://", "https://")))):
        raise invalid(f"{name} must begin with http:// or https:// and have at most 500 characters.", name)
    return value


def _number(name: str, value: Any) -> int | None:
    low, high = _BOUNDS[name]
    if value is None and getattr(DEFAULTS, name) is None:
        return None
    if type(value) is not int or not low <= value <= high:
        raise invalid(f"{name} must be a whole number from {low:,} to {high:,}.", name)
    return value
