"""What people set on a token: the form for a new one and the form for a change."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from openopen8.core.clock import to_ms
from openopen8.core.services.forms import Credits, Form, ModelNames, Moment, Name, Patch, Ranges, RateLimit, ShortName

QuotaPeriod = Literal["none", "daily", "weekly", "monthly"]


class TokenFields(Form):
    """A token as its owner describes it."""

    name: Name
    quota: Credits = Field(0, description="Credits that the token may use; 0 = unlimited.")
    quota_period: QuotaPeriod = Field("none", description="When `used` begins again at 0, in UTC.")
    expires_at: Moment | None = Field(None, description="Refused from this moment on; null = never.")
    allowed_models: ModelNames = Field([], description="Empty = every model of the group.")
    ip_whitelist: Ranges = Field([], description="Addresses and CIDR ranges; empty = any address.")
    group: ShortName | None = Field(None, description="null = the user's own group.")
    rate_limit: RateLimit | None = Field(None, description="Requests per minute; null = no limit.")
    enabled: bool = True


class TokenPatch(TokenFields, Patch):
    """A change of a token: absent fields stay."""

    name: Name = ""


def columns_of(given: dict[str, Any]) -> dict[str, Any]:
    """Form values as columns: quota 0 → None (no limit), times → ms. ``group`` is not among them."""
    columns = {name: value for name, value in given.items() if name != "group"}
    if "quota" in columns:
        columns["quota"] = columns["quota"] or None
    if columns.get("expires_at") is not None:
        columns["expires_at"] = to_ms(columns["expires_at"])
    return columns
